package transport

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// An endpoint that speaks, or closes, on a new connection before it is asked
// anything has failed. It is not asked, and nobody spins over it.
func TestNewConnectionThatIsNotSilentFails(t *testing.T) {
	for name, greet := range map[string]func(net.Conn){
		"speaks": func(peer net.Conn) { _, _ = peer.Write([]byte("220 ready\r\n")) },
		"closes": func(peer net.Conn) { peer.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			tr := New(func() stats.Instant { return 1 })
			s, err := tr.Pool(ln.Addr().String(), Options{}).Get(context.Background(), 1)
			if err != nil {
				t.Fatal(err)
			}
			c := s.(*conn)
			defer c.close()
			peer, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			greet(peer)
			for c.quiet() { // it is on its way
				time.Sleep(time.Millisecond)
			}
			c.held = true
			c.out.Out.Append([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
			answered := make(chan error, 1)
			go func() { _, err := c.ReadHead(); answered <- err }()
			select {
			case err := <-answered:
				var e *Error
				if !errors.As(err, &e) || e.Outcome != lb.Reset {
					t.Errorf("%v; want a reset", err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("no end after 5 s")
			}
			if c.sent.Load() {
				t.Error("it was asked")
			}
		})
	}
}
