package route

import (
	"strings"
	"testing"

	"poise/internal/message"
)

func TestNormalPaths(t *testing.T) {
	for _, c := range []struct{ name, target, want string }{
		{"a plain path stays", "/a/b", "/a/b"},
		{"the query is not part of it", "/a?b/../c%2F", "/a"},
		{"only the first question mark begins the query", "/a?b?c", "/a"},
		{"a dot segment goes", "/a/./b", "/a/b"},
		{"two dots take the segment before them", "/a/b/../c", "/a/c"},
		{"dots at the end leave a slash", "/a/b/..", "/a/"},
		{"one dot at the end leaves a slash", "/a/.", "/a/"},
		{"nothing climbs above the root", "/../../a", "/a"},
		{"dots alone are the root", "/..", "/"},
		{"escaped dots are dots", "/a/%2e%2E/b", "/b"},
		{"half escaped dots are dots", "/a/.%2e/b", "/b"},
		{"an empty segment is a segment", "/a//../b", "/a/b"},
		{"two slashes stay two", "//a//b", "//a//b"},
		{"three dots are a name", "/a/.../b", "/a/.../b"},
		{"a dot in a name is one", "/a.b/.c/d.", "/a.b/.c/d."},
		{"unreserved escapes are decoded", "/%61%2D%7e%5F", "/a-~_"},
		{"other escapes are written in upper case", "/%c3%a9%2a", "/%C3%A9%2A"},
		{"an escaped percent sign is not decoded twice", "/%252e%252e/%25", "/%252e%252e/%25"},
		{"an escaped question mark is part of the path", "/a%3fb?c", "/a%3Fb"},
		{"the asterisk stays", "*", "*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Scratch
			if refusal := s.normalise([]byte(c.target)); refusal != nil {
				t.Fatal(refusal)
			}
			if got := string(s.path); got != c.want {
				t.Errorf("%s is %s; want %s", c.target, got, c.want)
			}
		})
	}
}

func TestPathsThatHideWhatTheyMean(t *testing.T) {
	for _, target := range []string{
		"/a%2Fb", "/a%2fb", "/%5C", "/%5c", "/a%00", `/a\b`, `\`, "/%", "/%4", "/%zz", "/a%2", "/%%41", "/..%2f", `/a/..\b`, "/%2e%2f",
	} {
		all := table(t, Match{})
		r, refusal := all.Match(request("GET a "+target), &Scratch{})
		if r != nil || refusal == nil || refusal.Status != 400 || refusal.Word != "bad-path" {
			t.Errorf("%s: route %v, refusal %v; want 400 bad-path", target, r, refusal)
		}
	}
	for _, target := range []string{"/a?%2F", `/a?\`, "/a?%00%", "/a?%zz"} {
		if _, refusal := table(t, Match{}).Match(request("GET a "+target), &Scratch{}); refusal != nil {
			t.Errorf("%s is refused: %v; a query may hold anything", target, refusal)
		}
	}
}

func TestMatchDoesNotTouchTheClientsBytes(t *testing.T) {
	for _, target := range []string{"/a/../b/%7Ex?y", "/plain", "/%c3%a9/."} {
		h := request("GET a " + target)
		s := &Scratch{}
		for range 2 { // the second time s has memory
			if _, refusal := table(t, prefix("/b")).Match(h, s); refusal != nil || string(h.Path) != target {
				t.Errorf("%s became %s (%v)", target, h.Path, refusal)
			}
		}
	}
}

// TestNothingIsAllocated asserts what the package promises, after a first
// request that gives the scratch its memory. The last route is the one that fits.
func TestNothingIsAllocated(t *testing.T) {
	last := Spec{
		Match:          Match{Host: "*.example.com", Path: Path{Regex, "/v1/.*"}, Methods: []string{"GET"}, Headers: []Pair{{"x-a", "1"}}, Query: []Pair{{"q", "a b"}}},
		To:             []Target{{"c", 1}},
		StripPrefix:    "/v1",
		RequestHeaders: Changes{Set: []Pair{{"x-env", "prod"}}, Remove: []string{"x-a"}},
	}
	for _, before := range []int{0, 9, 99, 999} {
		all := compiled(t, append(manySpecs(before), last)...)
		for _, target := range []string{"/v1/x?q=a+b", "/v1/%7Ex?q=a+b", "/x/../v1/./x/y?q=a%20b", "/%761/" + strings.Repeat("x/", 500) + "?q=a+b"} {
			if n := allocations(t, all, request("GET www.example.com:8080 "+target, "x-a: 1", "b: c")); n != 0 {
				t.Errorf("%.40s after %d routes: %g allocations", target, before, n)
			}
		}
	}
}

func allocations(t *testing.T, all *Table, h *message.Head) float64 {
	s, fields := &Scratch{}, make([]message.Field, 0, 4)
	return testing.AllocsPerRun(20, func() {
		r, refusal := all.Match(h, s)
		if refusal != nil || r == nil {
			t.Fatalf("%s: %v, %v", h.Path, r, refusal)
		}
		r.ForwardPath(h.Path, s)
		fields = r.ChangeRequest(append(fields[:0], h.Fields...))
	})
}
