package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestEveryAnswerIsWhole(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() { _ = accept(ln) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for _, tt := range []struct {
		name, request string
		bytes         int64
	}{
		{"a small one", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 14},
		{"64 KiB", "GET /64k HTTP/1.1\r\nHost: a\r\n\r\n", 64 << 10},
		{"10 MiB", "GET /10m HTTP/1.1\r\nHost: a\r\n\r\n", 10 << 20},
		{"a stream", "GET /chunked HTTP/1.1\r\nHost: a\r\n\r\n", chunks * chunkSize},
		{"after a body as long as the buffer and more", "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n" + strings.Repeat("\r\n\r\n", 25000), 14},
		{"after a body that came with its head, and one more", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloGET /64k HTTP/1.1\r\n\r\n", 14},
		{"the one more", "", 64 << 10},
	} {
		if _, err := io.WriteString(c, tt.request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != tt.bytes || err != nil {
			t.Errorf("%s: %d bytes, %v; want %d", tt.name, n, err, tt.bytes)
		}
	}
}
