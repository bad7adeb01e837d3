// Package transport keeps connections to endpoints and makes exchanges over
// them. It speaks HTTP/1.1; other versions will meet the same Stream.
package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"poise/internal/http1"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/stats"
)

// Stream is one exchange with an endpoint, seen from the side that asks.
// One goroutine may write while another reads; before a second one writes,
// the first has flushed.
type Stream interface {
	message.Sink
	message.Source
	// ReadHead waits for the next head: any number with a 1xx status, then
	// one final. It is valid until the stream is released or read again.
	ReadHead() (*message.Head, error)
	// Whole reports whether all of an answer with a length is at hand.
	Whole() bool
	// Gather waits until it is. The caller bounds the length.
	Gather() error
	// SetTimeout bounds every wait from now on; 0 takes the bound away. It
	// fires up to 100 ms late when it is longer than a second.
	SetTimeout(now stats.Instant, d time.Duration)
	// Sent reports whether the endpoint's side accepted a byte.
	Sent() bool
	// SentAt is when it accepted the last byte of the request; 0 before.
	SentAt() stats.Instant
	// Cancel makes every wait fail, from any goroutine.
	Cancel()
	// Release ends the exchange. The connection is kept for another when both
	// messages ended as they should.
	Release()
}

// Options are what a pool goes by. Zero values mean what is said.
type Options struct {
	Connect   time.Duration // to make a connection; 0 means 1s
	Keepalive time.Duration // longest time a connection waits for its next exchange; 0 means 50s
	Idle      int           // most connections that wait; 0 means 256
	Lifetime  time.Duration // age after which a connection is not used again; 0 means 1h
	Limits    http1.Limits  // of an answer's head
}

func (o Options) withDefaults() Options {
	if o.Connect == 0 {
		o.Connect = time.Second
	}
	if o.Keepalive == 0 {
		o.Keepalive = 50 * time.Second
	}
	if o.Idle == 0 {
		o.Idle = 256
	}
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
	}
	return o
}

// Error says what went wrong with an exchange, and for whom it counts.
type Error struct {
	Op      string // "connect", "send", "head" or "body"
	Outcome lb.Outcome
	Local   bool // this process has no descriptors left; it says nothing about the endpoint
	Err     error
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// connectError says for whom it counts that no connection was made.
func connectError(err error) *Error {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return &Error{Op: "connect", Outcome: lb.Canceled, Local: true, Err: err}
	}
	return &Error{Op: "connect", Outcome: lb.Connect, Err: err}
}

// sweepEvery is how often timeouts are looked for. No exchange pays for
// arming a timer; a timeout may be this late.
const sweepEvery = 100 * time.Millisecond

// Transport owns the pools and watches their connections.
type Transport struct {
	now   func() stats.Instant
	tick  atomic.Int64 // now, as of the last sweep
	mu    sync.Mutex
	pools map[*Pool]struct{}
}

// New returns a transport without pools; now is the clock of the process.
func New(now func() stats.Instant) *Transport {
	t := &Transport{now: now, pools: map[*Pool]struct{}{}}
	t.tick.Store(int64(now()))
	return t
}

// coarse is a clock that costs nothing and may be a sweep late.
func (t *Transport) coarse() stats.Instant { return stats.Instant(t.tick.Load()) }

// Pool opens a pool of connections to address (host:port).
func (t *Transport) Pool(address string, o Options) *Pool {
	p := &Pool{address: address, transport: t, open: map[*conn]struct{}{}}
	p.Configure(o)
	t.mu.Lock()
	t.pools[p] = struct{}{}
	t.mu.Unlock()
	return p
}

// Run looks after timeouts and idle connections until ctx is done, then
// closes every pool.
func (t *Transport) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			for _, p := range t.list() {
				p.Close()
			}
			return
		case <-tick.C:
			now := t.now()
			t.tick.Store(int64(now))
			for _, p := range t.list() {
				p.sweep(now)
			}
		}
	}
}

func (t *Transport) list() []*Pool {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*Pool, 0, len(t.pools))
	for p := range t.pools {
		all = append(all, p)
	}
	return all
}
