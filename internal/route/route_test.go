package route

import (
	"strings"
	"testing"
	"time"

	"poise/internal/message"
	"poise/internal/stats"
)

// request makes a head from "METHOD authority target" and fields "name: value".
func request(line string, fields ...string) *message.Head {
	parts := strings.Split(line, " ")
	h := &message.Head{
		Method: []byte(parts[0]), Authority: []byte(parts[1]), Path: []byte(parts[2]), Scheme: []byte("http"),
		Fields: fieldsOf(fields...),
	}
	return h
}

func fieldsOf(lines ...string) (fields []message.Field) {
	for _, f := range lines {
		name, value, _ := strings.Cut(f, ": ")
		fields = append(fields, message.Field{Name: []byte(name), Value: []byte(value), ID: message.LookUp([]byte(name))})
	}
	return fields
}

// table compiles matches whose routes lead to a cluster of their own, named
// after their place.
func table(t testing.TB, matches ...Match) *Table {
	t.Helper()
	var specs []Spec
	for _, m := range matches {
		specs = append(specs, Spec{Match: m, To: []Target{{Cluster: "c", Weight: 1}}})
	}
	return compiled(t, specs...)
}

func compiled(t testing.TB, specs ...Spec) *Table {
	t.Helper()
	all, err := Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func prefix(p string) Match { return Match{Path: Path{Prefix, p}} }
func exact(p string) Match  { return Match{Path: Path{Exact, p}} }
func regex(p string) Match  { return Match{Path: Path{Regex, p}} }

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name  string
		match Match
		fits  []string
		not   []string
	}{
		{
			"a host fits itself, in any case, with any port and with a final dot",
			Match{Host: "Shop.Example.com"},
			[]string{"GET shop.example.com /", "GET SHOP.EXAMPLE.COM:8080 /", "GET shop.example.com. /", "GET shop.example.com.:80 /"},
			[]string{"GET example.com /", "GET a.shop.example.com /", "GET shop.example.com.evil.org /", "GET xshop.example.com /", "GET  /"},
		},
		{
			"a wildcard fits the names below, however deep, and not the name itself",
			Match{Host: "*.example.com"},
			[]string{"GET a.example.com /", "GET a.b.EXAMPLE.com:443 /", "GET a.example.com. /"},
			[]string{"GET example.com /", "GET .example.com /", "GET badexample.com /", "GET a.example.com.org /"},
		},
		{
			"an IPv6 address fits with its brackets, with and without a port",
			Match{Host: "[2001:DB8::1]"},
			[]string{"GET [2001:db8::1] /", "GET [2001:db8::1]:8080 /"},
			[]string{"GET [2001:db8::2] /", "GET 2001 /"},
		},
		{
			"an IPv6 address may be written without brackets",
			Match{Host: "::1"},
			[]string{"GET [::1]:8080 /"}, []string{"GET [::2]:8080 /"},
		},
		{
			"a prefix fits by element",
			prefix("/v1"),
			[]string{"GET a /v1", "GET a /v1/", "GET a /v1/x", "GET a /v1?q=/v2", "GET a /x/../v1/y", "GET a /%761/z", "GET a /v1//"},
			[]string{"GET a /", "GET a /v10", "GET a /v", "GET a /V1", "GET a /v1/../x", "GET a /v1%20", "GET a /x/v1", "GET a //v1"},
		},
		{
			"a slash at the end of a prefix changes nothing",
			prefix("/v1/"),
			[]string{"GET a /v1", "GET a /v1/x"}, []string{"GET a /v10"},
		},
		{
			"the prefix / fits every path, and OPTIONS *",
			prefix("/"),
			[]string{"GET a /", "GET a //x", "GET a /x/y?z", "OPTIONS a *"}, nil,
		},
		{
			"a prefix is compared in its normal form, whatever way it is written",
			prefix("/a/../caf%c3%a9/%7Ex"),
			[]string{"GET a /caf%C3%A9/~x", "GET a /caf%c3%a9/%7ex/y"}, []string{"GET a /cafe/~x"},
		},
		{
			"letters beyond ASCII stand for their escapes",
			prefix("/café"),
			[]string{"GET a /caf%c3%a9/menu"}, []string{"GET a /caf"},
		},
		{
			"an exact path fits nothing below it",
			exact("/status"),
			[]string{"GET a /status", "GET a /status?x", "GET a /./status", "GET a /st%61tus"},
			[]string{"GET a /status/", "GET a /status/x", "GET a /Status"},
		},
		{
			"a regex fits the whole path, without the query",
			regex("/user/[0-9]+|/me"),
			[]string{"GET a /user/7", "GET a /me", "GET a /user/7?x=y", "GET a /x/../user/7"},
			[]string{"GET a /user/7/x", "GET a /xme", "GET a /user/", "GET a /me\n"},
		},
		{
			"methods are compared as they are, and may be written in lower case",
			Match{Methods: []string{"get", "POST"}},
			[]string{"GET a /", "POST a /"}, []string{"PUT a /", "get a /", "GETX a /"},
		},
		{
			"a parameter of the query is found anywhere, with its escapes decoded",
			Match{Query: []Pair{{"q", "a b&c"}}},
			[]string{"GET a /?q=a+b%26c", "GET a /?x=1&q=a%20b%26c&y", "GET a /?%71=a+b%26c", "GET a /?q=no&q=a+b%26c"},
			[]string{"GET a /", "GET a /?q=a+b", "GET a /?q=a+b%26cd", "GET a /?xq=a+b%26c", "GET a /q=a+b%26c"},
		},
		{
			"an empty value fits a parameter with or without an equals sign",
			Match{Query: []Pair{{"beta", ""}}},
			[]string{"GET a /?beta", "GET a /?beta=", "GET a /?x&beta"}, []string{"GET a /?betax", "GET a /?beta=1", "GET a /?"},
		},
		{
			"an escape that is none stands for itself in a query",
			Match{Query: []Pair{{"q", "100%"}}},
			[]string{"GET a /?q=100%", "GET a /?q=100%25"}, []string{"GET a /?q=100"},
		},
		{
			"everything that is given must fit",
			Match{Host: "a.example", Path: Path{Prefix, "/v1"}, Methods: []string{"GET"}, Query: []Pair{{"x", "1"}, {"y", "2"}}},
			[]string{"GET a.example /v1/z?y=2&x=1"},
			[]string{"GET b.example /v1/z?y=2&x=1", "GET a.example /v2/z?y=2&x=1", "PUT a.example /v1/z?y=2&x=1", "GET a.example /v1/z?y=2"},
		},
		{"nothing given fits all", Match{}, []string{"GET a /", "BREW  *", "GET a.b:1 /x?y"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := table(t, c.match)
			for want, lines := range map[bool][]string{true: c.fits, false: c.not} {
				for _, line := range lines {
					r, refusal := all.Match(request(line), &Scratch{})
					if refusal != nil || (r != nil) != want {
						t.Errorf("%q fits: %v, refusal %v; want %v", line, r != nil, refusal, want)
					}
				}
			}
		})
	}
}

