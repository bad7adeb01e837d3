package http1

import (
	"fmt"
	"testing"

	"poise/internal/message"
)

const browser = "GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nCookie: a=b\r\n\r\n"

// verdict is everything that a parse says, as text.
func verdict(n int, r *message.Refusal, h *message.Head) string {
	if r != nil {
		return r.Word
	}
	return fmt.Sprintf("%d %s %s %s %d %d %t %q", n, h.Method, h.Path, h.Authority, h.Framing, h.Length, h.Close, h.Fields)
}

// whole parses at once, slowly a byte more each time.
func whole(b []byte) string {
	var p HeadParser
	var h message.Head
	n, r := p.Request(b, Limits{}, &h)
	return verdict(n, r, &h)
}

func slowly(b []byte) string {
	var p HeadParser
	var h message.Head
	for i := range b {
		if n, r := p.Request(b[:i+1], Limits{}, &h); n > 0 || r != nil {
			return verdict(n, r, &h)
		}
	}
	n, r := p.Request(b, Limits{}, &h)
	return verdict(n, r, &h)
}

func TestConnectionsOwnFieldsAreRemoved(t *testing.T) {
	var p HeadParser
	var h message.Head
	n, r := p.Request([]byte(browser), Limits{}, &h)
	if r != nil || n != len(browser) || len(h.Fields) != 3 || string(h.Authority) != "example.com:8080" || string(h.Path) != "/a/b?c=d" || h.Close {
		t.Errorf("%d %v %+v", n, r, h)
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	var p HeadParser
	var h message.Head
	out := make([]byte, 0, 4096)
	b := []byte(browser)
	if n := testing.AllocsPerRun(100, func() {
		p.Reset()
		_, _ = p.Request(b, Limits{}, &h)
		out = AppendRequest(out[:0], &h)
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{browser, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "OPTIONS * HTTP/1.0\r\n\r\n", "GET http://a/?b HTTP/1.1\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, c := whole(b), slowly(b); a != c {
			t.Fatalf("%q\nwhole  %s\nslowly %s", b, a, c)
		}
		var p HeadParser
		var h, again message.Head
		n, r := p.Request(b, Limits{}, &h)
		if r != nil || n == 0 || h.Path == nil || len(h.Authority) == 0 {
			return
		}
		out := AppendRequest(nil, &h)
		p.Reset()
		n, r = p.Request(out, Limits{}, &again)
		if r != nil || n != len(out) || bodyOf(&again) != bodyOf(&h) || string(again.Path) != string(h.Path) || string(again.Authority) != string(h.Authority) {
			t.Fatalf("%q\nwritten anew as %q\nmeans %v %+v", b, out, r, again)
		}
	})
}

// bodyOf is the framing; no body and one of no bytes are the same.
func bodyOf(h *message.Head) message.Framing {
	if h.Framing == message.Length && h.Length == 0 {
		return message.NoBody
	}
	return h.Framing
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nX: y\r\n\r\n"), 3)
	f.Add([]byte("a;x=y\r\n0123456789\r\n0\r\n\r\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		if step < 1 || step > len(b) {
			return
		}
		all := func(step int) string {
			var c Chunks
			c.Reset()
			got, rest := "", []byte(nil)
			for at := 0; at < len(b); {
				end := min(at+step, len(b))
				rest = append(rest, b[at:end]...)
				at = end
				for len(rest) > 0 {
					data, n, done, err := c.Next(rest)
					got += string(data)
					if err != nil {
						return got + " error"
					}
					if done {
						return fmt.Sprintf("%s done %q", got, c.Trailers())
					}
					rest = rest[n:]
					if n == 0 {
						break
					}
				}
			}
			return got
		}
		if a, c := all(len(b)), all(step); a != c {
			t.Fatalf("%q in steps of %d: %q; whole: %q", b, step, c, a)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	var p HeadParser
	var h message.Head
	text := []byte(browser)
	for b.Loop() {
		p.Reset()
		_, _ = p.Request(text, Limits{}, &h)
	}
}
