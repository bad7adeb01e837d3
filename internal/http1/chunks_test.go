package http1

import (
	"errors"
	"strings"
	"testing"

	"poise/internal/message"
)

// decoded is what a chunked body says.
type decoded struct {
	data, trailers string
	word           string // of the refusal
	used           int    // bytes up to the end; of a body that ended
	done           bool
}

// decode takes the coding off b, which comes in pieces of step bytes. What
// Next leaves is presented again, as its contract says.
func decode(t *testing.T, b []byte, step int) decoded {
	t.Helper()
	var c Chunks
	var d decoded
	c.Reset()
	used := 0
	for end := min(step, len(b)); ; end = min(end+step, len(b)) {
		for {
			data, n, done, err := c.Next(b[used:end])
			if n < len(data) || n > end-used {
				t.Fatalf("%q: %d bytes used up of %d, %d of data", b, n, end-used, len(data))
			}
			used += n
			d.data += string(data)
			switch {
			case err != nil:
				r, ok := errors.AsType[*message.Refusal](err)
				if !ok || !errors.Is(err, ErrMalformed) {
					t.Fatalf("%v is no ErrMalformed with a reason", err)
				}
				d.word = r.Word
				return d
			case done:
				d.done, d.used, d.trailers = true, used, fieldText(c.Trailers())
				return d
			}
			if len(data) == 0 {
				break
			}
		}
		if end == len(b) {
			return d
		}
	}
}

// everyStep decodes b in pieces of all sizes, which must agree.
func everyStep(t *testing.T, b []byte) decoded {
	t.Helper()
	d := decode(t, b, max(len(b), 1))
	for _, step := range []int{1, 2, 3, 5, 7, 100} {
		if other := decode(t, b, step); other != d {
			t.Errorf("%q\nat once:       %+v\nin steps of %d: %+v", clip(b), d, step, other)
		}
	}
	return d
}

