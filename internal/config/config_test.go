package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func testEnv() Env {
	vars := map[string]string{"NAME": "web", "EMPTY": "", "PORT": "9001", "EVIL": "x}, {name: more, endpoints: [6.6.6.6:1]}", "LOOP": "${LOOP}"}
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

func TestValuesOfReferencesAreOnlyText(t *testing.T) {
	c := parse(t, minimal+"node: {name: \"${EVIL}\", zone: \"${LOOP}\"}\n")
	if len(c.Clusters) != 1 || c.Node.Name != "x}, {name: more, endpoints: [6.6.6.6:1]}" || c.Node.Zone != "${LOOP}" {
		t.Errorf("%+v", c.Node)
	}
}

func TestReferencesWithoutAnEnvironmentAreProblems(t *testing.T) {
	_, problems := Parse(Document{"f", []byte(minimal + "node: {name: \"${A}\", zone: \"${file:/b}\"}\n")}, Env{})
	if len(problems) != 2 {
		t.Errorf("problems: %v", problems)
	}
}

func TestWhatReferencesAddIsBounded(t *testing.T) {
	read := 0
	env := Env{ReadFile: func(string) ([]byte, error) { read++; return make([]byte, mostSecret), nil }}
	text := minimal + "node: {name: \"" + strings.Repeat("${file:/a}", 1000) + "\"}\n"
	_, problems := Parse(Document{"f", []byte(text)}, env)
	if len(problems) != 1 || !strings.Contains(problems.Error(), "add more than 4 MiB") || read > 65 {
		t.Errorf("%d reads, problems: %v", read, problems)
	}
}

func TestOnlyOrdinaryFilesAreReadIntoValues(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 2*mostSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ path, want string }{
		{"/dev/zero", "no regular file"}, {t.TempDir(), "no regular file"}, {large, "larger than 64 KiB"},
	} {
		_, problems := Parse(Document{"f", []byte(minimal + "node: {name: \"${file:" + bad.path + "}\"}\n")}, ProcessEnv())
		if !strings.Contains(problems.Error(), bad.want) {
			t.Errorf("%s: %v", bad.path, problems)
		}
	}
}

func TestBytesThatAreNoTextHaveTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"node: {name: \"é\xff\"}\n":      "f:1:16: this byte is not UTF-8 (save the file as UTF-8 text)",
		"a: 1\nnode: {name: \"\x00\"}\n": "f:2:15: the control character U+0000 cannot stand here (save the file as UTF-8 text)",
	} {
		if _, problems := Parse(Document{"f", []byte(text)}, testEnv()); problems.Error() != want {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

func TestDocumentsAreBounded(t *testing.T) {
	if _, problems := Parse(Document{"f", make([]byte, MostText+1)}, testEnv()); len(problems) != 1 || !strings.Contains(problems.Error(), "larger than 4 MiB") {
		t.Errorf("problems: %v", problems)
	}
}

func TestMergingAMappingManyTimesIsRefused(t *testing.T) {
	text := "x-a: &a {k: 1, l: 1}\nx-b: &b {<<: [" + strings.Repeat("*a,", mostNodes/3) + "]}\nnode: *b\n" + minimal
	_, problems := Parse(Document{"f", []byte(text)}, testEnv())
	if !strings.Contains(problems.Error(), "once its aliases are followed") {
		t.Errorf("problems: %.200s", problems.Error())
	}
}

func TestRedactedDocumentShowsNoSecret(t *testing.T) {
	text := minimal + `x-t: &t by-way-of-an-alias
x-loop: &loop {a: *loop}
admin:
  token: *t # note
  socket: ${file:/run/secrets/name}
coordination: {password: [in, a, list], api_key: plain, secret: {deep: inside}}
x-header: {Authorization: Bearer abc}
clusters2: {hash_key: header:x-user}
`
	shown := string(Redact(Document{"f", []byte(text)}))
	for _, secret := range []string{"by-way", "/run/secrets", "in,", "plain", "inside", "Bearer"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is shown in\n%s", secret, shown)
		}
	}
	for _, open := range []string{"# note", "127.0.0.1:9001", "header:x-user"} {
		if !strings.Contains(shown, open) {
			t.Errorf("%s is not shown in\n%s", open, shown)
		}
	}
}

func TestSecretFieldsAreSecretByTheirNames(t *testing.T) {
	secrets := 0
	eachField(reflect.ValueOf(&Config{}), "", func(path string, f fieldInfo, _ reflect.Value) {
		if f.secret {
			secrets++
		}
		if f.secret != secretKey(f.key) {
			t.Errorf("%s: the tag and Redact do not agree", path)
		}
	})
	if secrets == 0 {
		t.Error("no field is secret")
	}
}

func TestDefaultOfTheHeadTimeoutIsKnown(t *testing.T) {
	if c := parse(t, minimal); c.Clusters[0].Timeouts.Head != defaultHead {
		t.Errorf("the default is %v, defaultHead %v", c.Clusters[0].Timeouts.Head, defaultHead)
	}
}

func TestResolvedDocumentMeansTheSame(t *testing.T) {
	files, _ := filepath.Glob("../../docs/config/examples/*.yaml")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sameAgain(t, f, string(parse(t, string(text)).Resolved()))
	}
	eachGolden(t, "resolved", func(t *testing.T, g golden) { sameAgain(t, g.path, g.want) })
}