func TestMatchOfHeaderFields(t *testing.T) {
	all := table(t, Match{Headers: []Pair{{"X-Canary", "1"}, {"x-team", "Blue"}}})
	for _, c := range []struct {
		name   string
		fields []string
		want   bool
	}{
		{"names in any case fit", []string{"X-CANARY: 1", "x-team: Blue"}, true},
		{"one of several fields of a name is enough", []string{"x-canary: 0", "x-canary: 1", "x-team: Blue"}, true},
		{"values are compared exactly", []string{"x-canary: 1", "x-team: blue"}, false},
		{"all must be there", []string{"x-canary: 1"}, false},
		{"a list is not taken apart", []string{"x-canary: 1, 2", "x-team: Blue"}, false},
		{"a longer name is another", []string{"x-canary-2: 1", "x-team: Blue"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, _ := all.Match(request("GET a /", c.fields...), &Scratch{}); (r != nil) != c.want {
				t.Errorf("fits: %v; want %v", r != nil, c.want)
			}
		})
	}
}

func TestFirstMatchWins(t *testing.T) {
	all := table(t, exact("/a"), prefix("/a"), Match{Host: "h"}, prefix("/"), exact("/never"))
	for line, want := range map[string]int{"GET h /a": 0, "GET h /a/b": 1, "GET h /x": 2, "GET g /x": 3, "GET g /never": 3} {
		if r, _ := all.Match(request(line), &Scratch{}); r == nil || r.Index != want {
			t.Errorf("%q takes %v; want route %d", line, r, want)
		}
	}
	if r, refusal := table(t, exact("/a")).Match(request("GET h /b"), &Scratch{}); r != nil || refusal != nil {
		t.Errorf("what fits no route takes %v, %v; want neither route nor refusal", r, refusal)
	}
}