func TestBodiesInChunks(t *testing.T) {
	for _, tt := range []struct{ name, text, data, trailers string }{
		{"nothing", "0\r\n\r\n", "", ""},
		{"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
		{"two chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello", ""},
		{"sizes in both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
		{"a size of 16 digits", "0000000000000005\r\nhello\r\n0000\r\n\r\n", "hello", ""},
		{"data that looks like chunks", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", ""},
		{"extensions", "5;a=b;c=\"d \t\xff\"\r\nhello\r\n0;x\r\n\r\n", "hello", ""},
		{"white space before an extension", "5 \t;a\r\nhello\r\n0\t;x\r\n\r\n", "hello", ""},
		{"an extension as long as allowed", "5;" + strings.Repeat("a", 4<<10) + "\r\nhello\r\n0\r\n\r\n", "hello", ""},
		{"trailers", "5\r\nhello\r\n0\r\nGrpc-Status: 0\r\nb:\t c \r\n\r\n", "hello", "[Grpc-Status=0][b=c]"},
		{"trailers that are forbidden", "0\r\nHost: a\r\nContent-Length: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: gzip\r\nConnection: b, c d\r\n" +
			"Authorization: a\r\nSet-Cookie: a\r\nContent-Type: a\r\nIF-None-Match: a\r\nTE: a\r\nExpect: a\r\nX-Forwarded-For: a\r\nb: c\r\n\r\n", "", "[b=c]"},
		{"trailers as many as allowed", "0\r\n" + strings.Repeat("a: b\r\n", 64) + "\r\n", "", strings.Repeat("[a=b]", 64)},
		{"trailers as long as allowed", "0\r\na: " + strings.Repeat("b", 16<<10-7) + "\r\n\r\n", "", "[a=" + strings.Repeat("b", 16<<10-7) + "]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := everyStep(t, []byte(tt.text+"5\r\nnext\r\n"))
			if want := (decoded{data: tt.data, trailers: tt.trailers, used: len(tt.text), done: true}); d != want {
				t.Errorf("%q\ngot  %+v\nwant %+v", clip([]byte(tt.text)), d, want)
			}
		})
	}
}

func TestChunksThatAreMalformed(t *testing.T) {
	for _, tt := range []struct{ name, text, word string }{
		{"no size", "\r\n", "bad-chunk"},
		{"no size but an extension", ";a\r\n", "bad-chunk"},
		{"a space before the size", " 5\r\n", "bad-chunk"},
		{"a space behind the size", "5 \r\n", "bad-chunk"},
		{"a space and no extension", "5 \t\r\n", "bad-chunk"},
		{"a space and more of the size", "5 5\r\n", "bad-chunk"},
		{"white space without end", "5" + strings.Repeat(" ", 4<<10+2), "bad-chunk"},
		{"a tab behind the size", "5\t\r\n", "bad-chunk"},
		{"a sign", "+5\r\n", "bad-chunk"},
		{"a minus", "-5\r\n", "bad-chunk"},
		{"0x", "0x5\r\n", "bad-chunk"},
		{"an underscore", "1_0\r\n", "bad-chunk"},
		{"no hex digit", "g\r\n", "bad-chunk"},
		{"17 digits", "00000000000000005\r\n", "bad-chunk"},
		{"a size of 2^63", "8000000000000000\r\n", "bad-chunk"},
		{"a size of 2^64-1", "ffffffffffffffff\r\n", "bad-chunk"},
		{"LF alone behind the size", "5\nhello", "bad-chunk"},
		{"CR alone behind the size", "5\rhello", "bad-chunk"},
		{"two CRs behind the size", "5\r\r\n", "bad-chunk"},
		{"LF alone behind an extension", "5;a\nhello", "bad-chunk"},
		{"CR alone in an extension", "5;a\rb\r\n", "bad-chunk"},
		{"NUL in an extension", "5;\x00\r\n", "bad-chunk"},
		{"DEL in an extension", "5;\x7f\r\n", "bad-chunk"},
		{"an extension without end", "5;" + strings.Repeat("a", 4<<10+1), "bad-chunk"},
		{"a size too small", "4\r\nhello\r\n", "bad-chunk"},
		{"a size too large", "6\r\nhello\r\n0\r\n\r\n", "bad-chunk"},
		{"LF alone behind the data", "5\r\nhello\n0\r\n\r\n", "bad-chunk"},
		{"CR alone behind the data", "5\r\nhello\r0\r\n\r\n", "bad-chunk"},
		{"LF alone ends the body", "0\r\n\n", "bad-field"},
		{"LF alone behind the last size", "0\n\r\n", "bad-chunk"},
		{"CR alone ends the body", "0\r\n\rx", "bad-field"},
		{"a folded trailer", "0\r\na: b\r\n c\r\n\r\n", "bad-field"},
		{"a trailer with a space before the colon", "0\r\na : b\r\n\r\n", "bad-field"},
		{"a trailer without a colon", "0\r\na\r\n\r\n", "bad-field"},
		{"a trailer with NUL", "0\r\na: \x00\r\n\r\n", "bad-field"},
		{"a request where a trailer may be", "0\r\nGET / HTTP/1.1\r\n", "bad-field"},
		{"65 trailers", "0\r\n" + strings.Repeat("a: b\r\n", 65) + "\r\n", "bad-chunk"},
		{"trailers too long", "0\r\na: " + strings.Repeat("b", 16<<10-6) + "\r\n\r\n", "bad-chunk"},
		{"trailers without end", "0\r\n" + strings.Repeat("a", 20<<10), "bad-chunk"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := everyStep(t, []byte(tt.text)); d.word != tt.word || d.done {
				t.Errorf("%q\ngot %+v, want %s", clip([]byte(tt.text)), d, tt.word)
			}
		})
	}
}

func TestABodyThatIsCutIsNeverDone(t *testing.T) {
	const body = "5;x\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n"
	for i := range len(body) {
		if d := everyStep(t, []byte(body[:i])); d.done || d.word != "" {
			t.Errorf("%q: %+v", body[:i], d)
		}
	}
}

func TestTrailersHaveMemoryOfTheirOwn(t *testing.T) {
	var c Chunks
	b := []byte("0\r\nAbc: def\r\n\r\n")
	for at, done := 0, false; !done; {
		_, n, ended, err := c.Next(b[at:])
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		at, done = at+n, ended
	}
	clear(b)
	if got := fieldText(c.Trailers()); got != "[Abc=def]" {
		t.Errorf("%q", got)
	}
	c.Reset()
	if got := c.Trailers(); len(got) != 0 {
		t.Errorf("after Reset: %q", got)
	}
}
