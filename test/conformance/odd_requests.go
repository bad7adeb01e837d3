package conformance

import (
	"fmt"
	"strings"
	"time"
)

// odd is a request that is legal: it must pass with its meaning.
func odd(name, ids, bytes string, see See) Case {
	return Case{Name: name, IDs: ids, Group: OddRequest, Send: say(bytes), Want: Want{See: &see}}
}

func oddMethods() (all []Case) {
	for _, m := range []string{
		"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "MKCOL", "REPORT", "M-SEARCH", "BREW", "PURGE", "get", "Get", "G", "0", "123",
		"!#$%&'*+-.^_`|~", strings.Repeat("LONG", 25), "PRI", "CONNECTED", "trace",
	} {
		c := odd("method/"+m, "9110-9.1-1", m+" /m HTTP/1.1\r\n"+host+crlf, See{Method: m, Target: "/m", Host: "example.com", Body: new("")})
		if m == "HEAD" {
			c.Want.Get = &Get{Body: new(""), End: "open"}
		} else {
			c.Want.Get = &Get{Body: new("seen " + m + " /m"), End: "open"}
		}
		all = append(all, c)
	}
	return all
}

func oddTargets() (all []Case) {
	for _, t := range []string{
		"/", "//", "//a//b", "/a/../b", "/./a", "/a/.", "/..", "/a;p=1", "/?", "/?a=b&c", "/a??b", "/a?/b/../c", "/%41", "/%e2%82%ac", "/%7E~", "/a'()!*", "/:@", "/a=b", "/?x=%2F%5C%00", "/?x=\\",
		"/a|b", "/{x}", `/"x"`, "/<x>", "/a^b`c", "/~x", "/.well-known/x", "/a%20b", "/a+b", "/%25", "/-._~!$&'()*+,;=:@", "/http://example.com/", "/*", "/a?b=http://c/d?e", "/" + strings.Repeat("a", 7900), "/?" + strings.Repeat("b=c&", 1900),
	} {
		name := t
		if len(name) > 60 {
			name = fmt.Sprintf("%s… %d bytes", t[:3], len(t))
		}
		all = append(all, odd(fmt.Sprintf("target form/origin %q", name), "9110-7.7-2 9112-3.2.1-1", "GET "+t+" HTTP/1.1\r\n"+host+crlf, See{Method: "GET", Target: t, Host: "example.com"}))
	}
	const ids = "9112-3.2.2-1 9112-3.2.2-2 9112-3.2.2-3 9112-3.2.2-4 9112-3.2-2"
	for _, r := range []struct{ method, target, host, seenTarget, seenHost string }{
		{"GET", "http://example.com/a?b", "example.com", "/a?b", "example.com"},
		{"GET", "http://example.org/a", "example.com", "/a", "example.org"},
		{"GET", "http://example.org:8080/a", "example.com", "/a", "example.org:8080"},
		{"GET", "HTTP://example.org/", "example.com", "/", "example.org"},
		{"GET", "http://example.org", "example.com", "/", "example.org"},
		{"GET", "http://example.org?a=b", "example.com", "/?a=b", "example.org"},
		{"GET", "http://[::1]:80/a", "example.com", "/a", "[::1]:80"},
		{"GET", "http://1.2.3.4/a/../b", "example.com", "/a/../b", "1.2.3.4"},
		{"GET", "http://example.org/http://evil/", "example.com", "/http://evil/", "example.org"},
		{"POST", "http://example.org/", "", "/", "example.org"},
		{"OPTIONS", "http://example.org/a", "example.com", "/a", "example.org"},
		{"OPTIONS", "http://example.org/", "example.com", "/", "example.org"},
	} {
		all = append(all, odd(fmt.Sprintf("target form/absolute %s %s for Host %q", r.method, r.target, r.host), ids+" 9112-3.2.1-2",
			r.method+" "+r.target+" HTTP/1.1\r\nHost: "+r.host+"\r\n\r\n", See{Method: r.method, Target: r.seenTarget, Host: r.seenHost}))
	}
	return append(all,
		odd("target form/asterisk", "9112-3.2.4-1", "OPTIONS * HTTP/1.1\r\n"+host+crlf, See{Method: "OPTIONS", Target: "*", Host: "example.com"}),
		odd("target form/asterisk by URL", "9112-3.2.4-2", "OPTIONS http://example.org:8001 HTTP/1.1\r\n"+host+crlf, See{Method: "OPTIONS", Target: "*", Host: "example.org:8001"}),
		odd("target form/absolute in HTTP/1.0 without Host", ids, "GET http://example.org/a HTTP/1.0\r\n\r\n", See{Target: "/a", Host: "example.org"}),
	)
}

