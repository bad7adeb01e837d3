package route

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unsafe"

	"poise/internal/message"
)

var escapes = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// slowly is a second opinion on what a path means: regular expressions for the
// escapes, and RFC 3986 section 5.2.4 word by word for the dot segments.
func slowly(target string) (path string, ok bool) {
	path, _, _ = strings.Cut(target, "?")
	for _, e := range escapes.FindAllString(path, -1) {
		if l := strings.ToLower(e); l == "%2f" || l == "%5c" || l == "%00" {
			return "", false
		}
	}
	if strings.Contains(path, `\`) || strings.Contains(escapes.ReplaceAllString(path, ""), "%") {
		return "", false
	}
	path = escapes.ReplaceAllStringFunc(path, func(e string) string {
		var c byte
		for _, d := range strings.ToUpper(e[1:]) {
			c = c<<4 | byte(strings.IndexRune("0123456789ABCDEF", d))
		}
		if regexp.MustCompile(`^[A-Za-z0-9._~-]$`).Match([]byte{c}) {
			return string(rune(c))
		}
		return strings.ToUpper(e)
	})
	if !strings.HasPrefix(path, "/") {
		return path, true
	}
	in, out := path, ""
	for in != "" {
		switch {
		case strings.HasPrefix(in, "/./"):
			in = in[2:]
		case in == "/.":
			in = "/"
		case strings.HasPrefix(in, "/../"), in == "/..":
			in = "/" + strings.TrimPrefix(in[3:], "/")
			out = out[:max(strings.LastIndex(out, "/"), 0)]
		default:
			end := strings.Index(in[1:], "/") + 1
			if end == 0 {
				end = len(in)
			}
			out, in = out+in[:end], in[end:]
		}
	}
	return out, true
}

func within(part, whole []byte) bool {
	if len(part) == 0 || cap(whole) == 0 {
		return len(part) == 0
	}
	first, base := uintptr(unsafe.Pointer(&part[0])), uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	return first >= base && first+uintptr(len(part)) <= base+uintptr(cap(whole))
}

func FuzzNormalise(f *testing.F) {
	for _, s := range []string{
		"/", "*", "", "/a/b?c", "/a/./b/../c", "/%2e%2E/%7e", "/a//../..//b/.", "/..", "/%252e", "/%2F", "/%5c", "/%00", `/\`, "/%", "/%c3%a9", "/...", "/.%2e/x?%2f", "a/../b",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, target []byte) {
		before := string(target)
		var s Scratch
		refusal := s.normalise(target)
		want, ok := slowly(before)
		if (refusal == nil) != ok {
			t.Fatalf("%q: refusal %v; the reference takes it: %v", before, refusal, ok)
		}
		if string(target) != before {
			t.Fatalf("%q was changed to %q", before, target)
		}
		if refusal != nil {
			return
		}
		path := string(s.path)
		if path != want {
			t.Fatalf("%q is %q; the reference says %q", before, path, want)
		}
		if !within(s.path, target) && !within(s.path, s.memory) {
			t.Fatalf("%q: the path lies neither in the target nor in the scratch", before)
		}
		if strings.HasPrefix(path, "/") {
			for _, segment := range strings.Split(path, "/") {
				if segment == "." || segment == ".." {
					t.Fatalf("%q is %q, which has a dot segment", before, path)
				}
			}
		}
		var again Scratch
		if refusal := again.normalise([]byte(path)); refusal != nil || string(again.path) != path {
			t.Fatalf("%q is %q and then %q (%v)", before, path, again.path, refusal)
		}
	})
}

// meaning is what a query's escapes stand for.
func meaning(s string) string {
	return escapes.ReplaceAllStringFunc(strings.ReplaceAll(s, "+", " "), func(e string) string {
		c := strings.IndexByte("0123456789ABCDEF", strings.ToUpper(e)[1])<<4 | strings.IndexByte("0123456789ABCDEF", strings.ToUpper(e)[2])
		return string([]byte{byte(c)})
	})
}

// lowerASCII leaves the other letters alone: host and field names have none.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// naively is a second opinion on whether a request fits.
func naively(m *Match, h *message.Head) bool {
	path, _ := slowly(string(h.Path))
	_, query, _ := strings.Cut(string(h.Path), "?")
	if m.Host != "" {
		host := string(h.Authority)
		if i := strings.LastIndex(host, ":"); i >= 0 && !strings.HasSuffix(host, "]") {
			host = host[:i]
		}
		host = strings.Trim(strings.TrimSuffix(lowerASCII(host), "."), "[]")
		if below, ok := strings.CutPrefix(m.Host, "*"); ok {
			if !strings.HasSuffix(host, below) || host == below {
				return false
			}
		} else if host != m.Host {
			return false
		}
	}
	switch p := m.Path.Value; m.Path.Kind {
	case Prefix:
		if !strings.HasPrefix(path+"/", strings.TrimSuffix(p, "/")+"/") && p != "/" {
			return false
		}
	case Exact:
		if path != p {
			return false
		}
	case Regex:
		if loc := regexp.MustCompile("^(?:" + p + ")$").FindStringIndex(path); loc == nil || loc[1] != len(path) {
			return false
		}
	}
	fits := func(want string, all []string) bool {
		for _, a := range all {
			if a == want {
				return true
			}
		}
		return len(all) == 0
	}
	if !fits(string(h.Method), m.Methods) {
		return false
	}
	for _, want := range m.Headers {
		found := false
		for _, f := range h.Fields {
			found = found || lowerASCII(string(f.Name)) == want.Name && string(f.Value) == want.Value
		}
		if !found {
			return false
		}
	}
	for _, want := range m.Query {
		found := false
		for _, p := range strings.Split(query, "&") {
			name, value, _ := strings.Cut(p, "=")
			found = found || p != "" && meaning(name) == want.Name && meaning(value) == want.Value
		}
		if !found {
			return false
		}
	}
	return true
}

var fuzzed = []Match{
	{Host: "a.example", Path: Path{Exact, "/status"}},
	{Host: "*.example.com", Path: Path{Prefix, "/v1"}, Methods: []string{"GET", "HEAD"}},
	{Host: "::1"},
	{Headers: []Pair{{"x-canary", "1"}}, Query: []Pair{{"beta", "a b"}}},
	{Path: Path{Regex, "/user/[0-9]+(/.*)?"}},
	{Query: []Pair{{"q", ""}}},
	{Headers: []Pair{{"accept", "text/html"}}},
	{Path: Path{Prefix, "/caf%C3%A9/~x"}},
	{Methods: []string{"POST"}, Path: Path{Prefix, "/"}},
	{Path: Path{Prefix, "/v1"}},
}

func FuzzMatch(f *testing.F) {
	for _, s := range [][5]string{
		{"GET", "A.example:80", "/./status?x", "a", "b"},
		{"HEAD", "x.example.com.", "/v1/../v1/x", "", ""},
		{"GET", "[::1]:8080", "/", "", ""},
		{"GET", "b", "/?x&beta=a+b", "X-Canary", "1"},
		{"GET", "b", "/user/77/%7Ex", "", ""},
		{"GET", "b", "/?q", "ACCEPT", "text/html"},
		{"POST", "", "/caf%c3%a9/%7ex", "accept", "text/html"},
		{"OPTIONS", ":", "*", "", ""},
		{"GET", "[", "/%2F", "", ""},
	} {
		f.Add([]byte(s[0]), []byte(s[1]), []byte(s[2]), []byte(s[3]), []byte(s[4]))
	}
	all := table(f, fuzzed...)
	f.Fuzz(func(t *testing.T, method, authority, target, name, value []byte) {
		if bytes.ContainsAny(authority, "[]") && !regexp.MustCompile(`^\[[^\[\]]*\](:[^\[\]:]*)?$`).Match(authority) {
			return // no authority that the parsers let through
		}
		h := &message.Head{
			Method: method, Authority: authority, Path: target,
			Fields: []message.Field{{Name: []byte("Accept"), Value: []byte("*/*")}, {Name: name, Value: value}},
		}
		s := &Scratch{}
		r, refusal := all.Match(h, s)
		if _, ok := slowly(string(target)); ok != (refusal == nil) {
			t.Fatalf("%q: refusal %v; the reference takes it: %v", target, refusal, ok)
		}
		if refusal != nil {
			return
		}
		want := -1
		for i := range fuzzed {
			if naively(&fuzzed[i], h) {
				want = i
				break
			}
		}
		got := -1
		if r != nil {
			got = r.Index
			r.ForwardPath(h.Path, s)
		}
		if got != want {
			t.Fatalf("%s %q %q {%q: %q} takes route %d; the naive matcher says %d", method, authority, target, name, value, got, want)
		}
	})
}

// FuzzForward checks that stripping a prefix asks the endpoint for what the
// client meant: the normal form of what is sent is that of the whole less the
// prefix.
func FuzzForward(f *testing.F) {
	for _, s := range []string{"/v1/x?y", "/v1", "/%761/%7ex", "/x/../v1/a/./b", "/v1/..", "/v1//", "/v10", "/v1/%41/..?a"} {
		f.Add([]byte(s))
	}
	r := compiled(f, Spec{To: []Target{{"c", 1}}, StripPrefix: "/v1"}).routes[0]
	f.Fuzz(func(t *testing.T, target []byte) {
		s := &Scratch{}
		if len(target) == 0 || target[0] != '/' || s.normalise(target) != nil {
			return
		}
		whole := string(s.path)
		sent := string(r.ForwardPath(target, s))
		if !strings.HasPrefix(sent, "/") || !strings.HasSuffix(string(target), string(s.query)) {
			t.Fatalf("%q is forwarded as %q", target, sent)
		}
		want := whole
		if rest, ok := strings.CutPrefix(whole+"/", "/v1/"); ok {
			want = "/" + strings.TrimSuffix(rest, "/")
			if strings.HasSuffix(whole, "/") && len(rest) > 1 {
				want = "/" + rest[:len(rest)-1]
			}
		}
		if got, ok := slowly(sent); !ok || got != want {
			t.Fatalf("%q, which is %q, is forwarded as %q, which is %q; want %q", target, whole, sent, got, want)
		}
	})
}
