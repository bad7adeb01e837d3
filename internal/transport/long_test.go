package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"poise/internal/buffer"
	"poise/internal/message"
	"poise/internal/stats"
)

// TestAfterALongAnswerTheNextIsReadInLargerPieces has an endpoint that answers
// with lengths in turn.
func TestAfterALongAnswerTheNextIsReadInLargerPieces(t *testing.T) {
	lengths := []int{40 << 10, 40 << 10, 10, 10}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for _, n := range lengths {
			if _, err := c.Read(make([]byte, 4096)); err != nil {
				return
			}
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, make([]byte, n))
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := New(func() stats.Instant { return 1 })
	pool := tr.Pool(ln.Addr().String(), Options{})
	defer pool.Close()
	for i, want := range []int{buffer.Large, buffer.Huge, buffer.Huge, buffer.Large} {
		s, err := pool.Get(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		c := s.(*conn)
		if err := c.WriteHead(&message.Head{Method: []byte("GET"), Path: []byte("/"), Authority: []byte("a")}); err != nil {
			t.Fatal(err)
		}
		if err := c.Finish(nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.ReadHead(); err != nil {
			t.Fatal(err)
		}
		if got := c.in.Cap(); got != want {
			t.Errorf("answer %d was read into %d bytes; want %d", i, got, want)
		}
		for {
			if _, err := c.ReadBody(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		c.Release()
	}
	if pool.Open() != 1 {
		t.Errorf("%d connections are open; want the one that all went over", pool.Open())
	}
}
