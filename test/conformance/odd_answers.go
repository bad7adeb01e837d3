package conformance

import (
	"fmt"
	"strings"
	"time"
)

// oddAnswer is an answer that is legal: it must pass with its meaning.
func oddAnswer(name, ids, bytes string, get Get) Case {
	return Case{Name: name, IDs: ids, Group: OddAnswer, Send: say(with("GET", nil)), Answer: say(bytes), Want: Want{Get: &get}}
}

func oddStatuses() (all []Case) {
	for _, s := range []int{200, 201, 202, 203, 206, 207, 208, 218, 226, 299, 300, 301, 302, 303, 305, 306, 307, 308, 399, 400, 402, 403, 404, 406, 408, 409, 410, 413, 416, 418, 421, 422, 425, 429, 431, 444, 451, 499, 500, 501, 505, 506, 507, 508, 510, 511, 520, 599} {
		all = append(all, oddAnswer(fmt.Sprintf("status/%d", s), "9110-15-1", fmt.Sprintf("HTTP/1.1 %d Some Reason\r\nContent-Length: 2\r\n\r\nab", s), Get{Status: s, Body: new("ab"), End: "open"}))
	}
	reason := func(name, r string) {
		all = append(all, oddAnswer("reason/"+name, "9112-4-1", "HTTP/1.1 200 "+r+"\r\nContent-Length: 2\r\n\r\nab", Get{Body: new("ab")}))
	}
	reason("none", "")
	reason("another one", "Fine By Me")
	reason("of 7000 bytes", strings.Repeat("r", 7000))
	reason("of obs-text", "\xe2\x82\xac\xff")
	reason("with tabs", "a\tb")
	reason("of a status line", "HTTP/1.1 404 Not Found")
	return append(all,
		oddAnswer("reason/none for a code that nobody knows", "9112-4-1", "HTTP/1.1 299 \r\nContent-Length: 2\r\n\r\nab", Get{Status: 299, Body: new("ab")}),
		oddAnswer("status/204", "9112-6.1-5", "HTTP/1.1 204 No Content\r\nETag: \"a\"\r\n\r\n", Get{Status: 204, Body: new(""), Fields: []string{`ETag: "a"`}, Gone: []string{"Content-Length"}, End: "open"}),
		oddAnswer("status/205", "9110-15.3.6-1", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", Get{Status: 205, Body: new(""), End: "open"}),
		oddAnswer("status/206 of a part", "9110-15.3.7-1", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nETag: \"a\"\r\nVary: x\r\nContent-Length: 2\r\n\r\nab", Get{Status: 206, Body: new("ab"), Fields: []string{"Content-Range: bytes 0-1/5", `ETag: "a"`, "Vary: x"}}),
		oddAnswer("status/304 with its fields", "9110-15.4.5-1", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nVary: x\r\nCache-Control: no-cache\r\nExpires: 0\r\nContent-Location: /a\r\nContent-Length: 500\r\n\r\n", Get{Status: 304, Body: new(""), Fields: []string{`ETag: "a"`, "Vary: x", "Cache-Control: no-cache", "Expires: 0", "Content-Location: /a"}, End: "open"}),
		oddAnswer("status/401 with its challenges", "9110-15.5.2-1", "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n", Get{Status: 401, Fields: []string{`WWW-Authenticate: Basic realm="a"`, "WWW-Authenticate: Bearer"}}),
		oddAnswer("status/405 with Allow", "", "HTTP/1.1 405 No\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n\r\n", Get{Status: 405, Fields: []string{"Allow: GET, HEAD"}}),
		oddAnswer("status/426 with Upgrade", "9110-15.5.22-1 9110-7.8-4", "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket, b/1\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nup", Get{Status: 426, Body: new("up"), Fields: []string{"Upgrade: websocket, b/1"}}),
		oddAnswer("status/407", "9110-15.5.8-1", "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", Get{Status: 407, Fields: []string{"Proxy-Authenticate: Basic"}}),
	)
}

func oddAnswerFields() (all []Case) {
	const ids = "9110-5.1-1 9110-5.3-1"
	field := func(name, ids string, lines, want []string, gone ...string) {
		all = append(all, oddAnswer("answer field/"+name, ids, answer("ab", append(lines, "Content-Length: 2")...), Get{Body: new("ab"), Fields: want, Gone: gone}))
	}
	same := func(name string, lines ...string) { field(name, ids, lines, lines) }
	same("cookies in order", "Set-Cookie: b=1; Path=/", "Set-Cookie: a=2", "Set-Cookie: b=3")
	same("an empty value", "X-A: ")
	same("obs-text", "X-A: \x80\xff")
	same("of one name in order", "X-A: 3", "X-A: 1", "X-A: 2")
	same("Server", "Server: mine/1.0 (x)")
	same("Date", "Date: Tue, 15 Nov 1994 08:12:31 GMT")
	same("a date that is none", "Date: yesterday")
	same("Location with odd bytes", "Location: http://a/b?c=\"d\" e")
	same("8000 bytes", "X-A: "+strings.Repeat("v", 8000))
	same("a name of every token byte", "!#$%&'*+-.^_`|~: b")
	same("Trailer", "Trailer: X-Sum")
	same("Alt-Svc", `Alt-Svc: h2=":443"`)
	zipped := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x4b\x4c\x02\x00\x6d\x48\x83\x9e\x02\x00\x00\x00" // ab
	plain := []string{"Cache-Control: no-transform", "Content-Encoding: gzip", "Content-Type: text/html"}
	all = append(all, oddAnswer("answer field/no-transform and a coding", "9110-7.7-3", answer(zipped, append(plain, fmt.Sprintf("Content-Length: %d", len(zipped)))...), Get{Body: new(zipped), Fields: plain}))
	field("white space around", "9110-5.5-1", []string{"X-A:b", "X-B: \t c \t"}, []string{"X-A: b", "X-B: c"})
	field("names by Connection", "9110-7.6.1-2", []string{"Connection: x-hop, close", "X-Hop: 1", "X-End: 2"}, []string{"X-End: 2"}, "X-Hop")
	field("Keep-Alive", "9110-7.6-1", []string{"Connection: keep-alive", "Keep-Alive: timeout=5"}, nil, "Keep-Alive")
	field("Proxy-Connection", "9110-7.6-1", []string{"Proxy-Connection: keep-alive"}, nil, "Proxy-Connection")
	field("Connection with empty elements", "9110-5.6.1.2-1 9110-5.6.1.2-2", []string{"Connection: ,, keep-alive ,"}, nil)
	field("an Upgrade that is only told", "9110-7.8-6", []string{"Upgrade: h2c"}, nil)
	var many []string
	for i := range 95 {
		many = append(many, fmt.Sprintf("X-%d: %d", i, i))
	}
	same("95 of them", many...)
	dated := oddAnswer("answer field/no Date", "9110-6.6.1-3 9110-5.6.7-2 9110-5.6.7-3", answer("ab", "Content-Length: 2"), Get{Body: new("ab")})
	dated.Want.Get.Dated = true
	return append(all, dated)
}

func oddAnswerBodies() (all []Case) {
	te := "Transfer-Encoding: chunked"
	large := strings.Repeat("0123456789abcdef", 32<<10)
	body := func(name, ids, bytes, want string) {
		all = append(all, oddAnswer("answer body/"+name, ids, bytes, Get{Body: new(want), End: "open"}))
	}
	body("of length 0", "", answer("", "Content-Length: 0"), "")
	body("zeros in front of its length", "9112-6.3-4", answer("ab", "Content-Length: 0002"), "ab")
	body("of every byte", "", answer(everyByte(), "Content-Length: 256"), everyByte())
	body("that looks like an answer", "", answer(evil, fmt.Sprintf("Content-Length: %d", len(evil))), evil)
	body("of 512 KiB", "", answer(large, fmt.Sprintf("Content-Length: %d", len(large))), large)
	for name, bytes := range map[string]string{
		"with close":                     answer("ab", "Content-Length: 2", "Connection: close"),
		"with close in a list":           answer("ab", "Content-Length: 2", "Connection: x-a,, CLOSE"),
		"with close, in chunks":          answer("2\r\nab\r\n0\r\n\r\n", te, "Connection: close"),
		"of HTTP/1.0 without keep-alive": "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
	} {
		body(name, "9112-9.6-6 9112-9.2-2", bytes, "ab")
		all[len(all)-1].Closes = true
	}
	for _, r := range []struct{ name, bytes, want string }{
		{"none", "0\r\n\r\n", ""},
		{"one", "2\r\nab\r\n0\r\n\r\n", "ab"},
		{"upper case and zeros", "000A\r\n0123456789\r\n00\r\n\r\n", "0123456789"},
		{"of a byte", strings.Repeat("1\r\na\r\n", 100) + "0\r\n\r\n", strings.Repeat("a", 100)},
		{"an extension", "2;x=\"y;z\"\r\nab\r\n0;q\r\n\r\n", "ab"},
		{"a spaced extension", "2 ; x\r\nab\r\n0\r\n\r\n", "ab"},
		{"of every byte", "100\r\n" + everyByte() + "\r\n0\r\n\r\n", everyByte()},
		{"of 512 KiB", fmt.Sprintf("%X\r\n", len(large)) + large + "\r\n0\r\n\r\n", large},
	} {
		body("chunks/"+r.name, "9112-7.1-1 9112-7.1.1-1", answer(r.bytes, te), r.want)
	}
	body("chunks/the coding in other case", "9112-6.1-1", answer("2\r\nab\r\n0\r\n\r\n", "TRANSFER-ENCODING: Chunked"), "ab")
	trailer := oddAnswer("answer body/trailers", "9112-7.1.2-1", answer("2\r\nab\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n", te, "Trailer: X-Sum"), Get{Body: new("ab"), Trailers: []string{"X-Sum: 1", "X-B: 2"}, Gone: []string{"X-Sum"}})
	trailer.Send = say(get("TE: trailers", "Connection: TE"))
	hop := oddAnswer("answer body/trailers named by Connection", "9110-7.6.1-2", answer("2\r\nab\r\n0\r\nX-Hop: 1\r\nX-Sum: 1\r\n\r\n", te, "Connection: x-hop"), Get{Body: new("ab"), Trailers: []string{"X-Sum: 1"}, NoTrailer: []string{"X-Hop"}})
	hop.Send = trailer.Send
	trailer.Want.Must = &Must{Get: &Get{Body: new("ab"), Gone: []string{"X-Sum"}}} // RFC 9112 section 7.1.2 lets trailers be dropped
	hop.Want.Must = &Must{Get: &Get{Body: new("ab"), NoTrailer: []string{"X-Hop"}}}
	ends := func(name, bytes string) Case {
		c := oddAnswer("answer body/"+name, "9112-6.3-7 9112-9.3-4", bytes, Get{Body: new("ab")})
		c.Answer = []Step{{Bytes: bytes, End: HalfClose}}
		return c
	}
	old := ends("until the end, for HTTP/1.0", answer("ab"))
	old.Send, old.IDs = say("GET / HTTP/1.0\r\n"+host+crlf), "9112-6.1-8"
	old.Want.Get.Gone, old.Want.Get.End = []string{"Transfer-Encoding"}, "closed"
	chunkedOld := oddAnswer("answer body/chunks, for HTTP/1.0", "9112-6.1-8", answer("2\r\nab\r\n0\r\n\r\n", te), Get{Body: new("ab"), Gone: []string{"Transfer-Encoding"}, End: "closed"}).to("GET / HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n")
	return append(sorted(all), trailer, hop, old, chunkedOld,
		ends("until the end", answer("ab")),
		ends("until the end with close", answer("ab", "Connection: close")),
		ends("until the end of HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nab"),
		ends("of a length and the end", answer("ab", "Content-Length: 2")),
		oddAnswer("answer body/HTTP/1.0 with keep-alive", "9112-2.3-1", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", Get{Body: new("ab"), End: "open"}),
		oddAnswer("answer body/HTTP/1.2 is read as 1.1", "9112-2.3-1", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nab", Get{Body: new("ab"), End: "open"}),
		oddAnswer("answer body/HEAD with a length", "9110-9.3.2-1 9110-6-1", answer("", "Content-Length: 500"), Get{Body: new(""), Fields: []string{"Content-Length: 500"}, End: "open"}).to(with("HEAD", nil)),
		oddAnswer("answer body/HEAD with a coding", "9110-9.3.2-1 9110-6-1", answer("", te), Get{Body: new(""), End: "open"}).to(with("HEAD", nil)),
		oddAnswer("answer body/HEAD with neither", "9110-9.3.2-1", answer("", "X: y"), Get{Body: new(""), Fields: []string{"X: y"}, End: "open"}).to(with("HEAD", nil)),
	)
}

func oddInterims() (all []Case) {
	const ids = "9110-15.2-2 9110-15.2-3"
	done := answer("ab", "Content-Length: 2")
	hint := "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
	for _, r := range []struct {
		name, bytes string
		interim     []int
	}{
		{"early hints", hint, []int{103}},
		{"three", hint + hint + "HTTP/1.1 102 Processing\r\n\r\n", []int{103, 103, 102}},
		{"100 unasked", "HTTP/1.1 100 Continue\r\n\r\n", []int{100}},
		{"one that nobody knows", "HTTP/1.1 199 What\r\nX: y\r\n\r\n", []int{199}},
		{"without a reason", "HTTP/1.1 103 \r\n\r\n", []int{103}},
		{"twenty", strings.Repeat(hint, 20), []int{103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103, 103}},
	} {
		all = append(all, oddAnswer("interim/"+r.name, ids, r.bytes+done, Get{Interim: r.interim, Body: new("ab"), End: "open"}))
	}
	slow := oddAnswer("interim/long before the answer", ids, "", Get{Interim: []int{103}, Body: new("ab")})
	slow.Answer = []Step{{Bytes: hint}, {Pause: 50 * time.Millisecond, Bytes: done}}
	hop := oddAnswer("interim/with fields for the connection", ids+" 9110-7.6.1-2", "HTTP/1.1 103 Early Hints\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nLink: </a>\r\n\r\n"+done, Get{Interim: []int{103}, Hint: []string{"Link: </a>"}, HintGone: []string{"X-Hop", "Keep-Alive"}, Body: new("ab")})
	old := oddAnswer("interim/for HTTP/1.0", "9110-15.2-1", hint+done, Get{Interim: []int{}, Body: new("ab"), End: "closed"}).to("GET / HTTP/1.0\r\n" + host + crlf)
	return append(all, slow, hop, old)
}

func oddSwitches() (all []Case) {
	const ids = "9110-7.8-1 9110-7.8-3 9110-7.8-6 9110-15.2.2-1"
	const sockets = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" // as RFC 6455 has them, which some proxies look for
	const accepts = "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	for _, r := range []struct{ name, asked, granted, early string }{
		{"websocket", "websocket", "websocket", ""},
		{"in other case", "WebSocket", "websocket", ""},
		{"one of a list", "a/1, b, c", "b", ""},
		{"with a version", "IRC/6.9", "IRC/6.9", ""},
		{"bytes right behind the request", "websocket", "websocket", "early "},
	} {
		lines, more := []string{"Connection: Upgrade", "Upgrade: " + r.asked}, ""
		if strings.EqualFold(r.granted, "websocket") {
			lines, more = append(lines, sockets), accepts
		}
		c := oddAnswer("switch/"+r.name, ids, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "+r.granted+"\r\nX-Key: 1"+more+"\r\n\r\nhello ", Get{Status: 101, Tunnel: "hello " + r.early + "ping", Fields: []string{"Upgrade: " + r.granted, "X-Key: 1"}})
		c.Send = []Step{{Bytes: get(lines...) + r.early}, {Await: 1, Bytes: "ping"}}
		c.Tunnel, c.Alone = true, true
		all = append(all, c)
	}
	no := oddAnswer("switch/asked and not granted", ids, answer("ab", "Content-Length: 2"), Get{Body: new("ab"), End: "open"}).to(get("Connection: Upgrade", "Upgrade: websocket", sockets))
	over := oddAnswer("switch/the endpoint says all it has and goes", "9110-9.3.6-2", "", Get{Status: 101, Tunnel: strings.Repeat("x", 100000), End: "closed"}).to(get("Connection: Upgrade", "Upgrade: x/1"))
	over.Answer = []Step{{Bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x/1\r\n\r\n" + strings.Repeat("x", 100000), End: HalfClose}}
	over.Alone = true
	return append(all, no, over)
}