func TestOneScratchServesManyRequests(t *testing.T) {
	all := table(t, Match{Path: Path{Exact, "/b/c"}, Query: []Pair{{"x", "1"}}}, exact("/b"))
	var s Scratch
	for _, c := range []struct {
		line string
		want int
	}{{"GET h /a/../b/c?x=1", 0}, {"GET h /b", 1}, {"GET h /b/c", -1}, {"GET h /%62", 1}, {"GET h /b/%63?x=1", 0}} {
		got := -1
		if r, _ := all.Match(request(c.line), &s); r != nil {
			got = r.Index
		}
		if got != c.want {
			t.Errorf("%q takes route %d; want %d", c.line, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	all := compiled(t,
		Spec{Name: "shop", Match: prefix("/shop"), To: []Target{{"c", 1}}},
		Spec{Match: Match{Host: "a.example", Path: Path{Prefix, "/v1"}}, To: []Target{{"c", 1}}},
		Spec{To: []Target{{"c", 1}}},
	)
	for i, want := range []string{"shop", "a.example/v1", "default"} {
		if got := all.Name(i); got != want {
			t.Errorf("route %d is named %q; want %q", i, got, want)
		}
	}
	if all.Len() != 3 {
		t.Errorf("Len() = %d; want 3", all.Len())
	}
}

func TestRouteKeepsWhatTheProxyNeeds(t *testing.T) {
	all := compiled(t,
		Spec{Match: exact("/slow"), To: []Target{{"c", 1}}, Timeout: 3 * time.Second, Host: Host{HostName, []byte("in.example")}},
		Spec{Match: exact("/old"), Redirect: &Redirect{Path: "/new", Status: 308}},
		Spec{To: []Target{{"c", 1}}, Host: Host{Kind: HostEndpoint}},
	)
	take := func(line string) *Route {
		r, _ := all.Match(request(line), &Scratch{})
		return r
	}
	if r := take("GET a /slow"); r.Timeout != 3*time.Second || r.Host.Kind != HostName || string(r.Host.Name) != "in.example" || r.Redirects() {
		t.Errorf("/slow: %+v", r)
	}
	if r := take("GET a /old"); !r.Redirects() || r.Redirect.Status != 308 || r.Host.Kind != HostPreserve {
		t.Errorf("/old: %+v", r)
	}
	if r := take("GET a /x"); r.Host.Kind != HostEndpoint || r.Timeout != 0 {
		t.Errorf("/x: %+v", r)
	}
}

// TestEachTargetHasItsShare goes through all shares one by one: each target
// has exactly its weight of them.
func TestEachTargetHasItsShare(t *testing.T) {
	for _, weights := range [][]int{{95, 5}, {1, 1, 1}, {0, 3, 0, 7}, {5}, {1, 0}, {1_000_000, 1}} {
		var to []Target
		for _, w := range weights {
			to = append(to, Target{Cluster: "c", Weight: w})
		}
		r := &compiled(t, Spec{To: to}).routes[0]
		got := make([]int, len(weights))
		for n := range r.weight {
			got[r.target(n)]++
		}
		for i, w := range weights {
			if got[i] != w {
				t.Errorf("weights %v: target %d has %d shares", weights, i, got[i])
			}
		}
	}
}

func TestDiceHitEveryShareAlike(t *testing.T) {
	r := &compiled(t, Spec{To: []Target{{"stable", 95}, {"next", 5}, {"off", 0}}}).routes[0]
	dice, counts := stats.NewDice(4), [3]int{}
	const rolls = 100_000
	for range rolls {
		counts[r.Choose(&dice)]++
	}
	if next := counts[1]; next < 5000-276 || next > 5000+276 || counts[2] != 0 { // 4 standard deviations
		t.Errorf("of %d requests %v went to stable, next and off; want 95000, 5000, 0", rolls, counts)
	}
}

func TestCompileSaysWhatIsWrong(t *testing.T) {
	to := []Target{{"c", 1}}
	for _, c := range []struct {
		name string
		spec Spec
		want string
	}{
		{"no target at all", Spec{}, "routes[0]: no target has a weight"},
		{"weights that are all 0", Spec{To: []Target{{"c", 0}}}, "give one at least 1"},
		{"a negative weight", Spec{To: []Target{{"c", -1}, {"d", 2}}}, "the weight of cluster c is negative"},
		{"a wildcard in the middle", Spec{To: to, Match: Match{Host: "a.*.com"}}, "a wildcard may only be the first label"},
		{"a wildcard alone", Spec{To: to, Match: Match{Host: "*"}}, "a wildcard may only be the first label"},
		{"a regex that does not parse", Spec{To: to, Match: regex("(")}, "path regex"},
		{"a regex that closes what it is wrapped in", Spec{To: to, Match: regex("a)|(?:b")}, ""}, // parses; see below
		{"a prefix that no request can have", Spec{To: to, Match: prefix("/a%2Fb")}, "can never fit"},
		{"an exact path that no request can have", Spec{To: to, Match: exact(`/a\b`)}, "can never fit"},
		{"an exact path with a query", Spec{To: to, Match: exact("/a?b")}, "can never fit"},
		{"a prefix to strip that no request can have", Spec{To: to, StripPrefix: "/%00"}, "strip_prefix: \"/%00\" can never fit"},
		{"a match on Host as a field", Spec{To: to, Match: Match{Headers: []Pair{{"Host", "a"}}}}, "header: the field Host belongs to the connection"},
		{"a match on what is no field name", Spec{To: to, Match: Match{Headers: []Pair{{"a b", "c"}}}}, "is no field name"},
		{"a change of framing", Spec{To: to, RequestHeaders: Changes{Set: []Pair{{"Content-Length", "5"}}}}, "request_headers: the field Content-Length"},
		{"a removal of what the connection owns", Spec{To: to, ResponseHeaders: Changes{Remove: []string{"transfer-ENCODING"}}}, "response_headers: the field transfer-ENCODING"},
		{"a line break in a value", Spec{To: to, RequestHeaders: Changes{Add: []Pair{{"x", "a\r\nb: c"}}}}, "holds a control character"},
		{"a line break in a name", Spec{To: to, RequestHeaders: Changes{Add: []Pair{{"x\r\ny", "a"}}}}, "is no field name"},
		{"one name set twice", Spec{To: to, RequestHeaders: Changes{Set: []Pair{{"X-A", "1"}, {"x-a", "2"}}}}, "the field x-a is set twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile([]Spec{c.spec})
			if c.want == "" && err == nil {
				return
			}
			if c.want == "" || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want one with %q", err, c.want)
			}
		})
	}
}
