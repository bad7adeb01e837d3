package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/balance/catalog"
	"poise/internal/cluster"
	"poise/internal/guard"
	"poise/internal/guard/retry"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/route"
	"poise/internal/stats"
	"poise/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endlessUpload is a POST whose body never ends: after one piece the client
// sends nothing more, until reading is stopped.
type endlessUpload struct {
	head    message.Head
	conn    message.Conn
	sent    bool
	stopped chan struct{}
	stop    sync.Once
	status  int
	body    []byte
	ended   bool
	aborted bool
}

func newEndlessUpload() *endlessUpload {
	return &endlessUpload{
		head: message.Head{
			Method: []byte("POST"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/"),
			Framing: message.Length, Length: 1 << 30,
		},
		conn:    message.Conn{Remote: netip.MustParseAddr("127.0.0.1"), RemoteText: []byte("127.0.0.1"), Scheme: "http"},
		stopped: make(chan struct{}),
	}
}

func (u *endlessUpload) ReadBody() ([]byte, error) {
	if !u.sent {
		u.sent = true
		return []byte("a piece"), nil
	}
	<-u.stopped
	return nil, errors.New("reading was stopped")
}

func (u *endlessUpload) Buffered() bool            { return !u.sent }
func (u *endlessUpload) Trailers() []message.Field { return nil }
func (u *endlessUpload) WriteHead(h *message.Head) error {
	u.status = h.Status
	return nil
}
func (u *endlessUpload) WriteBody(p []byte) error     { u.body = append(u.body, p...); return nil }
func (u *endlessUpload) Flush() error                 { return nil }
func (u *endlessUpload) Finish([]message.Field) error { u.ended = true; return nil }
func (u *endlessUpload) Head() *message.Head          { return &u.head }
func (u *endlessUpload) Conn() *message.Conn          { return &u.conn }
func (u *endlessUpload) Watch(message.Canceler)       {}
func (u *endlessUpload) StopReading()                 { u.stop.Do(func() { close(u.stopped) }) }
func (u *endlessUpload) Abort()                       { u.aborted = true }

// endpoint reads the head of each request and answers at once.
func endpoint(t *testing.T, answer string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, answer)
					_, _ = io.Copy(io.Discard, c)
				}
			})
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return ln.Addr().String()
}

// TestTheHelperEndsWithItsExchange is about the goroutine that sends a body
// while the answer is awaited: Serve must not return before it has ended.
func TestTheHelperEndsWithItsExchange(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		status       int
		body         string
	}{
		{"an answer that comes before the body", "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno\n", 413, "no\n"},
		{"a broken answer", "SSH-2.0-x\r\n\r\n", 502, ""},
	} {
		began := time.Now()
		now := func() stats.Instant { return stats.Instant(time.Since(began)) + 1 }
		tr := transport.New(now)
		ctx, cancel := context.WithCancel(context.Background())
		var swept sync.WaitGroup
		swept.Go(func() { tr.Run(ctx) })
		p := New(Options{Now: now, Wall: time.Now, Seed: func() uint64 { return 1 }, Book: &record.Book{}, Log: slog.New(slog.DiscardHandler)})
		p.Publish(oneRoute(t, tr, endpoint(t, test.answer)))
		u := newEndlessUpload()
		p.Handler("l").Serve(u)
		if u.status != test.status || !u.ended && !u.aborted {
			t.Errorf("%s: status %d, ended %v, aborted %v; want %d", test.name, u.status, u.ended, u.aborted, test.status)
		}
		if test.body != "" && string(u.body) != test.body {
			t.Errorf("%s: body %q", test.name, u.body)
		}
		select {
		case <-u.stopped:
		default:
			t.Errorf("%s: the client's body is still read", test.name)
		}
		cancel()
		swept.Wait()
	}
}

func oneRoute(t *testing.T, tr *transport.Transport, address string) *Table {
	t.Helper()
	c := cluster.New(cluster.Options{
		Name: "web", Policy: "random", Builders: catalog.Builders(), Wall: time.Now,
		Attach: func(e *lb.Endpoint) (any, func()) {
			p := tr.Pool(e.Address, transport.Options{})
			return p, p.Close
		},
	}, []cluster.Spec{{Address: address}})
	routes, err := route.Compile([]route.Spec{{To: []route.Target{{Cluster: "web", Weight: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	up := &Upstream{
		Name: "web", Cluster: c, Attempts: &record.Attempts{}, Guard: guard.New(guard.Options{}, retry.NewBudget(0.2)),
		Timeouts: Timeouts{Head: 5 * time.Second, Between: 5 * time.Second},
	}
	return &Table{Routes: routes, Targets: [][]*Upstream{{up}}}
}
