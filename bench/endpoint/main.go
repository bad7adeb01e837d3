// Command endpoint is the endpoint of the benchmarks: it does as little as it
// can for a request, so that it is never what is measured.
//
// It answers /64k and /10m with so many bytes, /chunked with a stream of
// chunks, a write each, and everything else with one short line. A request may
// have a body with a Content-Length; it is read and dropped.
package main

import (
	"bytes"
	"flag"
	"log"
	"net"
	"strconv"
	"strings"
)

const (
	chunks    = 16
	chunkSize = 1 << 10
)

var (
	small  = sized("text/plain", []byte("hello, world!\n"))
	kib64  = sized("application/octet-stream", bytes.Repeat([]byte("x"), 64<<10))
	mib10  = sized("application/octet-stream", bytes.Repeat([]byte("x"), 10<<20))
	stream = streamed()
)

func sized(kind string, body []byte) [][]byte {
	return [][]byte{append([]byte("HTTP/1.1 200 OK\r\nContent-Type: "+kind+"\r\nX-Worker: bench\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)}
}

// streamed returns what is written for a stream, a write each.
func streamed() [][]byte {
	writes := [][]byte{[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Worker: bench\r\nTransfer-Encoding: chunked\r\n\r\n")}
	chunk := []byte(strconv.FormatInt(chunkSize, 16) + "\r\n" + strings.Repeat("x", chunkSize) + "\r\n")
	for range chunks {
		writes = append(writes, chunk)
	}
	return append(writes, []byte("0\r\n\r\n"))
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "addresses, separated by commas")
	flag.Parse()
	failed := make(chan error)
	for a := range strings.SplitSeq(*listen, ",") {
		ln, err := net.Listen("tcp", a)
		if err != nil {
			log.Fatal(err)
		}
		go func() { failed <- accept(ln) }()
	}
	log.Fatal(<-failed)
}

func accept(ln net.Listener) error {
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go serve(c)
	}
}

var end = []byte("\r\n\r\n")

// serve answers request after request until the connection ends. It speaks
// the little that the benchmarks send: heads under 4 KiB.
func serve(c net.Conn) {
	defer c.Close()
	var drop []byte // made by the first body
	buf := make([]byte, 4<<10)
	n := 0
	for {
		at := bytes.Index(buf[:n], end)
		if at < 0 {
			m, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			n += m
			continue
		}
		writes, body := answer(buf[:at+2])
		n = copy(buf, buf[at+len(end):n])
		if body > 0 {
			have := min(n, body)
			n = copy(buf, buf[have:n])
			if drop == nil {
				drop = make([]byte, 64<<10)
			}
			if !skip(c, drop, body-have) {
				return
			}
		}
		for _, w := range writes {
			if _, err := c.Write(w); err != nil {
				return
			}
		}
	}
}

func skip(c net.Conn, into []byte, n int) bool {
	for n > 0 {
		m, err := c.Read(into[:min(len(into), n)])
		if err != nil {
			return false
		}
		n -= m
	}
	return true
}

// answer says what to write for a head, and how long its body is.
func answer(head []byte) (writes [][]byte, body int) {
	if bytes.HasPrefix(head, []byte("POST ")) {
		return small, contentLength(head)
	}
	switch {
	case bytes.HasPrefix(head, []byte("GET / ")):
		return small, 0
	case bytes.HasPrefix(head, []byte("GET /64k ")):
		return kib64, 0
	case bytes.HasPrefix(head, []byte("GET /10m ")):
		return mib10, 0
	case bytes.HasPrefix(head, []byte("GET /chunked ")):
		return stream, 0
	}
	return small, 0
}

func contentLength(head []byte) int {
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("content-length")) {
			n, _ := strconv.Atoi(string(bytes.TrimSpace(value)))
			return n
		}
	}
	return 0
}