func sameAgain(t *testing.T, name, first string) {
	t.Helper()
	known := strings.ReplaceAll(first, blanked, "a-secret-of-enough-length")
	again := string(parse(t, known).Resolved())
	if again = strings.ReplaceAll(again, "a-secret-of-enough-length", blanked); again != first {
		t.Errorf("%s: resolved twice:\n%s\nonce:\n%s", name, again, first)
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

// TestEveryKeyOfTheContractIsKnown reads the example of the contract as it
// stands there. What is not built yet is answered so, key by key, at the very
// place of the key; everything else is taken.
func TestEveryKeyOfTheContractIsKnown(t *testing.T) {
	text, err := os.ReadFile("testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Parse(Document{"contract.yaml", text}, Env{
		Lookup:   func(string) (string, bool) { return "a-value-of-enough-length", true },
		ReadFile: func(string) ([]byte, error) { return []byte("x"), nil },
	})
	want := []string{
		"listeners[0].protocols[1]", "listeners[0].tls", "listeners[0].proxy_protocol",
		"routes[0].to[0].cluster", "routes[0].to[1].cluster", // the example has no such clusters
		"clusters[0].discovery",
		"telemetry.otlp", "telemetry.datadog", "telemetry.evidence", "coordination",
	}
	var got []string
	lines := strings.Split(string(text), "\n")
	for _, p := range problems {
		got = append(got, p.Path)
		word := p.Path[strings.LastIndex(p.Path, ".")+1:]
		switch {
		case strings.HasSuffix(p.Path, "].cluster"):
			continue
		case p.What != "not built yet" || p.Hint == "":
			t.Errorf("%v; want not built yet, and what to do", p)
		case strings.HasSuffix(word, "]"):
			word = "h2c"
		}
		if here := lines[p.Line-1][p.Col-1:]; !strings.HasPrefix(here, word) {
			t.Errorf("%v: there stands %q", p, here)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("problems at\n%q\nwant\n%q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.txtar")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		document, _, _ := strings.Cut(strings.TrimPrefix(string(text), "-- config.yaml --\n"), "\n-- ")
		f.Add(document)
	}
	f.Add("a: &a [*a]\n<<: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := Parse(Document{"f", []byte(text)}, testEnv())
		if (c == nil) == (len(problems) == 0) {
			t.Fatalf("config %v with %d problems", c, len(problems))
		}
		for _, p := range problems {
			if p.Line < 1 || p.Col < 1 || p.What == "" || strings.Contains(p.Error(), "a-very-long-secret") {
				t.Fatalf("no place, no verdict or a secret: %v", p)
			}
		}
		if c != nil {
			c.Resolved()
		}
		if shown := Redact(Document{"f", []byte(text)}); len(shown) == 0 {
			t.Fatal("nothing is shown")
		}
	})
}

func TestBoundsOfARule(t *testing.T) {
	w := When{ErrorRate: ">5%", SlowEndpoint: "> 2x", Bursty: "holds", NoData: "<300"}
	want := []Bound{
		{Condition: "error_rate", Value: 0.05},
		{Condition: "slow_endpoint", Value: 2},
		{Condition: "bursty", Holds: true},
		{Condition: "no_data", Below: true, Value: 300},
	}
	if got := w.Bounds(); !slices.Equal(got, want) {
		t.Errorf("%+v; want %+v", got, want)
	}
}
