package http1

import (
	"testing"

	"poise/internal/message"
)

// understood is what a row of a table expects of a head; unwritten members
// are the plain ones.
type understood struct {
	method, scheme, authority, path string
	minor                           uint8
	fields                          string
	framing                         message.Framing
	length                          int64 // 0 means -1, for short; noBytes means 0
	upgrade                         string
	trailers, expect, close         bool
}

const noBytes = -2

func (u understood) String() string {
	h := message.Head{
		Method: []byte(u.method), Scheme: []byte(u.scheme), Authority: []byte(u.authority), Path: []byte(u.path),
		Major: 1, Minor: u.minor, Framing: u.framing, Length: u.length,
		Upgrade: []byte(u.upgrade), Trailers: u.trailers, Expect: u.expect, Close: u.close,
	}
	switch u.length {
	case 0:
		h.Length = -1
	case noBytes:
		h.Length = 0
	}
	text := verdict{head: h}.String()
	return text + u.fields
}

func of(h message.Head) string {
	fields := fieldText(h.Fields)
	h.Fields, h.Status, h.Reason = nil, 0, nil
	return verdict{head: h}.String() + fields
}

func TestRequestsThatAreUnderstood(t *testing.T) {
	// plain is GET / for host a over HTTP/1.1.
	plain := func(change func(*understood)) understood {
		u := understood{method: "GET", authority: "a", path: "/", minor: 1}
		if change != nil {
			change(&u)
		}
		return u
	}
	// plainOld is the same over HTTP/1.0, without a Host.
	plainOld := func(change func(*understood)) understood {
		u := understood{method: "GET", path: "/", close: true}
		if change != nil {
			change(&u)
		}
		return u
	}
	line := func(s string) string { return s + "\r\nHost: a\r\n\r\n" }
	for _, tt := range []struct {
		name, text string
		want       understood
	}{
		{"the least of 1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", plain(nil)},
		{"the least of 1.0", "GET / HTTP/1.0\r\n\r\n", plainOld(nil)},
		{"1.0 with a Host", old("Host: a"), plainOld(func(u *understood) { u.authority = "a" })},
		{"1.9 is read as 1.1", line("GET / HTTP/1.9"), plain(nil)},
		{"an empty line in front", "\r\n" + line("GET / HTTP/1.1"), plain(nil)},
		{"a method that nobody knows", line("a!#$%&'*+-.^_`|~9 / HTTP/1.1"), plain(func(u *understood) { u.method = "a!#$%&'*+-.^_`|~9" })},
		{"a target of odd characters", line("GET //a/../b?c={\"d\"}|\\^`<>%zz HTTP/1.1"), plain(func(u *understood) { u.path = "//a/../b?c={\"d\"}|\\^`<>%zz" })},

		{"a URL replaces Host", line("GET http://b:81/c?d HTTP/1.1"), plain(func(u *understood) { u.scheme, u.authority, u.path = "http", "b:81", "/c?d" })},
		{"a URL in capitals", line("GET HTTPS://B/ HTTP/1.1"), plain(func(u *understood) { u.scheme, u.authority = "https", "B" })},
		{"a URL without a path", line("GET http://b HTTP/1.1"), plain(func(u *understood) { u.scheme, u.authority = "http", "b" })},
		{"a URL with a query but no path", line("GET http://b?c=/d HTTP/1.1"), plain(func(u *understood) { u.scheme, u.authority, u.path = "http", "b", "/?c=/d" })},
		{"OPTIONS by URL with a query but no path", line("OPTIONS http://b?c HTTP/1.1"), plain(func(u *understood) { u.method, u.scheme, u.authority, u.path = "OPTIONS", "http", "b", "/?c" })},
		{"a URL in 1.0 without a Host", "GET http://b/ HTTP/1.0\r\n\r\n", plainOld(func(u *understood) { u.scheme, u.authority = "http", "b" })},
		{"OPTIONS of the server", line("OPTIONS * HTTP/1.1"), plain(func(u *understood) { u.method, u.path = "OPTIONS", "*" })},
		{"OPTIONS of the server by URL", line("OPTIONS http://b HTTP/1.1"), plain(func(u *understood) { u.method, u.scheme, u.authority, u.path = "OPTIONS", "http", "b", "*" })},
		{"OPTIONS of the root by URL", line("OPTIONS http://b/ HTTP/1.1"), plain(func(u *understood) { u.method, u.scheme, u.authority = "OPTIONS", "http", "b" })},
		{"CONNECT", line("CONNECT b:443 HTTP/1.1"), plain(func(u *understood) { u.method, u.authority, u.path = "CONNECT", "b:443", "" })},
		{"CONNECT to an IP literal", line("CONNECT [::1]:443 HTTP/1.1"), plain(func(u *understood) { u.method, u.authority, u.path = "CONNECT", "[::1]:443", "" })},

		{"a Host with a port", "GET / HTTP/1.1\r\nHost: a-b.example_c:65535\r\n\r\n", plain(func(u *understood) { u.authority = "a-b.example_c:65535" })},
		{"a Host with an empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", plain(func(u *understood) { u.authority = "a:" })},
		{"a Host of an IP literal", "GET / HTTP/1.1\r\nHost: [2001:db8::1.2.3.4]:80\r\n\r\n", plain(func(u *understood) { u.authority = "[2001:db8::1.2.3.4]:80" })},
		{"a Host with an escape", "GET / HTTP/1.1\r\nHost: a%20b\r\n\r\n", plain(func(u *understood) { u.authority = "a%20b" })},
		{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", plain(func(u *understood) { u.authority = "" })},

		{"fields keep order and case", get("b: 1", "A: 2", "b: 3"), plain(func(u *understood) { u.fields = "[b=1][A=2][b=3]" })},
		{"values are trimmed", get("A:\t b \t c \t", "B:", "C: \t "), plain(func(u *understood) { u.fields = "[A=b \t c][B=][C=]" })},
		{"bytes beyond ASCII pass in values", get("A: \x80\xff\xc3\xa9"), plain(func(u *understood) { u.fields = "[A=\x80\xff\xc3\xa9]" })},
		{"known fields pass", get("COOKIE: a", "x-forwarded-for: b", "Trailer: c"), plain(func(u *understood) { u.fields = "[COOKIE=a][x-forwarded-for=b][Trailer=c]" })},

		{"fields of the connection are removed", get("Keep-Alive: 1", "Proxy-Connection: close", "Upgrade: x", "TE: gzip", "A: b"), plain(func(u *understood) { u.fields = "[A=b]" })},
		{"fields that Connection names are removed", get("X-A: 1", "Connection: x-a, ,X-B,", "x-b: 2", "X-C: 3", "connection: x-d", "X-D: 4"), plain(func(u *understood) { u.fields = "[X-C=3]" })},
		{"Connection may name what is not there", get("Connection: a,b", "C: d"), plain(func(u *understood) { u.fields = "[C=d]" })},
		{"Connection cannot hide Host", get("Connection: host"), plain(nil)},
		{"Connection cannot hide a length", get("Connection: content-length", "Content-Length: 5"), plain(func(u *understood) { u.framing, u.length = message.Length, 5 })},
		{"Connection cannot hide chunked", get("Connection: transfer-encoding", "Transfer-Encoding: chunked"), plain(func(u *understood) { u.framing = message.Stream })},

		{"a length", get("Content-Length: 5"), plain(func(u *understood) { u.framing, u.length = message.Length, 5 })},
		{"a length of nothing", get("Content-Length: 0"), plain(func(u *understood) { u.framing, u.length = message.Length, noBytes })},
		{"a length with zeros in front", get("Content-Length: 000000000000000000000000000007"), plain(func(u *understood) { u.framing, u.length = message.Length, 7 })},
		{"the largest length", get("Content-Length: 9223372036854775807"), plain(func(u *understood) { u.framing, u.length = message.Length, 1<<63-1 })},
		{"a length in 1.0", old("Content-Length: 5"), plainOld(func(u *understood) { u.framing, u.length = message.Length, 5 })},
		{"chunked in any case", get("Transfer-Encoding: \t CHUNKed "), plain(func(u *understood) { u.framing = message.Stream })},

		{"the connection is to be closed", get("Connection: x, CLOSE"), plain(func(u *understood) { u.close = true })},
		{"1.0 keeps the connection", old("Connection: Keep-Alive"), plainOld(func(u *understood) { u.close = false })},
		{"1.0 says both", old("Connection: keep-alive, close"), plainOld(nil)},
		{"Proxy-Connection keeps nothing", old("Proxy-Connection: keep-alive"), plainOld(nil)},

		{"an upgrade", get("Upgrade: websocket", "Connection: keep-alive, Upgrade"), plain(func(u *understood) { u.upgrade = "websocket" })},
		{"an upgrade without Connection", get("Upgrade: websocket"), plain(nil)},
		{"an upgrade without a protocol", get("Upgrade:", "Connection: upgrade"), plain(nil)},
		{"an upgrade in 1.0", old("Upgrade: websocket", "Connection: upgrade"), plainOld(nil)},
		{"two upgrades: the first is asked for", get("Upgrade: a", "Upgrade: b", "Connection: upgrade"), plain(func(u *understood) { u.upgrade = "a" })},

		{"trailers are taken", get("TE: deflate;q=0.5, Trailers", "Connection: TE"), plain(func(u *understood) { u.trailers = true })},
		{"trailers with more behind them are something else", get("TE: trailers;q=1"), plain(nil)},
		{"1.0 takes no trailers", old("TE: trailers"), plainOld(nil)},
		{"an expectation", get("Expect: 100-Continue"), plain(func(u *understood) { u.expect = true })},
		{"an expectation in 1.0 is none", old("Expect: 100-continue"), plainOld(nil)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := everyWay(t, []byte(tt.text+"next"), asRequest(Limits{}))
			if v.refusal != nil || v.n != len(tt.text) || of(v.head) != tt.want.String() {
				t.Errorf("%q\ngot  %v, %d of %d bytes: %s\nwant %s", tt.text, v.refusal, v.n, len(tt.text), of(v.head), tt.want)
			}
		})
	}
}
