package http1

import (
	"slices"
	"testing"

	"poise/internal/message"
)

func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		browser, old(), get("Content-Length: 5") + "hello", get("Transfer-Encoding: chunked", "TE: trailers", "Expect: 100-continue"),
		get("Upgrade: websocket", "Connection: upgrade, x", "X: y"), "OPTIONS * HTTP/1.0\r\n\r\n",
		"GET http://a/?b HTTP/1.1\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n", "CONNECT a:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		first := everyWay(t, b, asRequest(Limits{}))
		if first.refusal != nil || first.n == 0 {
			return
		}
		if b[first.n-1] != '\n' {
			t.Fatalf("%q: the head ends within a line: %v", b, first)
		}
		if string(first.head.Method) == "CONNECT" {
			return // is never passed on
		}
		again := everyWay(t, AppendRequest(nil, &first.head), asRequest(Limits{RequestLine: 1 << 20, HeaderBytes: 1 << 20, Fields: 200}))
		want := first
		want.n = again.n
		want.head.Minor, want.head.Close, want.head.Scheme = 1, false, nil
		if want.head.Framing == message.NoBody && slices.Contains([]string{"POST", "PUT", "PATCH"}, string(want.head.Method)) {
			want.head.Framing, want.head.Length = again.head.Framing, max(again.head.Length, 0)
		}
		if want.String() != again.String() {
			t.Fatalf("%q\nmeans     %v\nbut anew: %v", b, want, again)
		}
	})
}

func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		answer200, answerOf("200 OK", "Transfer-Encoding: chunked"), answerOf("200"), answerOf("304 X", "Content-Length: 7"),
		answerOf("101 X", "Upgrade: a", "Connection: upgrade"), answerOf("103 Early Hints", "Link: </a>"),
		"HTTP/1.0 200 OK\r\nConnection: keep-alive, x\r\nx: y\r\nContent-Length: 3\r\n\r\n",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, toHead bool) {
		method := "GET"
		if toHead {
			method = "HEAD"
		}
		first := everyWay(t, b, asResponse(method, Limits{}))
		if first.refusal != nil || first.n == 0 {
			return
		}
		anew := AppendResponse(nil, &first.head, ResponseOptions{})
		again := everyWay(t, anew, asResponse(method, Limits{RequestLine: 1 << 20, HeaderBytes: 1 << 20}))
		want := first
		want.n = len(anew)
		want.head.Minor, want.head.Close = 1, first.head.Framing == message.UntilEOF
		if len(want.head.Reason) == 0 {
			want.head.Reason = again.head.Reason
		}
		if want.String() != again.String() {
			t.Fatalf("%q\nmeans     %v\nbut anew: %v", b, want, again)
		}
	})
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nX: y\r\n\r\n"), 3)
	f.Add([]byte("a;x=y\r\n0123456789\r\n0\r\n\r\n"), 1)
	f.Add([]byte("2\r\n\r\n\r\n0\r\nHost: a\r\n\r\nGET /"), 2)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		if step < 1 || step > 1<<20 {
			return
		}
		first := decode(t, b, len(b)+1)
		for _, s := range []int{1, step} {
			if other := decode(t, b, s); other != first {
				t.Fatalf("%q\nat once:       %+v\nin steps of %d: %+v", b, first, s, other)
			}
		}
		if !first.done {
			return
		}
		var anew []byte
		if len(first.data) > 0 {
			anew = append(append(AppendChunkSize(nil, len(first.data)), first.data...), crlf...)
		}
		anew = AppendLastChunk(anew, trailersOf(b))
		again := decode(t, anew, len(anew))
		first.used = len(anew)
		if again != first {
			t.Fatalf("%q\nmeans     %+v\nbut anew: %+v", b, first, again)
		}
	})
}

// trailersOf decodes b, which is well-formed, for its trailers.
func trailersOf(b []byte) []message.Field {
	var c Chunks
	for done := false; !done; {
		var n int
		_, n, done, _ = c.Next(b)
		b = b[n:]
	}
	return c.Trailers()
}
