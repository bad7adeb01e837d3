package http1

import (
	"errors"
	"strings"
	"testing"

	"poise/internal/message"
)

const answer200 = "HTTP/1.1 200 OK\r\nServer: x\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"

func answerOf(line string, lines ...string) string {
	return "HTTP/1.1 " + line + "\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

func TestAnswersThatAreMalformed(t *testing.T) {
	for _, tt := range []struct{ name, text, word string }{
		{"an empty line in front", "\r\n" + answer200, "bad-status-line"},
		{"late bytes of another answer", "hello" + answer200, "bad-status-line"},
		{"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "bad-status-line"},
		{"HTTP/0.9", "<html>", "bad-status-line"},
		{"two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n", "bad-status-line"},
		{"a tab before the status", "HTTP/1.1\t200 OK\r\n\r\n", "bad-status-line"},
		{"a status of two digits", answerOf("20 OK"), "bad-status-line"},
		{"a status of four digits", answerOf("2000 OK"), "bad-status-line"},
		{"a status with a sign", answerOf("+20 OK"), "bad-status-line"},
		{"a status below 100", answerOf("099 X"), "bad-status-line"},
		{"a status above 599", answerOf("600 X"), "bad-status-line"},
		{"no status", answerOf(""), "bad-status-line"},
		{"NUL in the reason", answerOf("200 O\x00K"), "bad-status-line"},
		{"LF alone ends the status line", "HTTP/1.1 200 OK\n\r\n", "bad-status-line"},
		{"LF alone behind the status", "HTTP/1.1 200\n\r\n", "bad-status-line"},
		{"CR alone ends the status line", "HTTP/1.1 200 OK\rX", "bad-status-line"},
		{"CR alone behind the status", "HTTP/1.1 200\rX", "bad-status-line"},
		{"a status line without end", "HTTP/1.1 200 " + strings.Repeat("a", 9000), "bad-status-line"},

		{"a folded line", answerOf("200 OK", "A: b", " c"), "bad-field"},
		{"a space before the colon", answerOf("200 OK", "A : b"), "bad-field"},
		{"LF alone ends a field", answerOf("200 OK", "A: b\nC: d"), "bad-field"},
		{"CR alone in a field", answerOf("200 OK", "A: b\rC: d"), "bad-field"},
		{"NUL in a field", answerOf("200 OK", "A: b\x00"), "bad-field"},
		{"fields without end", answerOf("200 OK", "A: "+strings.Repeat("a", 70<<10)), "header-too-large"},
		{"a hundred and one fields", answerOf("200 OK", strings.Repeat("A: b\r\n", 100)+"A: b"), "too-many-fields"},

		{"a bad length", answerOf("200 OK", "Content-Length: 5x"), "bad-length"},
		{"lengths that disagree", answerOf("200 OK", "Content-Length: 5", "Content-Length: 6"), "bad-length"},
		{"lengths that agree", answerOf("200 OK", "Content-Length: 5", "Content-Length: 5"), "bad-length"},
		{"a list of lengths that disagree", answerOf("200 OK", "Content-Length: 5, 6"), "bad-length"},
		{"a list of lengths that agree", answerOf("200 OK", "Content-Length: 5, 5"), "bad-length"},
		{"a length and chunked", answerOf("200 OK", "Content-Length: 5", "Transfer-Encoding: chunked"), "ambiguous-framing"},
		{"a length and chunked hidden by Connection", answerOf("200 OK", "Connection: content-length", "Content-Length: 5", "Transfer-Encoding: chunked"), "ambiguous-framing"},
		{"a length and chunked even of 304", answerOf("304 X", "Content-Length: 5", "Transfer-Encoding: chunked"), "ambiguous-framing"},
		{"chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "ambiguous-framing"},
		{"another coding", answerOf("200 OK", "Transfer-Encoding: gzip, chunked"), "unknown-coding"},

		{"101 without a protocol", answerOf("101 X", "Connection: upgrade"), "bad-upgrade"},
		{"101 without Connection", answerOf("101 X", "Upgrade: websocket"), "bad-upgrade"},
		{"101 in 1.0", "HTTP/1.0 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n", "bad-upgrade"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := everyWay(t, []byte(tt.text), asResponse("GET", Limits{}))
			if v.refusal == nil || v.refusal.Word != tt.word {
				t.Errorf("%q\n%v; want %s", clip([]byte(tt.text)), v, tt.word)
			}
		})
	}
}

func TestAMalformedAnswerSaysSoAndWhy(t *testing.T) {
	var p HeadParser
	var h message.Head
	_, err := p.Response([]byte("SSH-2.0"), Limits{}, []byte("GET"), &h)
	if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "must begin with") {
		t.Errorf("%v", err)
	}
}

func TestAnswersThatAreUnderstood(t *testing.T) {
	type want struct {
		status int
		reason string
		understood
	}
	for _, tt := range []struct {
		name, method, text string
		want               want
	}{
		{"a length", "GET", answerOf("200 OK", "A: b", "Content-Length: 5"), want{200, "OK", understood{minor: 1, fields: "[A=b]", framing: message.Length, length: 5}}},
		{"chunked", "GET", answerOf("200 OK", "Transfer-Encoding: Chunked"), want{200, "OK", understood{minor: 1, framing: message.Stream}}},
		{"neither: the end of the connection", "GET", answerOf("200 OK"), want{200, "OK", understood{minor: 1, framing: message.UntilEOF, close: true}}},
		{"a length of nothing", "GET", answerOf("200 OK", "Content-Length: 0"), want{200, "OK", understood{minor: 1, framing: message.Length, length: noBytes}}},
		{"no reason", "GET", answerOf("200 ", "Content-Length: 5"), want{200, "", understood{minor: 1, framing: message.Length, length: 5}}},
		{"no reason and no space for it", "GET", answerOf("200", "Content-Length: 5"), want{200, "", understood{minor: 1, framing: message.Length, length: 5}}},
		{"a reason of several words, tabs and bytes beyond ASCII", "GET", answerOf("404 a\t b\xff ", "Content-Length: 5"), want{404, "a\t b\xff ", understood{minor: 1, framing: message.Length, length: 5}}},
		{"1.7 is read as 1.1", "GET", "HTTP/1.7 599 X\r\nContent-Length: 5\r\n\r\n", want{599, "X", understood{minor: 1, framing: message.Length, length: 5}}},

		{"HEAD has no body", "HEAD", answerOf("200 OK"), want{200, "OK", understood{minor: 1}}},
		{"HEAD announces a length", "HEAD", answerOf("200 OK", "Content-Length: 5"), want{200, "OK", understood{minor: 1, length: 5}}},
		{"HEAD announces chunked", "HEAD", answerOf("200 OK", "Transfer-Encoding: chunked"), want{200, "OK", understood{minor: 1}}},
		{"methods have case", "head", answerOf("200 OK", "Content-Length: 5"), want{200, "OK", understood{minor: 1, framing: message.Length, length: 5}}},
		{"304 has no body", "GET", answerOf("304 X"), want{304, "X", understood{minor: 1}}},
		{"304 announces a length", "GET", answerOf("304 X", "Content-Length: 5"), want{304, "X", understood{minor: 1, length: 5}}},
		{"304 announces chunked", "GET", answerOf("304 X", "Transfer-Encoding: chunked"), want{304, "X", understood{minor: 1}}},
		{"204 has no body", "GET", answerOf("204 X"), want{204, "X", understood{minor: 1}}},
		{"204 announces nothing", "GET", answerOf("204 X", "Content-Length: 0"), want{204, "X", understood{minor: 1}}},
		{"204 that announces a body ends the connection", "GET", answerOf("204 X", "Content-Length: 5"), want{204, "X", understood{minor: 1, close: true}}},
		{"204 that announces chunks ends the connection", "GET", answerOf("204 X", "Transfer-Encoding: chunked"), want{204, "X", understood{minor: 1, close: true}}},
		{"100 has no body", "POST", answerOf("100 Continue"), want{100, "Continue", understood{minor: 1}}},
		{"103 has fields", "GET", answerOf("103 Early Hints", "Link: </a>"), want{103, "Early Hints", understood{minor: 1, fields: "[Link=</a>]"}}},
		{"a granted upgrade", "GET", answerOf("101 X", "Upgrade: websocket", "Connection: Upgrade", "Content-Length: 5"), want{101, "X", understood{minor: 1, framing: message.TunnelRaw, upgrade: "websocket"}}},
		{"an upgrade is not granted by 200", "GET", answerOf("200 X", "Upgrade: h2c", "Connection: Upgrade", "Content-Length: 5"), want{200, "X", understood{minor: 1, framing: message.Length, length: 5}}},

		{"the connection is closed", "GET", answerOf("200 X", "Content-Length: 5", "Connection: close"), want{200, "X", understood{minor: 1, framing: message.Length, length: 5, close: true}}},
		{"1.0 closes", "GET", "HTTP/1.0 200 X\r\nContent-Length: 5\r\n\r\n", want{200, "X", understood{framing: message.Length, length: 5, close: true}}},
		{"1.0 keeps the connection", "GET", "HTTP/1.0 200 X\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", want{200, "X", understood{framing: message.Length, length: 5}}},
		{"1.0 cannot keep what ends with the connection", "GET", "HTTP/1.0 200 X\r\nConnection: keep-alive\r\n\r\n", want{200, "X", understood{framing: message.UntilEOF, close: true}}},

		{"fields of the connection are removed", "GET", answerOf("204 X", "Keep-Alive: a", "Connection: x-a", "X-A: b", "TE: trailers", "Proxy-Connection: c", "Via: d"), want{204, "X", understood{minor: 1, fields: "[Via=d]"}}},
		{"what means something in requests only is passed on", "GET", answerOf("204 X", "Host: a b", "Host: c", "Expect: d"), want{204, "X", understood{minor: 1, fields: "[Host=a b][Host=c][Expect=d]"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := everyWay(t, []byte(tt.text+"next"), asResponse(tt.method, Limits{}))
			if v.refusal != nil || v.n != len(tt.text) || v.head.Status != tt.want.status || string(v.head.Reason) != tt.want.reason || of(v.head) != tt.want.String() {
				t.Errorf("%q\ngot  %v\n     %s\nwant %s", tt.text, v, of(v.head), tt.want)
			}
		})
	}
}

func TestOnlyWhatWasOfferedCanBeGranted(t *testing.T) {
	for _, tt := range []struct {
		name, asked, granted string
		want                 bool
	}{
		{"what was asked for", "websocket", "websocket", true},
		{"in another case", "WebSocket", "websocket", true},
		{"one of a list", "a/1 , websocket", "websocket", true},
		{"two of a list", "a, b, c", "c,a", true},
		{"another", "websocket", "h2c", false},
		{"one more than was asked for", "a", "a, b", false},
		{"another version", "a/1", "a/2", false},
		{"a part of a name", "websocket", "web", false},
		{"an empty one", "a,,b", "", false},
		{"nothing was asked for", "", "a", false},
	} {
		if got := Offered([]byte(tt.asked), append([]byte{}, tt.granted...)); got != tt.want {
			t.Errorf("%s: Offered(%q, %q) = %t", tt.name, tt.asked, tt.granted, got)
		}
	}
	if Offered(nil, []byte("a")) {
		t.Error("nothing was asked for at all, and a is granted")
	}
}
