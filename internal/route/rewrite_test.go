package route

import (
	"strings"
	"testing"

	"poise/internal/message"
)

// lines is fields as they would be read in a message.
func lines(fields []message.Field) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(string(f.Name) + ": " + string(f.Value) + "; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

func TestChangesToFields(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes Changes
		fields  []string
		want    string
	}{
		{"no change keeps order and case", Changes{}, []string{"X-B: 1", "x-a: 2"}, "X-B: 1; x-a: 2"},
		{"remove takes every field of the name, in any case", Changes{Remove: []string{"X-Debug"}}, []string{"x-debug: 1", "a: b", "X-DEBUG: 2"}, "a: b"},
		{"set replaces all of the name by one", Changes{Set: []Pair{{"x-env", "prod"}}}, []string{"X-Env: a", "b: c", "x-env: d"}, "b: c; x-env: prod"},
		{"set adds where there is none", Changes{Set: []Pair{{"x-env", "prod"}}}, []string{"b: c"}, "b: c; x-env: prod"},
		{"add keeps what is there", Changes{Add: []Pair{{"via-team", "x"}}}, []string{"Via-Team: y"}, "Via-Team: y; via-team: x"},
		{"remove comes before set, and set before add", Changes{Remove: []string{"a"}, Set: []Pair{{"a", "set"}}, Add: []Pair{{"a", "add"}}}, []string{"A: was"}, "a: set; a: add"},
		{"an empty value is a value", Changes{Set: []Pair{{"a", ""}}}, []string{"a: 1"}, "a: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			both := compiled(t, Spec{To: []Target{{"c", 1}}, RequestHeaders: c.changes, ResponseHeaders: c.changes}).routes[0]
			if got := lines(both.ChangeRequest(fieldsOf(c.fields...))); got != c.want {
				t.Errorf("the request has %q; want %q", got, c.want)
			}
			if got := lines(both.ChangeResponse(fieldsOf(c.fields...))); got != c.want {
				t.Errorf("the answer has %q; want %q", got, c.want)
			}
		})
	}
}

func TestFieldsThatARouteSetsAreRecognised(t *testing.T) {
	r := compiled(t, Spec{To: []Target{{"c", 1}}, RequestHeaders: Changes{Set: []Pair{{"Cookie", "a=b"}}}}).routes[0]
	if f := r.ChangeRequest(nil); f[0].ID != message.Cookie {
		t.Errorf("Cookie has the id %v", f[0].ID)
	}
}

func TestForwardPath(t *testing.T) {
	for _, c := range []struct{ name, strip, target, want string }{
		{"without a prefix the client's bytes go on", "", "/a/../b/%7Ex?q=%41", "/a/../b/%7Ex?q=%41"},
		{"the prefix goes, the query stays", "/v1", "/v1/x?q=/v1", "/x?q=/v1"},
		{"of the prefix alone a slash is left", "/v1", "/v1", "/"},
		{"of the prefix alone a slash is left before the query", "/v1", "/v1?a", "/?a"},
		{"a slash at the end of the prefix changes nothing", "/v1/", "/v1/x", "/x"},
		{"the prefix is cut by element", "/v1", "/v10/x", "/v10/x"},
		{"a path without the prefix stays", "/v1", "/x/v1", "/x/v1"},
		{"two slashes stay two", "/v1", "/v1//x", "//x"},
		{"the rest keeps its escapes as the client wrote them", "/v1", "/v1/caf%c3%a9/%7Ex", "/caf%c3%a9/%7Ex"},
		{"an escaped prefix is cut all the same", "/v1", "/%76%31/%7Ex?y", "/%7Ex?y"},
		{"a prefix may hold escapes", "/caf%c3%a9", "/c%61f%C3%a9/x%2a", "/x%2a"},
		{"with dot segments the normal form is cut and sent", "/v1", "/x/../v1/a/./%7Eb?q=%7E", "/a/~b?q=%7E"},
		{"dot segments that end at the prefix leave a slash", "/v1", "/v1/a/..", "/"},
		{"dot segments that leave the prefix leave the target alone", "/v1", "/v1/../x", "/v1/../x"},
		{"what only looks like the prefix is not cut", "/v1", "/v1/../v2/v1/x", "/v1/../v2/v1/x"},
		{"the prefix / cuts nothing", "/", "/a", "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := compiled(t, Spec{To: []Target{{"c", 1}}, StripPrefix: c.strip})
			s := &Scratch{}
			r, refusal := all.Match(request("GET a "+c.target), s)
			if refusal != nil {
				t.Fatal(refusal)
			}
			if got := string(r.ForwardPath([]byte(c.target), s)); got != c.want {
				t.Errorf("%s is forwarded as %s; want %s", c.target, got, c.want)
			}
		})
	}
}

func TestLocation(t *testing.T) {
	for _, c := range []struct {
		name     string
		redirect Redirect
		line     string
		want     string
	}{
		{"another path keeps the query", Redirect{Path: "/new"}, "GET a:8080 /old/x?y=1", "/new?y=1"},
		{"another scheme keeps host, path and query", Redirect{Scheme: "https"}, "GET a.example /x/%7Ey?z", "https://a.example/x/%7Ey?z"},
		{"another scheme has another port", Redirect{Scheme: "https"}, "GET a.example:8080 /x", "https://a.example/x"},
		{"the same scheme keeps the port", Redirect{Scheme: "http", Path: "/y"}, "GET a.example:8080 /x", "http://a.example:8080/y"},
		{"another host keeps the scheme", Redirect{Host: "b.example:81"}, "GET a.example:8080 /x?y", "http://b.example:81/x?y"},
		{"all parts may be given", Redirect{Scheme: "https", Host: "b", Path: "/z"}, "GET a /x", "https://b/z"},
		{"an IPv6 address keeps its brackets and loses its port", Redirect{Scheme: "https"}, "GET [::1]:8080 /", "https://[::1]/"},
		{"an IPv6 address without a port is kept", Redirect{Scheme: "https"}, "GET [::1] /", "https://[::1]/"},
		{"the asterisk is no path", Redirect{Scheme: "https"}, "OPTIONS a *", "https://a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := compiled(t, Spec{Redirect: &c.redirect}).routes[0]
			if got := string(r.AppendLocation([]byte("L"), request(c.line))); got != "L"+c.want {
				t.Errorf("%q is sent to %q; want %q", c.line, got[1:], c.want)
			}
		})
	}
}
