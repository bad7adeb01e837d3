package fuzz

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"

	"poise/internal/http1"
	"poise/internal/message"
	"poise/test/conformance/strict"
)

var requestExceptions = append([]exception{
	{"the target names ", "the URL replaces Host, RFC 9112 section 3.2.2"},
	{"the Host \"[", "an IP literal is checked by its letters only; it is passed on and never dialled"},
	{"the authority \"[", "the same, in a URL"},
	{"CONNECT to \"[", "the same; CONNECT is never passed on"},
}, chunkExceptions...)

var netHTTPExceptions = []exception{
	{"parse ", "a target need not be a URL that Go can parse: its bytes are passed on as they came"},
	{"bad trailer key", "what Trailer announces is passed on; such a trailer itself is dropped"},
}

// requestOf parses b at once and at every split.
func requestOf(t *testing.T, b []byte) (h message.Head, n int) {
	t.Helper()
	var p http1.HeadParser
	n, r := p.Request(b, http1.Limits{}, &h)
	for i := range b {
		var p http1.HeadParser
		var split message.Head
		m, refusal := p.Request(b[:i], http1.Limits{}, &split)
		if m == 0 && refusal == nil {
			m, refusal = p.Request(b, http1.Limits{}, &split)
		}
		if m != n || refusal != r || n > 0 && !bytes.Equal(http1.AppendRequest(nil, &split), http1.AppendRequest(nil, &h)) {
			t.Fatalf("%q: %d %v; split at %d: %d %v", b, n, r, i, m, refusal)
		}
	}
	return h, n
}

// bodyOf reads the body behind a head. ok is false unless it is whole.
func bodyOf(t *testing.T, b []byte, h *message.Head) (d decoded, ok bool) {
	t.Helper()
	switch h.Framing {
	case message.Stream:
		d = unchunk(t, b, len(b))
		return d, d.done
	case message.Length:
		if int64(len(b)) < h.Length {
			return d, false
		}
		d.data, d.used = b[:h.Length], int(h.Length)
	case message.UntilEOF:
		d.data, d.used = b, len(b)
	}
	return d, true
}

// plainLine takes away what http1 understands beyond the strict grammar: the
// empty line in front, and a minor version above 1 (RFC 9112 section 2.2,
// RFC 9110 section 2.5).
func plainLine(b []byte) (plain []byte, leading int) {
	plain = bytes.Clone(b)
	if bytes.HasPrefix(b, []byte("\r\n")) {
		plain, leading = plain[2:], 2
	}
	if i := bytes.IndexByte(plain, '\r') - 1; i > 0 && plain[i] > '1' {
		plain[i] = '1'
	}
	return plain, leading
}

func FuzzRequestAgainstOthers(f *testing.F) {
	const h = "Host: a\r\n"
	for _, s := range []string{
		"GET / HTTP/1.1\r\n" + h + "\r\n", "\r\nGET http://b?c HTTP/1.9\r\n" + h + "\r\n", "OPTIONS * HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\n" + h + "Content-Length: 5\r\n\r\nhelloGET /", "CONNECT [::1]:1 HTTP/1.1\r\n" + h + "\r\n",
		"POST /%zz HTTP/1.1\r\n" + h + "Transfer-Encoding: chunked\r\nTrailer: x\r\n\r\n1;a\r\nx\r\n0\r\nX: y\r\n\r\nGET /",
		"GET / HTTP/1.1\r\n" + h + "Upgrade: a\r\nConnection: upgrade, x\r\nX: y\r\nTE: trailers\r\nExpect: 100-continue\r\n\r\n",
		"GET / HTTP/1.1\r\n" + h + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "GET / HTTP/1.1\nHost: [:]\n\n",
		"GET / HTTP/1.1\r\n" + h + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\n" + h + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > longest {
			return
		}
		head, n := requestOf(t, b)
		if n == 0 {
			return
		}
		body, whole := bodyOf(t, b[n:], &head)
		plain, leading := plainLine(b)
		m, used, err := strict.Request(plain)
		if !whole {
			if err == nil && body.fault == "" {
				t.Fatalf("%q goes on, and for strict it is whole", b)
			}
			if m != nil && body.fault == "" && !errors.Is(err, strict.ErrMore) && !excused(err, requestExceptions) {
				t.Fatalf("the head of %q is taken, and strict says %v", b, err)
			}
			return
		}
		if err != nil && !excused(err, requestExceptions) {
			t.Fatalf("%q is taken, and strict says %v", b, err)
		}
		if err == nil {
			sameAsStrict(t, &head, body, m)
			if used+leading != n+body.used {
				t.Fatalf("%q ends at %d, for strict at %d", b, n+body.used, used+leading)
			}
		}
		if string(head.Method) == "CONNECT" {
			return // is never passed on
		}
		passedOn(t, &head, body)
	})
}

func sameAsStrict(t *testing.T, h *message.Head, body decoded, m *strict.Message) {
	t.Helper()
	if m.Method != string(h.Method) || !bytes.Equal(m.Body, body.data) || !slices.Equal(m.Trailers, body.trailers) ||
		m.Chunked != (h.Framing == message.Stream) || !slices.Equal(endToEnd(m, m.Fields), asStrict(h.Fields)) ||
		h.Framing == message.Length && m.Length != h.Length || len(h.Scheme) == 0 && h.Path != nil && m.Target != string(h.Path) {
		t.Fatalf("http1:  %+v\n%v\nstrict: %+v", h, body, m)
	}
}

// passedOn checks what the proxy makes of a request with both readers.
func passedOn(t *testing.T, h *message.Head, body decoded) {
	t.Helper()
	out := http1.AppendRequest(nil, h)
	if h.Framing == message.Stream {
		out = append(out, chunked(body)...)
	} else {
		out = append(out, body.data...)
	}
	m, n, err := strict.Request(out)
	switch {
	case err != nil && !excused(err, requestExceptions[1:2]):
		t.Fatalf("passed on is %q, and strict says %v", out, err)
	case err == nil && (n != len(out) || m.Target != string(h.Path) || m.Values("Host")[0] != string(h.Authority) || m.Method != string(h.Method) ||
		!bytes.Equal(m.Body, body.data) || len(m.Leaks()) > 0 || !slices.Equal(endToEnd(m, m.Fields), asStrict(h.Fields))):
		t.Fatalf("passed on is %q, in which strict reads %+v, %d bytes", out, m, n)
	}
	in := bufio.NewReader(bytes.NewReader(out))
	r, err := http.ReadRequest(in)
	if err != nil {
		if !excused(err, netHTTPExceptions) {
			t.Fatalf("passed on is %q, and net/http says %v", out, err)
		}
		return
	}
	data, err := io.ReadAll(r.Body)
	rest, _ := io.ReadAll(in)
	if err != nil || !bytes.Equal(data, body.data) || len(rest) > 0 || r.Method != string(h.Method) || r.RequestURI != string(h.Path) {
		t.Fatalf("passed on is %q, in which net/http reads %+v, %q, then %q: %v", out, r, data, rest, err)
	}
}
