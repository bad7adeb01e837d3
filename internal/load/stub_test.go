package load

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Worker: s\r\n\r\nok"

// stub is a server whose every answer is known: answer is told the number of
// the request, from 0 in the order of arrival, and returns false to close the
// connection.
type stub struct {
	answer func(n int, c net.Conn) bool

	n          atomic.Int64
	open, most atomic.Int64 // connections, and the most at once
	all        sync.WaitGroup
}

func (s *stub) serve(c net.Conn) {
	defer c.Close()
	open := s.open.Add(1)
	defer s.open.Add(-1)
	for most := s.most.Load(); open > most && !s.most.CompareAndSwap(most, open); {
		most = s.most.Load()
	}
	for r := bufio.NewReader(c); ; {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, q.Body); err != nil {
			return
		}
		if !s.answer(int(s.n.Add(1)-1), c) {
			return
		}
	}
}

// dial connects to the stub inside this process, where a bubble of synctest
// has the clock.
func (s *stub) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	s.all.Go(func() { s.serve(far) })
	return near, nil
}

// listen serves on loopback until the test is over, and returns the URL.
func (s *stub) listen(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.all.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); s.all.Wait() })
	return "http://" + ln.Addr().String() + "/"
}

// say is an answer that keeps the connection.
func say(c net.Conn, text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}
