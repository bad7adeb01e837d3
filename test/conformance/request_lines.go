package conformance

import "fmt"

func requestLines() (all []Case) {
	rest := crlf + host + crlf
	for line, status := range map[string]int{
		"GET /": 400, "GET / ": 400, "GET": 400, "GET ": 400, " ": 400, "/ HTTP/1.1": 400, " / HTTP/1.1": 400, "GET HTTP/1.1": 400,
		" GET / HTTP/1.1": 400, "\tGET / HTTP/1.1": 400, "GET  / HTTP/1.1": 400, "GET /  HTTP/1.1": 400, "GET\t/ HTTP/1.1": 400, "GET /\tHTTP/1.1": 400,
		"GET / HTTP/1.1 ": 400, "GET / HTTP/1.1\t": 400, "GET / HTTP/1.1 x": 400, "GET / x HTTP/1.1": 400, "GET /a b HTTP/1.1": 400, "GET\x0b/ HTTP/1.1": 400, "GET\x0c/ HTTP/1.1": 400,
		"GET / http/1.1": 400, "GET / Http/1.1": 400, "GET / HTTP/1.10": 400, "GET / HTTP/1": 400, "GET / HTTP/1.": 400, "GET / HTTP/.1": 400, "GET / HTTP/1,1": 400,
		"GET / HTTP/+1.1": 400, "GET / HTTP/1.1.1": 400, "GET / HTTP /1.1": 400, "GET / HTTP/ 1.1": 400, "GET / HTTP/x.1": 400, "GET / HTTP/1.x": 400, "GET / HTTPS/1.1": 400, "GET / XTTP/1.1": 400,
		"GET / ICY/1.0": 400, "GET / HTTP/1.1/": 400, "GET / HTTP/1.1\x00": 400, "GET / HTTP\\1.1": 400, "GET /HTTP/1.1": 400, "GET,/,HTTP/1.1": 400, "HTTP/1.1 200 OK": 400,
		"GET / HTTP/2.0": 505, "GET / HTTP/0.9": 505, "GET / HTTP/3.0": 505, "GET / HTTP/9.9": 505,
	} {
		all = append(all, bad(fmt.Sprintf("request line/%q", line), "9112-2.3-1 9112-2.2-1", status, line+rest))
	}
	return append(sorted(all),
		bad("request line/two empty lines before it", "9112-2.2-1", 400, "\r\n\r\n"+get()),
		bad("request line/LF before it", "9112-2.2-3", 400, "\n"+get()),
		bad("request line/CR before it", "9112-2.2-3", 400, "\rX"+get()),
		bad("request line/NUL before it", "9112-2.2-1", 400, "\x00"+get()),
		bad("request line/a byte order mark before it", "9112-2.2-1", 400, "\xef\xbb\xbf"+get()),
		bad("request line/the preface of HTTP/2", "9112-2.3-1", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		bad("request line/a TLS hello", "9112-2.2-1", 400, "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"),
		bad("request line/HTTP/0.9 with a hidden one", "9112-2.2-1", 400, "GET /\r\n"+hidden),
		bad("request line/a PROXY line unasked", "9112-2.2-1", 400, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"+get()),
		bad("request line/JSON", "9112-2.2-1", 400, "{\"a\": 1}\r\n\r\n"),
		bad("request line/the method of another protocol", "9112-2.2-1", 400, "EHLO example.com\r\n"),
	)
}

func badTargets() (all []Case) {
	rest := " HTTP/1.1\r\n" + host + crlf
	for _, target := range []string{
		"foo", "foo/bar", "?a", ";a", "//", "http:", "http:/a", "http:///a", "http://", "http://?a", "http://:80/", "http://u@example.com/", "http://u:p@example.com/",
		"http://example.com:x/", "http://example.com:99999/", "http://example.com:-1/", "http://[::1/", "http://[]/", "http://a\\b/", "http://a%/", "http://a,b@c/", "http://a:1:2/",
		"ftp://example.com/", "file:///etc/passwd", "javascript:x", "gopher://a/", "://a/", "ws://a/", "*", "**", "*/a", "example.com:80", "example.com", "../a", "\\a", "@example.com/",
	} {
		if target == "//" {
			continue // legal
		}
		all = append(all, bad(fmt.Sprintf("target/%q", target), "9110-7.1-1 9112-2.2-1", 400, "GET "+target+rest))
	}
	for _, target := range []string{"/", "*", "a", "a:", "a:x", "a:99999", ":80", "[::1]", "[::1]:", "http://a:80/", "u@a:80", "a:80/", "a:-1"} {
		all = append(all, bad(fmt.Sprintf("target/CONNECT %q", target), "9110-9.3.6-1", 400, "CONNECT "+target+rest))
	}
	open := func(c Case) Case { c.Want.Open = true; return c }
	path := "RFC 9110 section 7.4: a server decides what it serves; endpoints read these paths in different ways"
	for _, target := range []string{"/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a%00b", "/a%zz", "/a%", "/a%2", "/a\\b", "/..%2f", "/%2e%2e%2f"} {
		all = append(all, open(bad(fmt.Sprintf("target/path %q", target), "", 400, "GET "+target+rest).why(path)))
	}
	between := Case{
		Name: "target/a refused path between two good ones", IDs: "9112-9.3.2-1", Group: BadRequest, Answers: 3,
		Send: say("GET /1"+rest, "GET /%00"+rest, "GET /3"+rest), Want: Want{See: &See{Requests: 2}, Get: &Get{End: "open"}, Why: path},
	}
	methods := "RFC 9110 section 9.1: of the methods only GET and HEAD must be supported"
	trace := open(bad("target/TRACE", "9110-7.6.2-1 9110-6.6.1-1 9110-5.6.7-2 9110-15.5.6-1", 405, "TRACE /"+rest).why(methods))
	trace.Want.Get = &Get{Status: 405, Dated: true, Fields: []string{"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}}
	return append(all, between, trace,
		open(bad("target/TRACE with a body", "9110-9.3.8-2", 405, "TRACE / HTTP/1.1\r\n"+host+"Content-Length: 3\r\n\r\nabc").why(methods)),
		open(bad("target/CONNECT to an endpoint", "", 405, "CONNECT example.com:80"+rest).why(methods)),
		open(bad("target/TRACE with Max-Forwards", "9110-7.6.2-2", 405, "TRACE / HTTP/1.1\r\n"+host+"Max-Forwards: 0\r\n\r\n").why(methods)),
		bad("target/OPTIONS of another asterisk", "9110-7.1-1", 400, "OPTIONS */"+rest),
		bad("target/an https URL without TLS", "9110-7.4-1 9110-7.4-2", 400, "GET https://example.com/"+rest),
		bad("target/an https URL in capitals without TLS", "9110-7.4-1 9110-7.4-2", 400, "GET HTTPS://example.com/"+rest),
	)
}

func badHosts() (all []Case) {
	const ids = "9112-3.2-4"
	for _, v := range []string{
		"u@example.com", "u:p@example.com", "a b", "a\tb", "example.com/", "example.com/a", "example.com?a", "example.com#a", "a\\b", "a@b@c", "http://example.com", "example.com:x", "example.com:80x",
		"example.com:99999", "example.com:-1", "example.com:+80", "example.com:80:80", ":80", ":", "[::1", "::1", "[::1]x", "[]", "[::g]", "[1.2.3.4", "[fe80::1%25eth0]", "a%", "a%2", "a%zz",
		`"a"`, "<a>", "a|b", "a^b", "a`b", "{a}", "\xc3\xa9", "\xff", "example.com\x00", "example.com\x7f", "example.com, evil", "example.com,evil:80, x", "a:80/b",
	} {
		all = append(all, bad(fmt.Sprintf("host/value %q", v), ids, 400, "GET / HTTP/1.1\r\nHost: "+v+"\r\n\r\n"))
	}
	return append(all,
		bad("host/none", ids, 400, "GET / HTTP/1.1\r\n\r\n"),
		bad("host/none but other fields", ids, 400, "GET / HTTP/1.1\r\nX-Host: a\r\nX-Forwarded-Host: a\r\n\r\n"),
		bad("host/none beside a URL", ids, 400, "GET http://example.com/ HTTP/1.1\r\n\r\n"),
		bad("host/twice the same", ids, 400, get("Host: example.com")),
		bad("host/twice", ids, 400, get("Host: evil")),
		bad("host/twice in other case", ids, 400, get("hOST: evil")),
		bad("host/twice, one empty", ids, 400, get("Host:")),
		bad("host/three times", ids, 400, get("Host: a", "Host: b")),
		bad("host/twice beside a URL", ids, 400, "GET http://example.com/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
		bad("host/twice, hidden by Connection", ids, 400, get("Connection: host", "Host: evil")),
		bad("host/twice in HTTP/1.0", ids, 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
		bad("host/a bad one beside a URL", ids, 400, "GET http://example.com/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
		bad("host/only named by Connection", ids, 400, "GET / HTTP/1.1\r\nConnection: host\r\n\r\n"),
		bad("host/in a folded line", ids, 400, "GET / HTTP/1.1\r\nX: y\r\n Host: a\r\n\r\n"),
	)
}

// upgrades are requests that must not open a tunnel past the proxy.
func upgrades() (all []Case) {
	h2 := []string{"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"}
	for name, lines := range map[string][]string{
		"h2c":                            append([]string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"}, h2...),
		"h2c without its settings named": append([]string{"Connection: Upgrade", "Upgrade: h2c"}, h2...),
		"h2c in capitals":                append([]string{"Connection: UPGRADE, HTTP2-SETTINGS", "Upgrade: H2C"}, h2...),
		"h2c behind websocket":           append([]string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: websocket, h2c"}, h2...),
		"h2c without Connection":         {"Upgrade: h2c"},
		"websocket without Connection":   {"Upgrade: websocket"},
		"Connection without a protocol":  {"Connection: Upgrade"},
		"an empty protocol":              {"Connection: Upgrade", "Upgrade:"},
	} {
		all = append(all, noUpgrade("upgrade/"+name, "9110-7.8-6", get(lines...)))
	}
	all = append(all,
		noUpgrade("upgrade/with a body", "9110-7.8-8", post("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 3")+"abc"),
		noUpgrade("upgrade/in HTTP/1.0", "9110-7.8-7", "GET / HTTP/1.0\r\n"+host+"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		noUpgrade("upgrade/with Expect", "9110-7.8-8", get("Connection: Upgrade", "Upgrade: websocket", "Expect: 100-continue")),
	)
	return sorted(all)
}

// noUpgrade is a request that may pass, but without asking for an upgrade.
func noUpgrade(name, ids, bytes string) Case {
	return Case{Name: name, IDs: ids, Group: BadRequest, Send: say(bytes), Want: Want{See: &See{Gone: []string{"Upgrade"}}}}
}