func oddHosts() (all []Case) {
	for _, h := range []string{
		"a", "EXAMPLE.com", "example.com:80", "example.com:8080", "example.com:", "1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:8080", "[2001:db8::1.2.3.4]", "xn--bcher-kva.example", "a.b.c.", "a_b.example",
		"a%2dz.example", "a-b", strings.Repeat("a.", 120) + "example", "0", "a,b", "~a", "example.com:065",
	} {
		all = append(all, odd(fmt.Sprintf("host form/%.40q", h), "9110-7.7-1 9112-3.2-1", "GET / HTTP/1.1\r\nHost: "+h+"\r\n\r\n", See{Host: h}))
	}
	return append(all,
		odd("host form/white space around it", "9110-5.5-1", "GET / HTTP/1.1\r\nHost: \t example.com \t\r\n\r\n", See{Host: "example.com"}),
		odd("host form/no space before it", "9112-3.2-1", "GET / HTTP/1.1\r\nHost:example.com\r\n\r\n", See{Host: "example.com"}),
		odd("host form/last of the fields", "9112-3.2-1", "GET / HTTP/1.1\r\nX: y\r\nhOsT: example.com\r\n\r\n", See{Host: "example.com", Fields: []string{"X: y"}}),
		odd("host form/empty", "9112-3.2-3", "GET / HTTP/1.1\r\nHost:\r\n\r\n", See{}).why("RFC 9112 section 3.3: an empty authority is replaced with the configured default, here the endpoint's address"),
		odd("host form/none in HTTP/1.0", "9112-3.2-1", "GET / HTTP/1.0\r\n\r\n", See{}),
	)
}

