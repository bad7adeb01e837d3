package http1

import (
	"strings"
	"testing"
)

const browser = "GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nCookie: a=b\r\n\r\n"

// get is a request with the given field lines behind a valid Host.
func get(lines ...string) string {
	return "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// old is the same in HTTP/1.0.
func old(lines ...string) string {
	return "GET / HTTP/1.0\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func TestRequestsThatAreRefused(t *testing.T) {
	line := func(s string) string { return s + "\r\nHost: a\r\n\r\n" }
	for _, tt := range []struct {
		name, text string
		status     int
		word       string
	}{
		{"the method is missing", line(" / HTTP/1.1"), 400, "bad-request-line"},
		{"the method is no token", line("G(T / HTTP/1.1"), 400, "bad-request-line"},
		{"the method is followed by a tab", line("GET\t/ HTTP/1.1"), 400, "bad-request-line"},
		{"two spaces before the target", line("GET  / HTTP/1.1"), 400, "bad-request-line"},
		{"two spaces before the version", line("GET /  HTTP/1.1"), 400, "bad-request-line"},
		{"a space behind the version", line("GET / HTTP/1.1 "), 400, "bad-request-line"},
		{"a space before the method", line(" GET / HTTP/1.1"), 400, "bad-request-line"},
		{"HTTP/0.9 without a version", "GET /\r\n", 400, "bad-request-line"},
		{"an empty version", line("GET / "), 400, "bad-request-line"},
		{"the version in lower case", line("GET / http/1.1"), 400, "bad-request-line"},
		{"a version of two digits", line("GET / HTTP/1.10"), 400, "bad-request-line"},
		{"a version without a dot", line("GET / HTTP/1"), 400, "bad-request-line"},
		{"another protocol", line("GET / RTSP/1.0"), 400, "bad-request-line"},
		{"LF alone ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bad-request-line"},
		{"CR alone ends the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "bad-request-line"},
		{"two CRs end the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "bad-request-line"},
		{"two empty lines in front", "\r\n\r\n" + get(), 400, "bad-request-line"},
		{"an empty line of LF alone in front", "\n" + get(), 400, "bad-request-line"},
		{"an empty line of CR alone in front", "\r" + get(), 400, "bad-request-line"},
		{"a TLS hello", "\x16\x03\x01\x02\x00\x01", 400, "bad-request-line"},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "bad-version"},
		{"HTTP/0.9 by name", line("GET / HTTP/0.9"), 505, "bad-version"},
		{"a version with a zero in front", line("GET / HTTP/01.1"), 505, "bad-version"},
		{"HTTP/3.0", line("GET / HTTP/3.0"), 505, "bad-version"},

		{"NUL in the target", line("GET /\x00 HTTP/1.1"), 400, "bad-target"},
		{"a tab in the target", line("GET /a\tb HTTP/1.1"), 400, "bad-target"},
		{"DEL in the target", line("GET /\x7f HTTP/1.1"), 400, "bad-target"},
		{"a fragment", line("GET /a#b HTTP/1.1"), 400, "bad-target"},
		{"a byte beyond ASCII in the target", line("GET /\xc3\xa9 HTTP/1.1"), 400, "bad-target"},
		{"a path without a slash", line("GET a/b HTTP/1.1"), 400, "bad-target"},
		{"a query without a path", line("GET ?a HTTP/1.1"), 400, "bad-target"},
		{"another scheme", line("GET ftp://a/ HTTP/1.1"), 400, "bad-target"},
		{"no scheme", line("GET ://a/ HTTP/1.1"), 400, "bad-target"},
		{"a URL without a host", line("GET http:/// HTTP/1.1"), 400, "bad-target"},
		{"a URL with a port but no host", line("GET http://:80/ HTTP/1.1"), 400, "bad-target"},
		{"a URL with user information", line("GET http://u:p@a/ HTTP/1.1"), 400, "bad-target"},
		{"a URL with a bad port", line("GET http://a:b/ HTTP/1.1"), 400, "bad-target"},
		{"an asterisk without OPTIONS", line("GET * HTTP/1.1"), 400, "bad-target"},
		{"an asterisk and more", line("OPTIONS *a HTTP/1.1"), 400, "bad-target"},
		{"host:port without CONNECT", line("GET a:80 HTTP/1.1"), 400, "bad-target"},
		{"CONNECT with a path", line("CONNECT / HTTP/1.1"), 400, "bad-target"},
		{"CONNECT without a port", line("CONNECT a HTTP/1.1"), 400, "bad-target"},
		{"CONNECT with an empty port", line("CONNECT a: HTTP/1.1"), 400, "bad-target"},
		{"CONNECT without a host", line("CONNECT :80 HTTP/1.1"), 400, "bad-target"},
		{"CONNECT to an IP literal without a port", line("CONNECT [::1] HTTP/1.1"), 400, "bad-target"},
		{"CONNECT with a URL", line("CONNECT http://a:80/ HTTP/1.1"), 400, "bad-target"},

		{"a folded line", get("A: b", " c"), 400, "bad-field"},
		{"a folded line by tab", get("A: b", "\tc"), 400, "bad-field"},
		{"a space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "bad-field"},
		{"a space before the colon", get("A : b"), 400, "bad-field"},
		{"a tab before the colon", get("A\t: b"), 400, "bad-field"},
		{"an empty name", get(": b"), 400, "bad-field"},
		{"no colon", get("Accept"), 400, "bad-field"},
		{"a name that is no token", get("A[b]: c"), 400, "bad-field"},
		{"a name beyond ASCII", get("\xc3\xa9: c"), 400, "bad-field"},
		{"NUL in a name", get("A\x00: c"), 400, "bad-field"},
		{"NUL in a value", get("A: b\x00c"), 400, "bad-field"},
		{"DEL in a value", get("A: b\x7f"), 400, "bad-field"},
		{"a vertical tab in a value", get("A: \vb"), 400, "bad-field"},
		{"a CR in a value", get("A: b\rc"), 400, "bad-field"},
		{"a LF in a value", get("A: b\nc: d"), 400, "bad-field"},
		{"two CRs end a field", get("A: b\r"), 400, "bad-field"},
		{"LF alone ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bad-field"},
		{"CR alone ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\rx", 400, "bad-field"},
		{"Connection is no list of tokens", get("Connection: a b"), 400, "bad-field"},
		{"Connection names too many fields", get("Connection: a,b,c,d,e,f,g,h", "Connection: i"), 400, "bad-field"},

		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, "bad-host"},
		{"no Host beside a URL", "GET http://a/ HTTP/1.1\r\n\r\n", 400, "bad-host"},
		{"no Host but one named by Connection", "GET / HTTP/1.1\r\nConnection: host\r\n\r\n", 400, "bad-host"},
		{"two Hosts", get("Host: b"), 400, "bad-host"},
		{"two equal Hosts", get("Host: a"), 400, "bad-host"},
		{"two Hosts, one hidden by Connection", get("Connection: host", "Host: b"), 400, "bad-host"},
		{"two Hosts in HTTP/1.0", old("Host: a", "Host: b"), 400, "bad-host"},
		{"a Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad-host"},
		{"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad-host"},
		{"a Host with user information", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "bad-host"},
		{"a Host beyond ASCII", "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", 400, "bad-host"},
		{"a Host with a bad port", "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400, "bad-host"},
		{"a Host with a port too large", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400, "bad-host"},
		{"a Host with two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400, "bad-host"},
		{"a Host of a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, "bad-host"},
		{"a Host with a broken escape", "GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400, "bad-host"},
		{"a Host with an open literal", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "bad-host"},
		{"a Host with an empty literal", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400, "bad-host"},
		{"a Host with a literal and more", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", 400, "bad-host"},
		{"a Host with a zone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400, "bad-host"},
		{"a bad Host beside a URL", "GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", 400, "bad-host"},

		{"a length with a plus", get("Content-Length: +1"), 400, "bad-length"},
		{"a length with a minus", get("Content-Length: -1"), 400, "bad-length"},
		{"an empty length", get("Content-Length:"), 400, "bad-length"},
		{"a length in hex", get("Content-Length: 0x10"), 400, "bad-length"},
		{"a length with a space within", get("Content-Length: 1 2"), 400, "bad-length"},
		{"a length of 2^63", get("Content-Length: 9223372036854775808"), 400, "bad-length"},
		{"a length of 2^64+1", get("Content-Length: 18446744073709551617"), 400, "bad-length"},
		{"a list of lengths", get("Content-Length: 5, 5"), 400, "bad-length"},
		{"two lengths", get("Content-Length: 5", "Content-Length: 6"), 400, "bad-length"},
		{"two equal lengths", get("Content-Length: 5", "Content-Length: 5"), 400, "bad-length"},
		{"two lengths, one hidden by Connection", get("Connection: content-length", "Content-Length: 5", "Content-Length: 6"), 400, "bad-length"},

		{"a length and chunked", get("Content-Length: 5", "Transfer-Encoding: chunked"), 400, "ambiguous-framing"},
		{"chunked and a length", get("Transfer-Encoding: chunked", "Content-Length: 5"), 400, "ambiguous-framing"},
		{"a length and chunked hidden by Connection", get("Connection: transfer-encoding", "Content-Length: 5", "Transfer-Encoding: chunked"), 400, "ambiguous-framing"},
		{"chunked twice", get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, "ambiguous-framing"},
		{"an empty coding", get("Transfer-Encoding:"), 400, "ambiguous-framing"},
		{"chunked in HTTP/1.0", old("Transfer-Encoding: chunked"), 400, "ambiguous-framing"},
		{"another coding in HTTP/1.0", old("Transfer-Encoding: gzip"), 400, "ambiguous-framing"},
		{"another coding before chunked", get("Transfer-Encoding: gzip, chunked"), 501, "unknown-coding"},
		{"two codings before chunked", get("Transfer-Encoding: gzip, x;q=1, Chunked"), 501, "unknown-coding"},
		{"another coding", get("Transfer-Encoding: gzip"), 400, "ambiguous-framing"},
		{"another coding behind chunked", get("Transfer-Encoding: chunked, gzip"), 400, "ambiguous-framing"},
		{"a list that says chunked twice", get("Transfer-Encoding: chunked, chunked"), 400, "ambiguous-framing"},
		{"a list with an empty element", get("Transfer-Encoding: , chunked"), 400, "ambiguous-framing"},
		{"a list with an empty last element", get("Transfer-Encoding: chunked,"), 400, "ambiguous-framing"},
		{"chunked with a parameter", get("Transfer-Encoding: chunked;q=1"), 400, "ambiguous-framing"},
		{"chunked in quotes", get(`Transfer-Encoding: "chunked"`), 400, "ambiguous-framing"},
		{"identity", get("Transfer-Encoding: identity"), 400, "ambiguous-framing"},
		{"almost chunked", get("Transfer-Encoding: xchunked"), 400, "ambiguous-framing"},
		{"another expectation", get("Expect: 200-ok"), 417, "bad-expect"},
		{"two expectations", get("Expect: 100-continue, x"), 417, "bad-expect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := everyWay(t, []byte(tt.text), asRequest(Limits{}))
			if v.refusal == nil || v.refusal.Status != tt.status || v.refusal.Word != tt.word {
				t.Errorf("%q\n%v; want %d %s", tt.text, v, tt.status, tt.word)
			}
		})
	}
}

func TestRequestsBeyondALimitAreRefused(t *testing.T) {
	small := Limits{RequestLine: 20, HeaderBytes: 30, Fields: 2}
	for _, tt := range []struct {
		name, text string
		limits     Limits
		word       string // "" for accepted
	}{
		{"a line as long as allowed", "GET /567 HTTP/1.1\r\nHost: a\r\n\r\n", Limits{RequestLine: 19}, ""},
		{"a line a byte longer", "GET /5678 HTTP/1.1\r\nHost: a\r\n\r\n", Limits{RequestLine: 19}, "uri-too-long"},
		{"a target without end", "GET /" + strings.Repeat("a", 9000), Limits{}, "uri-too-long"},
		{"a method without end", strings.Repeat("A", 9000), Limits{}, "uri-too-long"},
		{"a bad byte behind the limit is not looked at", "GET /" + strings.Repeat("a", 20) + "\x00", small, "uri-too-long"},
		{"a bad byte before the limit is found first", "GET /\x00" + strings.Repeat("a", 20), small, "bad-target"},
		{"fields as long as allowed", "GET / HTTP/1.1\r\nHost: a\r\nA: 345678901234567\r\n\r\n", Limits{HeaderBytes: 31}, ""},
		{"fields a byte longer", "GET / HTTP/1.1\r\nHost: a\r\nA: 3456789012345678\r\n\r\n", Limits{HeaderBytes: 31}, "header-too-large"},
		{"a value without end", get("A: " + strings.Repeat("a", 70<<10)), Limits{}, "header-too-large"},
		{"a name without end", get(strings.Repeat("a", 70<<10)), Limits{}, "header-too-large"},
		{"as many fields as allowed", get("A: b"), small, ""},
		{"a field more", get("A: b", "C: d"), small, "too-many-fields"},
		{"a field more that would not be passed on", get("A: b", "Connection: close"), small, "too-many-fields"},
		{"a hundred fields", get(strings.Repeat("A: b\r\n", 98) + "C: d"), Limits{}, ""},
		{"a hundred and one", get(strings.Repeat("A: b\r\n", 99) + "C: d"), Limits{}, "too-many-fields"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := everyWay(t, []byte(tt.text), asRequest(tt.limits))
			word := ""
			if v.refusal != nil {
				word = v.refusal.Word
			}
			if word != tt.word || word == "" && v.n != len(tt.text) {
				t.Errorf("%q\n%v; want %q", clip([]byte(tt.text)), v, tt.word)
			}
		})
	}
}

func TestRefusalsSayEnoughInOneLine(t *testing.T) {
	for _, text := range []string{" ", "GET / HTTP/2.0\r\n", get(" "), get("Host: b"), get("Content-Length: x")} {
		r := whole([]byte(text), asRequest(Limits{})).refusal
		if r == nil || len(r.Text) < 20 || strings.ContainsAny(r.Text, "\r\n") {
			t.Errorf("%q: %v", text, r)
		}
	}
}
