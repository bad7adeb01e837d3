package strict

import (
	"errors"
	"strings"
	"testing"
)

const (
	get     = "GET / HTTP/1.1\r\nHost: a\r\n"
	post    = "POST / HTTP/1.1\r\nHost: a\r\n"
	chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
)

func TestRequestsThatAreTaken(t *testing.T) {
	for _, tt := range []struct{ name, text, body, trailer string }{
		{"the least", get + "\r\n", "", ""},
		{"the least of 1.0", "GET / HTTP/1.0\r\n\r\n", "", ""},
		{"an empty value and obs-text", get + "A:\r\nB: \xff\r\n\r\n", "", ""},
		{"an absolute target that agrees with Host", "GET http://A/ HTTP/1.1\r\nHost: a\r\n\r\n", "", ""},
		{"OPTIONS of the server", "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "", ""},
		{"a length", post + "Content-Length: 3\r\n\r\nabc", "abc", ""},
		{"chunks", chunked + "1\r\na\r\n00002;x;y=z;q=\"a\\\"b\"\r\nbc\r\n0\r\nX: y\r\n\r\n", "abc", "y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, n, err := Request([]byte(tt.text + "GET"))
			if err != nil || n != len(tt.text) || !m.Whole || string(m.Body) != tt.body || strings.Join(m.TrailerValues("x"), "") != tt.trailer {
				t.Fatalf("got %+v, %d of %d bytes, %v", m, n, len(tt.text), err)
			}
			for cut := range len(tt.text) {
				if _, _, err := Request([]byte(tt.text[:cut])); !errors.Is(err, ErrMore) {
					t.Fatalf("cut at %d: %v; want more", cut, err)
				}
			}
		})
	}
}

func TestRequestsWithAFault(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"LF alone", "GET / HTTP/1.1\nHost: a\r\n\r\n", "LF without a CR"},
		{"LF alone at the end", get + "\n", "LF without a CR"},
		{"CR alone", get + "A: b\rc\r\n\r\n", "CR stands alone"},
		{"CR alone before any LF", "GET / HTTP/1.1\rHost: a", "CR stands alone"},
		{"two spaces", "GET  / HTTP/1.1\r\n", "three words"},
		{"another version", "GET / HTTP/1.2\r\n", "version"},
		{"a fold", get + " b\r\n\r\n", "folded"},
		{"space before the colon", get + "A : b\r\n\r\n", "no token"},
		{"NUL", get + "A: b\x00\r\n\r\n", "control byte"},
		{"no colon", get + "A\r\n\r\n", "no colon"},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", "no Host"},
		{"two Hosts", get + "Host: a\r\n\r\n", "2 Host"},
		{"a bad Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "the Host"},
		{"a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "the Host"},
		{"a fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "0x23"},
		{"an asterisk", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "target *"},
		{"a target that contradicts Host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "names"},
		{"both framings", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "Content-Length and"},
		{"two lengths", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "2 Content-Length"},
		{"a list of lengths", post + "Content-Length: 3, 3\r\n\r\nabc", "Content-Length:"},
		{"a sign", post + "Content-Length: +3\r\n\r\nabc", "Content-Length:"},
		{"too large a length", post + "Content-Length: 9223372036854775808\r\n\r\n", "Content-Length:"},
		{"two codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding:"},
		{"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0"},
		{"LF behind a size", chunked + "1\na\r\n0\r\n\r\n", "LF without a CR"},
		{"LF in an extension", chunked + "1;\na\r\n0\r\n\r\n", "LF without a CR"},
		{"no size", chunked + "\r\n", "chunk size"},
		{"a size with a space", chunked + "1 \r\na\r\n", "chunk size"},
		{"a negative size", chunked + "-1\r\na\r\n", "chunk size"},
		{"a size beyond 2^63", chunked + "ffffffffffffffff\r\n", "chunk size"},
		{"a bad extension", chunked + "1;=a\r\na\r\n", "chunk extension"},
		{"bad white space", chunked + "1; a\r\na\r\n", "chunk extension"},
		{"data too long", chunked + "1\r\nabc", "followed by"},
		{"a trailer that frames", chunked + "0\r\nContent-Length: 1\r\n\r\n", "in a trailer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Request([]byte(tt.text))
			var f *Fault
			if !errors.As(err, &f) || !strings.Contains(f.Text, tt.want) {
				t.Errorf("%q: %v; want a fault about %q", tt.text, err, tt.want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		c          Context
		body, want string // want is the fault; "more"
	}{
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", Context{}, "ab", ""},
		{"no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Context{}, "", ""},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", Context{Method: "HEAD"}, "", ""},
		{"interim", "HTTP/1.1 103 \r\nLink: a\r\n\r\n", Context{}, "", ""},
		{"until the end", "HTTP/1.0 200 OK\r\n\r\nab", Context{Closed: true}, "ab", ""},
		{"not yet the end", "HTTP/1.0 200 OK\r\n\r\nab", Context{}, "", "more"},
		{"a length cut", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", Context{Closed: true}, "", "more"},
		{"chunks cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", Context{Closed: true}, "", "more"},
		{"no space behind the status", "HTTP/1.1 200\r\n\r\n", Context{}, "", "no space behind"},
		{"four digits", "HTTP/1.1 2000 OK\r\n\r\n", Context{}, "", "three digits"},
		{"no class", "HTTP/1.1 600 OK\r\n\r\n", Context{}, "", "no class"},
		{"chunked 204", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", Context{}, "", "204"},
		{"426 alone", "HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n", Context{}, "", "426"},
		{"101 alone", "HTTP/1.1 101 No\r\n\r\n", Context{}, "", "101"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, n, err := Answer([]byte(tt.text), tt.c)
			switch {
			case tt.want == "" && (err != nil || n != len(tt.text) || string(m.Body) != tt.body):
				t.Errorf("got %+v, %d, %v", m, n, err)
			case tt.want == "more" && !errors.Is(err, ErrMore), tt.want != "" && tt.want != "more" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v; want %q", err, tt.want)
			}
		})
	}
}

func TestLeaks(t *testing.T) {
	m, _, err := Request([]byte(get + "Keep-Alive: 1\r\nTE: trailers\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(m.Leaks(), "; "); got != "Keep-Alive; TE without Connection: TE" {
		t.Errorf("leaks: %s", got)
	}
}