func oddFields() (all []Case) {
	const ids = "9110-5.1-1 9110-5.5-1"
	for _, r := range []struct {
		name string
		line string
		want string
	}{
		{"no space behind the colon", "X-A:b", "X-A: b"},
		{"a tab behind the colon", "X-A:\tb", "X-A: b"},
		{"white space around", "X-A: \t b \t ", "X-A: b"},
		{"white space within", "X-A: b  \t c", "X-A: b  \t c"},
		{"an empty value", "X-A:", "X-A: "},
		{"a value of spaces", "X-A:   ", "X-A: "},
		{"a colon", "X-A: :", "X-A: :"},
		{"colons", "X-A: b:c:d", "X-A: b:c:d"},
		{"quotes", `X-A: "b\"c`, `X-A: "b\"c`},
		{"obs-text", "X-A: \x80\xff", "X-A: \x80\xff"},
		{"UTF-8", "X-A: \xe2\x82\xac", "X-A: \xe2\x82\xac"},
		{"every visible byte", "X-A: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "X-A: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		{"a name of a byte", "Q: b", "Q: b"},
		{"a name of digits", "1: b", "1: b"},
		{"a name of every token byte", "!#$%&'*+-.^`|~: b", "!#$%&'*+-.^`|~: b"},
		{"a long name", strings.Repeat("N", 300) + ": b", strings.Repeat("N", 300) + ": b"},
		{"a value of 8000 bytes", "X-A: " + strings.Repeat("b", 8000), "X-A: " + strings.Repeat("b", 8000)},
		{"commas", "X-A: ,,b,,", "X-A: ,,b,,"},
		{"a comment", "X-A: (b (c))", "X-A: (b (c))"},
		{"a percent sign", "X-A: %0d%0aX: y", "X-A: %0d%0aX: y"},
		{"authorization", "Authorization: Basic eDp5", "Authorization: Basic eDp5"},
		{"a bad date", "If-Modified-Since: yesterday", "If-Modified-Since: yesterday"},
		{"an old date", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"},
		{"a range", "Range: bytes=0-1,5-", "Range: bytes=0-1,5-"},
		{"a request line", "X-A: GET / HTTP/1.1", "X-A: GET / HTTP/1.1"},
		{"no-transform", "Cache-Control: no-transform", "Cache-Control: no-transform"},
	} {
		all = append(all, odd("field/"+r.name, ids+" 9112-2.2-1", get(r.line), See{Fields: []string{r.want}}))
	}
	var ninety, same []string
	for i := range 90 {
		ninety = append(ninety, fmt.Sprintf("X-%d: %d", i, i))
		same = append(same, fmt.Sprintf("X-Same: %d", 90-i))
	}
	large := make([]string, 7)
	for i := range large {
		large[i] = fmt.Sprintf("X-%d: %s", i, strings.Repeat("v", 8000))
	}
	return append(all,
		odd("field/90 of them", ids, get(ninety...), See{Fields: ninety}),
		odd("field/90 of one name, in order", "9110-5.3-1", get(same...), See{Fields: same}),
		odd("field/56 KiB of them", ids, get(large...), See{Fields: large}),
		odd("field/one name in three cases, in order", "9110-5.3-1", get("X-a: 3", "x-A: 1", "X-A: 2"), See{Fields: []string{"X-A: 3", "X-A: 1", "X-A: 2"}}),
		odd("field/two of Cookie", "9110-5.3-1", get("Cookie: b=1", "Cookie: a=2"), See{}),
		odd("field/Via of those before", "9110-7.6.3-1", get("Via: 1.0 fred, 1.1 p.example.net"), See{Fields: []string{"Via: 1.0 fred, 1.1 p.example.net", "Via: 1.1 *"}}),
		odd("field/Via of an old client", "9110-7.6.3-1 9110-7.6.3-2", "GET / HTTP/1.0\r\n"+host+"Via: 1.1 a\r\n\r\n", See{Fields: []string{"Via: 1.1 a", "Via: 1.0 *"}}),
	)
}

func oddConnections() (all []Case) {
	const ids = "9110-7.6.1-2 9110-7.6-1"
	for _, r := range []struct {
		name  string
		lines []string
		see   See
		end   string
	}{
		{"close", []string{"Connection: close"}, See{}, "closed"},
		{"close in capitals", []string{"Connection: CLOSE"}, See{}, "closed"},
		{"keep-alive", []string{"Connection: keep-alive", "Keep-Alive: timeout=5"}, See{Gone: []string{"Keep-Alive"}}, "open"},
		{"empty elements", []string{"Connection: , ,close,"}, See{}, "closed"},
		{"empty", []string{"Connection:"}, See{}, "open"},
		{"two fields", []string{"Connection: keep-alive", "Connection: close"}, See{}, "closed"},
		{"names a field", []string{"Connection: X-Hop", "X-Hop: 1", "X-End: 2"}, See{Gone: []string{"X-Hop"}, Fields: []string{"X-End: 2"}}, "open"},
		{"names a field in other case", []string{"x-HOP: 1", "Connection: close, x-hop"}, See{Gone: []string{"X-Hop"}}, "closed"},
		{"names eight fields", []string{"Connection: a,b,c,d,e,f,g,h", "A: 1", "H: 2", "I: 3"}, See{Gone: []string{"A", "H"}, Fields: []string{"I: 3"}}, "open"},
		{"names what is not there", []string{"Connection: x-none"}, See{}, "open"},
		{"names itself", []string{"Connection: connection"}, See{}, "open"},
		{"names Host", []string{"Connection: host"}, See{Host: "example.com"}, "open"},
		{"names Via", []string{"Connection: via"}, See{}, "open"},
		{"names who the client is", []string{"Connection: x-forwarded-for", "X-Forwarded-For: 6.6.6.6"}, See{Fields: []string{"X-Forwarded-For: 127.0.0.1"}}, "open"},
		{"Proxy-Connection", []string{"Proxy-Connection: keep-alive"}, See{Gone: []string{"Proxy-Connection"}}, "open"},
		{"Proxy-Connection: close", []string{"Proxy-Connection: close"}, See{Gone: []string{"Proxy-Connection"}}, "open"},
		{"TE", []string{"Connection: TE", "TE: gzip;q=0.5, trailers"}, See{Fields: []string{"TE: trailers"}}, "open"},
		{"TE of chunked", []string{"Connection: TE", "TE: chunked"}, See{Gone: []string{"TE"}}, "open"},
		{"TE unnamed", []string{"TE: deflate"}, See{Gone: []string{"TE"}}, "open"},
	} {
		c := odd("connection/"+r.name, ids+" 9110-5.6.1.2-1 9110-5.6.1.1-1 9112-7.4-1 9112-7.4-2 9110-7.6.1-1 9110-7.6.1-3", get(r.lines...), r.see)
		c.Want.Get = &Get{End: r.end}
		if r.name == "TE" || strings.HasPrefix(r.name, "names who") { // neither asking for trailers nor distrust of X-Forwarded-For is a MUST
			c.Want.Must = &Must{See: &See{}}
		}
		all = append(all, c)
	}
	with := func(method, n string) string {
		return method + " / HTTP/1.1\r\n" + host + "Max-Forwards: " + n + "\r\n\r\n"
	}
	zero := Case{Name: "max-forwards/none is left", IDs: "9110-7.6.2-2", Group: OddRequest, Send: say(with("OPTIONS", "0")), Want: Want{See: &See{Requests: -1}, Get: &Get{}}}
	return append(all, zero,
		odd("max-forwards/three are left", "9110-7.6.2-1 9110-7.6.2-3", with("OPTIONS", "3"), See{Fields: []string{"Max-Forwards: 2"}}),
		odd("max-forwards/one is left", "9110-7.6.2-3", with("OPTIONS", "1"), See{Fields: []string{"Max-Forwards: 0"}}),
		odd("max-forwards/with zeros in front", "9110-7.6.2-3", with("OPTIONS", "0010"), See{Fields: []string{"Max-Forwards: 9"}}),
		odd("max-forwards/a number beyond all bounds", "9110-7.6.2-3", with("OPTIONS", strings.Repeat("9", 40)), See{}),
		odd("max-forwards/means nothing with GET", "9110-7.6.2-1", with("GET", "0"), See{}),
		odd("max-forwards/none comes, none goes", "9110-9.3.7-1", "OPTIONS / HTTP/1.1\r\n"+host+crlf, See{Gone: []string{"Max-Forwards"}}),
	)
}

func oddVersions() []Case {
	old := "GET /o HTTP/1.0\r\n" + host
	c10 := func(name, ids, bytes string, see See, get Get) Case {
		c := odd("version/"+name, ids, bytes, see)
		c.Want.Get = &get
		return c
	}
	seen := new("seen GET /o")
	return []Case{
		c10("1.0", "9112-2.3-1 9110-6.2-1 9110-6.2-2", old+crlf, See{Target: "/o"}, Get{Body: seen, End: "closed", Gone: []string{"Transfer-Encoding"}}),
		c10("1.0 keeps alive", "", old+"Connection: keep-alive\r\n\r\n", See{Target: "/o"}, Get{Body: seen, End: "open", Fields: []string{"Connection: keep-alive"}}),
		c10("1.0 with close", "9112-9.6-2", old+"Connection: close\r\n\r\n", See{}, Get{Body: seen, End: "closed"}),
		c10("1.0 with a body", "9112-2.3-1", "POST /o HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", See{Body: new("abc")}, Get{End: "closed"}),
		c10("1.0 with Expect", "9110-15.2-1", "POST /o HTTP/1.0\r\n"+host+"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", See{Body: new("abc"), Gone: []string{"Expect"}}, Get{Interim: []int{}, End: "closed"}),
		c10("1.2 is read as 1.1", "9112-2.3-1", "GET /o HTTP/1.2\r\n"+host+crlf, See{Target: "/o"}, Get{Body: seen, End: "open"}),
		c10("1.9 is read as 1.1", "9112-2.3-1", "GET /o HTTP/1.9\r\n"+host+crlf, See{Target: "/o"}, Get{Body: seen, End: "open"}),
	}
}

func oddSequences() (all []Case) {
	pipeline := func(name string, see int, bodies []string, bytes ...string) {
		c := odd("sequence/"+name, "9112-9.3.2-1 9112-9.2-1 9112-9.3-3 9112-9.3.2-2", strings.Join(bytes, ""), See{Requests: see})
		c.Answers = len(bodies)
		c.Want.Get = &Get{Bodies: bodies, End: "open"}
		all = append(all, c)
	}
	one := func(path string) string { return "GET " + path + " HTTP/1.1\r\n" + host + crlf }
	counted := "POST /l HTTP/1.1\r\n" + host + "Content-Length: 4\r\n\r\nGET "
	inChunks := "POST /c HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n"
	pipeline("three", 3, []string{"seen GET /1", "seen GET /2", "seen GET /3"}, one("/1"), one("/2"), one("/3"))
	var twenty, bodies []string
	for i := range 20 {
		twenty, bodies = append(twenty, one(fmt.Sprint("/", i))), append(bodies, fmt.Sprint("seen GET /", i))
	}
	pipeline("twenty", 20, bodies, twenty...)
	pipeline("behind a body", 2, []string{"seen POST /l", "seen GET /1"}, counted, one("/1"))
	pipeline("behind chunks", 2, []string{"seen POST /c", "seen GET /1"}, inChunks, one("/1"))
	pipeline("bodies and chunks", 4, []string{"seen POST /c", "seen POST /l", "seen POST /c", "seen GET /1"}, inChunks, counted, inChunks, one("/1"))
	pipeline("with empty lines between", 3, []string{"seen GET /1", "seen POST /l", "seen GET /3"}, one("/1"), crlf+counted, crlf+one("/3"))
	head := odd("sequence/HEAD between", "9110-9.3.2-1 9110-6-1", one("/1")+"HEAD /2 HTTP/1.1\r\n"+host+crlf+one("/3"), See{Requests: 3})
	head.Answers, head.Methods = 3, []string{"GET", "HEAD", "GET"}
	head.Want.Get = &Get{Bodies: []string{"seen GET /1", "", "seen GET /3"}, End: "open"}
	slow := odd("sequence/one by one", "9112-9.3.2-1", "", See{Requests: 3})
	slow.Send = []Step{{Bytes: one("/1")}, {Await: 1, Bytes: one("/2")}, {Await: 2, Bytes: one("/3")}}
	slow.Answers, slow.Methods = 3, []string{"GET"}
	half := odd("sequence/the head in two pieces, nothing is sent before it is whole", "9110-5.3-3", "", See{Target: "/p"})
	half.Send = []Step{{Bytes: "GET /p HTTP/1.1\r\n" + host + "X: y\r\n"}, {Pause: 30 * time.Millisecond, Bytes: crlf}}
	return append(all, head, slow, half)
}
