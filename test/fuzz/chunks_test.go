package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"poise/test/conformance/strict"
)

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

// strictly reads a chunked body with the other reader.
func strictly(b []byte) (*strict.Message, int, error) {
	m, n, err := strict.Request(append([]byte(chunkedHead), b...))
	return m, n - len(chunkedHead), err
}

func FuzzChunksAgainstStrict(f *testing.F) {
	for _, s := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\nX: y\r\n\r\nGET /", "a;x=\"y\"\r\n0123456789\r\n0\r\n\r\n", "2 ;a\r\n\r\n\r\n0\r\nHost: a\r\n\r\n",
		"1\nx\r\n0\r\n\r\n", "7fffffffffffffff\r\nx", "1\r\nxx\r\n", "1\rZx\r\n0\r\n\r\n", "1\r\nx\r\n0\n\r\n", "00000\r\nA: b\r\nA: c\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > longest {
			return
		}
		ours := unchunk(t, b, len(b))
		for i := range b {
			if other := unchunk(t, b, i); other.String() != ours.String() {
				t.Fatalf("%q\nat once:     %v\nsplit at %d: %v", b, ours, i, other)
			}
		}
		if !ours.done {
			return
		}
		m, n, err := strictly(b)
		if err != nil && !excused(err, chunkExceptions) {
			t.Fatalf("%q is taken, and strict says %v", b, err)
		}
		if err == nil && (n != ours.used || !bytes.Equal(m.Body, ours.data) || !slices.Equal(m.Trailers, ours.trailers)) {
			t.Fatalf("%q\nhttp1:  %v\nstrict: %q %q %d", b, ours, m.Body, m.Trailers, n)
		}
		out := chunked(ours)
		m, n, err = strictly(out)
		if err != nil || n != len(out) || !bytes.Equal(m.Body, ours.data) {
			t.Fatalf("%q is passed on as %q, in which strict reads %v, %d bytes: %v", b, out, m, n, err)
		}
	})
}
