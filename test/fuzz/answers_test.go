package fuzz

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"

	"poise/internal/http1"
	"poise/internal/message"
	"poise/test/conformance/strict"
)

var answerExceptions = append([]exception{
	{"no space behind the status", "many servers leave it out; it is written anew with one"},
	{"Transfer-Encoding in a ", "is dropped, and the connection is not used again"},
	{"Content-Length in a ", "the same"},
	{"426 without Upgrade", "is passed on: only the endpoint knows to what"},
}, chunkExceptions...)

func answerOf(t *testing.T, b []byte, method string) (h message.Head, n int) {
	t.Helper()
	var p http1.HeadParser
	n, err := p.Response(b, http1.Limits{}, []byte(method), &h)
	for i := range b {
		var p http1.HeadParser
		var split message.Head
		m, refusal := p.Response(b[:i], http1.Limits{}, []byte(method), &split)
		if m == 0 && refusal == nil {
			m, refusal = p.Response(b, http1.Limits{}, []byte(method), &split)
		}
		if o := (http1.ResponseOptions{}); m != n || (refusal == nil) != (err == nil) ||
			n > 0 && !bytes.Equal(http1.AppendResponse(nil, &split, o), http1.AppendResponse(nil, &h, o)) {
			t.Fatalf("%q: %d %v; split at %d: %d %v", b, n, err, i, m, refusal)
		}
	}
	return h, n
}

func FuzzAnswerAgainstOthers(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1", "HTTP/1.1 200\r\n\r\nuntil the end", "HTTP/1.9 304 X\r\nContent-Length: 7\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n", "HTTP/1.1 204 X\r\nContent-Length: 7\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\nraw",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive, x\r\nx: y\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 426 X\r\n\r\n",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, toHead bool) {
		method := http.MethodGet
		if toHead {
			method = http.MethodHead
		}
		if len(b) > longest {
			return
		}
		head, n := answerOf(t, b, method)
		if n == 0 {
			return
		}
		body, whole := bodyOf(t, b[n:], &head)
		if !whole {
			return
		}
		plain := bytes.Clone(b)
		plain[7] = min(plain[7], '1') // a minor version above 1 is understood as 1
		c := strict.Context{Method: method, Closed: true}
		m, used, err := strict.Answer(plain, c)
		if err != nil && !excused(err, answerExceptions) {
			t.Fatalf("%q is taken, and strict says %v", b, err)
		}
		if err == nil && (used != n+body.used || m.Status != head.Status || !bytes.Equal(m.Body, body.data) ||
			!slices.Equal(m.Trailers, body.trailers) || !slices.Equal(answerFields(m), asStrict(head.Fields))) {
			t.Fatalf("%q\nhttp1:  %+v\n%v\nstrict: %+v", b, head, body, m)
		}
		answerPassedOn(t, &head, body, c)
	})
}

func answerFields(m *strict.Message) []strict.Field { return endToEnd(m, m.Fields) }

// answerPassedOn checks what the proxy makes of an answer with both readers.
func answerPassedOn(t *testing.T, h *message.Head, body decoded, c strict.Context) {
	t.Helper()
	out := http1.AppendResponse(nil, h, http1.ResponseOptions{})
	if h.Framing == message.Stream {
		out = append(out, chunked(body)...)
	} else {
		out = append(out, body.data...)
	}
	m, n, err := strict.Answer(out, c)
	switch {
	case err != nil && !excused(err, answerExceptions[3:4]):
		t.Fatalf("passed on is %q, and strict says %v", out, err)
	case err == nil && (n != len(out) || m.Status != h.Status || !bytes.Equal(m.Body, body.data) ||
		!slices.Equal(answerFields(m), asStrict(h.Fields))):
		t.Fatalf("passed on is %q, in which strict reads %+v, %d bytes", out, m, n)
	}
	if h.Status == http.StatusSwitchingProtocols {
		return // bytes of a tunnel follow, which net/http gives as a body
	}
	in := bufio.NewReader(bytes.NewReader(out))
	r, err := http.ReadResponse(in, &http.Request{Method: c.Method})
	if err != nil {
		if !excused(err, netHTTPExceptions[1:]) {
			t.Fatalf("passed on is %q, and net/http says %v", out, err)
		}
		return
	}
	data, err := io.ReadAll(r.Body)
	rest, _ := io.ReadAll(in)
	if err != nil || !bytes.Equal(data, body.data) || len(rest) > 0 || r.StatusCode != h.Status {
		t.Fatalf("passed on is %q, in which net/http reads %+v, %q, then %q: %v", out, r, data, rest, err)
	}
}
