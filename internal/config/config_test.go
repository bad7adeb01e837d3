package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func testEnv() Env {
	vars := map[string]string{"NAME": "web", "EMPTY": "", "PORT": "9001", "EVIL": "x}\n- {address: 6.6.6.6:1}"}
	return Env{
		Lookup: func(k string) (string, bool) { v, ok := vars[k]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			if path == "/run/secrets/token" {
				return []byte("a-very-long-secret-token\n"), nil
			}
			return nil, errors.New("no such file")
		},
	}
}

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, problems := Parse(Document{"poise.yaml", []byte(text)}, testEnv())
	if len(problems) > 0 {
		t.Fatalf("problems in a good document:\n%v", problems)
	}
	return c
}

const minimal = "listeners: [{address: \":8080\"}]\nclusters: [{name: web, endpoints: [127.0.0.1:9001]}]\n"

func TestSmallestDocumentGetsEveryDefault(t *testing.T) {
	c := parse(t, minimal)
	l, k := c.Listeners[0], c.Clusters[0]
	if l.Limits.HeaderBytes != 64<<10 || l.Limits.Connections != 50000 || l.HalfClose != "cancel" || !bool(l.Via) {
		t.Errorf("listener: %+v", l)
	}
	if k.Policy != "adaptive" || k.Panic != 0.5 || k.Retry.MaxRetries != 1 || len(k.Retry.On) != 5 || k.Health != nil || k.Sticky != nil {
		t.Errorf("cluster: %+v", k)
	}
	if len(c.Routes) != 1 || c.Routes[0].To[0].Cluster != "web" || c.Admin.Address != "127.0.0.1:9900" || c.Telemetry.AccessLog != nil {
		t.Errorf("routes %+v, admin %+v", c.Routes, c.Admin)
	}
}

func TestSixMistakesAreReportedAtSixPlaces(t *testing.T) {
	text := `listeners:
  - address: ":8080"
    limts: {fields: 10}
clusters:
  - name: web
    endpoints: [127.0.0.1:9001, "127.0.0.1"]
    policy: lest-request
    timeouts: {head: 30}
    retry: {budget: 120%}
routes:
  - match: {path: /}
    cluster: wbe
`
	_, problems := Parse(Document{"bad.yaml", []byte(text)}, testEnv())
	want := []string{
		"bad.yaml:3:5: listeners[0].limts: unknown key (did you mean limits?)",
		"bad.yaml:6:33: clusters[0].endpoints[1].address: \"127.0.0.1\" is no address (write host:port, as in 127.0.0.1:9001)",
		"bad.yaml:7:13: clusters[0].policy: there is no policy \"lest-request\" (did you mean least-request?)",
		"bad.yaml:8:22: clusters[0].timeouts.head: \"30\" is no duration; write it with a unit, as in 250ms, 10s or 1h",
		"bad.yaml:9:21: clusters[0].retry.budget: \"120%\" is no share; write it as in 20% or 0.2, from 0 to 100%",
		"bad.yaml:12:14: routes[0].cluster: there is no cluster \"wbe\" (did you mean web?)",
	}
	if got := strings.Split(problems.Error(), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", problems.Error(), strings.Join(want, "\n"))
	}
}

