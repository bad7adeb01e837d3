package transport

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/lb"
	"poise/internal/record"
	"poise/internal/socket"
	"poise/internal/stats"
)

// shards is how many lists the idle connections of a pool are spread over, so
// that downstream connections rarely meet at one lock. A power of two.
const shards = 8

// minKeepalive is how far a pool lowers its idle time when it finds that its
// endpoint closes earlier.
const minKeepalive = time.Second

// Pool keeps the connections to one endpoint.
type Pool struct {
	address   string
	transport *Transport
	options   atomic.Pointer[Options]
	keepalive atomic.Int64 // the idle time learnt, nanoseconds; at most that of the options

	idle  [shards]shard
	waits atomic.Int32 // connections that wait in all shards

	Dialed  Counts
	refused refused

	mu     sync.Mutex
	open   map[*conn]struct{} // every connection, for the sweep
	closed atomic.Bool        // set under mu, so that none is registered after it
}

// Counts are what a pool counts.
type Counts struct {
	Connections record.Counter // made
	Stale       record.Counter // found closed or dirty when they were to be used
}

type shard struct {
	mu    sync.Mutex
	conns []*conn // newest last
	_     [32]byte
}

// Configure changes what the pool goes by from now on.
func (p *Pool) Configure(o Options) {
	o = o.withDefaults()
	p.options.Store(&o)
	p.keepalive.Store(int64(o.Keepalive))
}

// Idle returns the number of connections that wait.
func (p *Pool) Idle() int { return int(p.waits.Load()) }

// Open returns the number of connections.
func (p *Pool) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// Get returns a stream on a connection that waits, or on a new one. number is
// the downstream connection's: it looks at its own shard first. Whether a
// connection that waited still stands is seen when the request is sent, and
// mended there. The error is an *Error.
func (p *Pool) Get(ctx context.Context, number uint64) (Stream, error) {
	c := p.waiting(number, p.transport.coarse())
	if c == nil {
		l, err := p.dial(ctx)
		if err != nil {
			return nil, err
		}
		c = newConn(p, l)
		if !p.register(c) {
			l.Close()
			return nil, &Error{Op: "connect", Outcome: lb.Connect, Err: net.ErrClosed}
		}
	}
	c.begin(number)
	return c, nil
}

// waiting takes a connection that waited, nil when there is none.
func (p *Pool) waiting(number uint64, now stats.Instant) *conn {
	for range 2 * shards {
		c := p.take(number)
		if c == nil || c.fresh(now) {
			return c
		}
		c.close()
	}
	return nil
}

// another returns a connection for an exchange whose own was stale.
func (p *Pool) another(number uint64, now stats.Instant) (*link, error) {
	c := p.waiting(number, now)
	if c == nil {
		return p.dial(context.Background())
	}
	p.forget(c)
	return c.link.Load(), nil
}

// register makes a connection known to the sweep; it fails when the pool is
// closed.
func (p *Pool) register(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *Pool) forget(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *Pool) take(number uint64) *conn {
	if p.waits.Load() == 0 {
		return nil
	}
	for i := range uint64(shards) {
		s := &p.idle[(number+i)%shards]
		s.mu.Lock()
		if n := len(s.conns); n > 0 {
			c := s.conns[n-1]
			s.conns[n-1] = nil
			s.conns = s.conns[:n-1]
			s.mu.Unlock()
			p.waits.Add(-1)
			return c
		}
		s.mu.Unlock()
	}
	return nil
}

// put takes a connection back, or closes it when enough wait already.
func (p *Pool) put(c *conn) {
	o := p.options.Load()
	l := c.link.Load()
	l.idleSince = p.transport.coarse()
	if int(p.waits.Load()) >= o.Idle || l.idleSince.Sub(l.born) > o.Lifetime {
		c.close()
		return
	}
	s := &p.idle[c.number%shards]
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	p.waits.Add(1)
	if p.closed.Load() { // Close may have emptied the shard before the append
		p.closeIdle(func(*conn) bool { return true })
	}
}

// learn lowers the idle time when a connection was found closed after a
// shorter wait: the endpoint's own limit must be below it.
func (p *Pool) learn(waited time.Duration) {
	p.Dialed.Stale.Add(1)
	if lower := max(waited*8/10, minKeepalive); lower < time.Duration(p.keepalive.Load()) {
		p.keepalive.Store(int64(lower))
	}
}

func (p *Pool) dial(ctx context.Context) (*link, error) {
	if err := p.refused.mayDial(p.transport.now); err != nil {
		return nil, err
	}
	o := p.options.Load()
	d := net.Dialer{Timeout: o.Connect, KeepAlive: 30 * time.Second}
	nc, err := d.DialContext(ctx, "tcp", p.address)
	p.refused.dialed(err, p.transport.now)
	if err != nil {
		return nil, connectError(err)
	}
	s, err := socket.New(nc.(*net.TCPConn))
	if err != nil {
		nc.Close()
		return nil, &Error{Op: "connect", Outcome: lb.Connect, Err: err}
	}
	p.Dialed.Connections.Add(1)
	return &link{Conn: s, born: p.transport.coarse()}, nil
}

// Close closes the connections that wait; one in use is closed when its
// exchange ends.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed.Store(true)
	p.mu.Unlock()
	p.closeIdle(func(*conn) bool { return true })
	t := p.transport
	t.mu.Lock()
	delete(t.pools, p)
	t.mu.Unlock()
}

// sweep fires timeouts and closes what waited too long or was closed by the
// endpoint meanwhile.
func (p *Pool) sweep(now stats.Instant) {
	p.mu.Lock()
	for c := range p.open {
		c.expire(now)
	}
	p.mu.Unlock()
	limit := time.Duration(p.keepalive.Load())
	p.closeIdle(func(c *conn) bool {
		return now.Sub(c.link.Load().idleSince) > limit || !c.quiet()
	})
}

func (p *Pool) closeIdle(condition func(*conn) bool) {
	for i := range p.idle {
		s := &p.idle[i]
		s.mu.Lock()
		kept := s.conns[:0]
		for _, c := range s.conns {
			if condition(c) {
				p.waits.Add(-1)
				c.close()
				continue
			}
			kept = append(kept, c)
		}
		clear(s.conns[len(kept):])
		s.conns = kept
		s.mu.Unlock()
	}
}
