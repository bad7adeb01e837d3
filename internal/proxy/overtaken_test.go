package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"poise/internal/balance"
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

// client is an exchange whose request is a POST in two pieces.
type client struct {
	head    message.Head
	conn    message.Conn
	pieces  []string
	answer  message.Head
	stopped bool
	aborted bool
}

func newClient() *client {
	c := &client{pieces: []string{"first", "last!"}}
	c.head.Reset()
	c.head.Method, c.head.Path, c.head.Authority, c.head.Scheme = []byte("POST"), []byte("/"), []byte("a"), []byte("http")
	c.head.Framing, c.head.Length, c.head.Major, c.head.Minor = message.Length, 10, 1, 1
	return c
}

func (c *client) Head() *message.Head       { return &c.head }
func (c *client) Conn() *message.Conn       { return &c.conn }
func (c *client) Watch(message.Canceler)    {}
func (c *client) StopReading()              { c.stopped = true }
func (c *client) Abort()                    { c.aborted = true }
func (c *client) Buffered() bool            { return false }
func (c *client) Trailers() []message.Field { return nil }

func (c *client) ReadBody() ([]byte, error) {
	if len(c.pieces) == 0 {
		return nil, io.EOF
	}
	p := c.pieces[0]
	c.pieces = c.pieces[1:]
	return []byte(p), nil
}

func (c *client) WriteHead(h *message.Head) error { c.answer = *h; return nil }
func (c *client) WriteBody([]byte) error          { return nil }
func (c *client) Flush() error                    { return nil }
func (c *client) Finish([]message.Field) error    { return nil }

// unread is a stream to an endpoint that answers and never reads what was
// sent last: the write blocks until it is cancelled.
type unread struct {
	blocked  chan struct{} // closed once the last piece is being written
	canceled chan struct{}
	once     sync.Once
}

func (u *unread) Get(context.Context, uint64) (transport.Stream, error) { return u, nil }

func (u *unread) WriteHead(*message.Head) error { return nil }
func (u *unread) WriteBody(p []byte) error {
	if string(p) != "last!" {
		return nil
	}
	close(u.blocked)
	<-u.canceled
	return errors.New("canceled")
}
func (u *unread) Flush() error                            { return nil }
func (u *unread) Finish([]message.Field) error            { return nil }
func (u *unread) ReadBody() ([]byte, error)               { return nil, io.EOF }
func (u *unread) Buffered() bool                          { return true }
func (u *unread) Whole() bool                             { return true }
func (u *unread) Gather() error                           { return nil }
func (u *unread) Trailers() []message.Field               { return nil }
func (u *unread) SetTimeout(stats.Instant, time.Duration) {}
func (u *unread) Sent() bool                              { return true }
func (u *unread) SentAt() stats.Instant                   { return 0 }
func (u *unread) Cancel()                                 { u.once.Do(func() { close(u.canceled) }) }
func (u *unread) Release()                                {}
func (u *unread) ReadHead() (*message.Head, error) {
	<-u.blocked
	h := &message.Head{}
	h.Reset()
	h.Status, h.Framing, h.Length = 200, message.Length, 0
	return h, nil
}

// proxyTo returns a handler that sends everything to one endpoint.
func proxyTo(endpoint any, now func() stats.Instant) message.Handler {
	c := cluster.New(cluster.Options{
		Name: "web", Policy: "round-robin", Builders: catalog.Builders(), Balance: balance.Options{}, Panic: 0.5,
		Attach: func(*lb.Endpoint) (any, func()) { return endpoint, func() {} },
		Wall:   time.Now,
	}, []cluster.Spec{{Address: "127.0.0.1:1", Weight: 1}})
	routes, err := route.Compile([]route.Spec{{To: []route.Target{{Cluster: "web", Weight: 1}}}})
	if err != nil {
		panic(err)
	}
	up := &Upstream{Name: "web", Cluster: c, Attempts: &record.Attempts{}, Guard: guard.New(guard.Options{}, retry.NewBudget(0.2))}
	p := New(Options{Now: now, Wall: time.Now, Seed: func() uint64 { return 1 }, Book: &record.Book{}, Log: slog.New(slog.DiscardHandler)})
	p.Publish(&Table{Routes: routes, Targets: [][]*Upstream{{up}}})
	return p.Handler("test")
}

func TestAnEndpointThatAnswersAndReadsNoMoreHoldsTheClientUpForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		u := &unread{blocked: make(chan struct{}), canceled: make(chan struct{})}
		c := newClient()
		proxyTo(u, func() stats.Instant { return stats.Instant(time.Since(began)) + 1 }).Serve(c)
		if took := time.Since(began); took != overtaken {
			t.Errorf("took %v; want %v", took, overtaken)
		}
		if c.answer.Status != 200 || c.stopped || c.aborted {
			t.Errorf("status %d, stopped %t, aborted %t; want 200 and a client whose connection goes on", c.answer.Status, c.stopped, c.aborted)
		}
	})
}