func TestOneMistakeOneProblem(t *testing.T) {
	base := "listeners: [{address: \":8080\"}]\n"
	cluster := base + "clusters:\n- name: web\n  endpoints: [127.0.0.1:9001]\n  "
	for _, bad := range []struct{ name, text, want string }{
		{"syntax", "a: [1\nb", "f:3:1: did not find"},
		{"empty", "", "the document is empty"},
		{"two documents", minimal + "---\na: 1\n", "more than one document"},
		{"key twice", minimal + "clusters: []\n", "stands here twice, first in line 2"},
		{"no value", base + "clusters:\n", ":2:10: clusters: has no value"},
		{"list for mapping", minimal + "admin: []\n", "admin: must be a mapping of keys to values, not a list"},
		{"mapping for value", minimal + "admin: {address: {}}\n", "admin.address: must be a single value, not a mapping"},
		{"later", minimal + "engine: {mode: auto}\n", ":3:1: engine: not built yet"},
		{"later in a cluster", cluster + "hedge: {after: p95}\n", ":5:3: clusters[0].hedge: not built yet"},
		{"later protocol", "listeners: [{address: \":1\", protocols: [http1, h2c]}]\nclusters: [{name: w, endpoints: [a:1]}]\n", ":1:48: listeners[0].protocols[1]: not built yet"},
		{"later policy", cluster + "policy: expected-delay\n", "expected-delay is not built yet"},
		{"hash without key", cluster + "policy: maglev\n", "maglev needs a hash_key"},
		{"bad hash key", cluster + "hash_key: header\n", "is no hash key"},
		{"endpoint twice", base + "clusters: [{name: w, endpoints: [a:1, a:1]}]\n", "\"a:1\" is used by clusters[0].endpoints[0] already"},
		{"weight 0", base + "clusters: [{name: w, endpoints: [{address: a:1, weight: 0}]}]\n", "weight: must be from 1 to 1000"},
		{"two checks", cluster + "health: {path: /h, tcp: true}\n", "more than one of path, grpc and tcp"},
		{"expect", cluster + "health: {expect: 2xx}\n", "is no list of statuses"},
		{"enum", cluster + "retry: {on: [conect]}\n", "retry.on[0]: \"conect\" is not allowed here (did you mean connect?)"},
		{"open admin", minimal + "admin: {address: \"0.0.0.0:9900\"}\n", "there is no admin.token"},
		{"short token", minimal + "admin: {token: abc}\n", "shorter than 16"},
		{"unset variable", minimal + "node: {name: \"${MISSING}\"}\n", ":3:14: node.name: the variable MISSING is not set"},
		{"missing file", minimal + "admin: {token: \"${file:/nowhere}\"}\n", "${file:/nowhere}"},
		{"routes needed", base + "clusters: [{name: a, endpoints: [a:1]}, {name: b, endpoints: [b:1]}]\n", "several clusters and no routes"},
		{"route to two things", minimal + "routes: [{cluster: web, redirect: {path: /x}}]\n", "exactly one of cluster, to and redirect"},
		{"regex", minimal + "routes: [{cluster: web, match: {path: {regex: \"(\"}}}]\n", "path.regex: error parsing regexp"},
		{"wildcard", minimal + "routes: [{cluster: web, match: {host: a.*.com}}]\n", "wildcard that is not the first label"},
		{"connection's field", minimal + "routes: [{cluster: web, request_headers: {set: {Host: x}}}]\n", "belongs to the connection"},
		{"alias bomb", "x-a: &a [x,x,x,x,x,x,x,x,x]\nx-b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nx-c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nx-d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\nx-e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nx-f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nlisteners: *f\nclusters: [{name: w, endpoints: [a:1]}]\n", ""},
	} {
		t.Run(bad.name, func(t *testing.T) {
			c, problems := Parse(Document{"f", []byte(bad.text)}, testEnv())
			if c != nil || len(problems) == 0 {
				t.Fatal("no problem was found")
			}
			if !strings.Contains(problems.Error(), bad.want) {
				t.Errorf("got\n%v\nwant it to say %q", problems, bad.want)
			}
			for _, p := range problems {
				if p.Line < 1 || p.Col < 1 {
					t.Errorf("no place: %v", p)
				}
			}
		})
	}
}

func TestReferencesAreExpandedInScalarsOnly(t *testing.T) {
	c := parse(t, `
listeners: [{address: ":8080"}]
clusters:
  - name: ${NAME}
    endpoints: ["127.0.0.1:${PORT}", "127.0.0.1:${OTHER:-9002}"]
node: {name: "${EVIL}", zone: "cost: $$5 $x"}
admin: {token: "${file:/run/secrets/token}"}
`)
	k := c.Clusters[0]
	if k.Name != "web" || len(k.Endpoints) != 2 || k.Endpoints[0].Address != "127.0.0.1:9001" || k.Endpoints[1].Address != "127.0.0.1:9002" {
		t.Errorf("cluster: %+v", k)
	}
	if c.Node.Name != "x}\n- {address: 6.6.6.6:1}" || c.Node.Zone != "cost: $5 $x" || c.Admin.Token != "a-very-long-secret-token" {
		t.Errorf("node %q %q, token %q", c.Node.Name, c.Node.Zone, c.Admin.Token)
	}
}

func TestAnchorsAndMergeKeysWork(t *testing.T) {
	c := parse(t, `
x-common: &common {policy: p2c, panic: 10%}
listeners: [{address: ":8080"}]
routes: [{cluster: a}]
clusters:
  - {<<: *common, name: a, endpoints: [a:1]}
  - {<<: *common, name: b, endpoints: [b:1], policy: random}
`)
	if a, b := c.Clusters[0], c.Clusters[1]; a.Policy != "p2c" || a.Panic != 0.1 || b.Policy != "random" || b.Panic != 0.1 {
		t.Errorf("a %+v, b %+v", a, b)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	text := minimal + "admin:\n  token: a-token-of-enough-length # note\n  socket: ${file:/run/secrets/token}\n"
	shown := string(parse(t, text).Resolved()) + string(Redact(Document{"f", []byte(text)}))
	if strings.Contains(shown, "a-token-of") || strings.Contains(string(Redact(Document{"f", []byte(text)})), "/run/secrets") || strings.Count(shown, blanked) < 3 || !strings.Contains(shown, "# note") {
		t.Errorf("shown:\n%s", shown)
	}
}

func TestResolvedDocumentMeansTheSame(t *testing.T) {
	files, _ := filepath.Glob("../../docs/config/examples/*.yaml")
	if len(files) < 6 {
		t.Fatalf("%d examples; want at least 6", len(files))
	}
	for _, f := range files {
		text, _ := os.ReadFile(f)
		first := string(parse(t, string(text)).Resolved())
		known := strings.ReplaceAll(first, blanked, "a-secret-of-enough-length")
		if again := string(parse(t, known).Resolved()); again != first {
			t.Errorf("%s: resolved twice:\n%s\nonce:\n%s", f, again, first)
		}
	}
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("poise.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("poise.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	return doc
}

func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	s := schema(t)
	files, _ := filepath.Glob("../../docs/config/examples/*.yaml")
	for _, f := range files {
		text, _ := os.ReadFile(f)
		if err := s.Validate(asJSON(t, string(text))); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	for name, text := range map[string]string{
		"unknown key":  minimal + "listner: 1\n",
		"later key":    minimal + "engine: {}\n",
		"bad duration": "clusters: [{name: a, timeouts: {head: 30}}]\n",
		"bad share":    "clusters: [{name: a, panic: 3}]\n",
		"bad enum":     "listeners: [{address: \":1\", half_close: maybe}]\n",
		"bad kind":     "clusters: {}\n",
	} {
		if s.Validate(asJSON(t, text)) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}

func TestFlagsMakeOneCluster(t *testing.T) {
	c, problems := FromFlags(Flags{Listen: ":8080", Endpoints: []string{"a:1", "b:2"}, Policy: "least-connections"})
	if len(problems) > 0 || c.Clusters[0].Name != "default" || c.Clusters[0].Policy != "least-request" || len(c.Clusters[0].Endpoints) != 2 {
		t.Fatalf("%+v, %v", c, problems)
	}
	_, problems = FromFlags(Flags{Listen: "nope", Endpoints: []string{"a"}, Policy: "x", Admin: "0.0.0.0:1"})
	for _, flag := range []string{"--listen", "--endpoint", "--policy", "--admin"} {
		if !strings.Contains(problems.Error(), flag+": ") {
			t.Errorf("no problem names %s:\n%v", flag, problems)
		}
	}
}

func TestDestructiveChangesAreNamed(t *testing.T) {
	old := parse(t, "listeners: [{address: \":1\"}, {address: \":2\"}]\nclusters: [{name: w, endpoints: [a:1, b:1, c:1]}]\n")
	next := parse(t, "listeners: [{address: \":1\"}]\nclusters: [{name: w, endpoints: [a:1]}]\n")
	if got := Destructive(old, next); len(got) != 2 {
		t.Errorf("reasons: %q; want the listener and the endpoints", got)
	}
	if got := Destructive(old, old); len(got) != 0 {
		t.Errorf("no change is destructive for %q", got)
	}
}

func TestEveryKeyOfTheContractIsKnown(t *testing.T) {
	text, err := os.ReadFile("testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Parse(Document{"contract.yaml", text}, Env{
		Lookup:   func(string) (string, bool) { return "a-value-of-enough-length", true },
		ReadFile: func(string) ([]byte, error) { return []byte("x"), nil },
	})
	later := 0
	for _, p := range problems {
		if strings.HasPrefix(p.What, "there is no cluster") {
			continue // the example shows keys, not a whole configuration
		}
		if p.What != "not built yet" && !strings.Contains(p.What, "is not built yet") {
			t.Errorf("%v", p)
		} else {
			later++
		}
	}
	if later < 15 {
		t.Errorf("only %d keys are answered with not built yet", later)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal)
	f.Add("a: &a [*a]\n<<: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := Parse(Document{"f", []byte(text)}, testEnv())
		if (c == nil) == (len(problems) == 0) {
			t.Fatalf("config %v with %d problems", c, len(problems))
		}
		for _, p := range problems {
			if p.Line < 1 || p.Col < 1 {
				t.Fatalf("no place: %v", p)
			}
		}
	})
}
