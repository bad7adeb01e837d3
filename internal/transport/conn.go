package transport

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"poise/internal/buffer"
	"poise/internal/http1"
	"poise/internal/message"
	"poise/internal/stats"
)

// conn is a connection to an endpoint and the exchange that is on it.
type conn struct {
	pool      *Pool
	nc        *net.TCPConn
	raw       syscall.RawConn
	born      stats.Instant
	idleSince stats.Instant
	number    uint64 // of the downstream connection that used it last

	method []byte // GET or HEAD: all that the framing of an answer depends on
	parser http1.HeadParser
	head   message.Head
	in     buffer.Buffer // the answer's head and what came with it
	body   http1.BodyReader
	out    http1.BodyWriter
	vector net.Buffers
	pair   [2][]byte

	sent     atomic.Bool // the kernel accepted a byte of the request
	finished atomic.Bool // the request went out whole
	final    bool        // the answer's final head was read
	tunnel   bool
	asked    []byte // the protocols that the request asked to switch to

	deadline atomic.Int64 // Instant at which waiting ends; 0 never, fired when it did
	armed    atomic.Bool  // the descriptor has a deadline for a timeout too short for the sweep
	canceled atomic.Bool

	peeked  byte
	isQuiet bool
	look    func(fd uintptr) // bound once, so that a look allocates nothing
}

// fired in conn.deadline: the sweep ended the wait. The descriptor's own
// deadline is then in the past, and the connection is of no more use.
const fired = -1

func newConn(p *Pool, nc *net.TCPConn, raw syscall.RawConn) *conn {
	c := &conn{pool: p, nc: nc, raw: raw, born: p.transport.now()}
	c.look = func(fd uintptr) { c.isQuiet = quietSocket(fd, &c.peeked) }
	return c
}

// begin prepares for an exchange.
func (c *conn) begin(number uint64) {
	c.number = number
	c.parser.Reset()
	c.sent.Store(false)
	c.finished.Store(false)
	c.canceled.Store(false)
	c.final, c.tunnel = false, false
}

// usable reports whether a connection that waited can carry an exchange.
func (c *conn) usable(now stats.Instant) bool {
	return now.Sub(c.idleSince) <= time.Duration(c.pool.keepalive.Load()) && c.quiet()
}

// quiet reports whether the endpoint neither sent nor closed. Bytes that came
// unasked would be read as the next answer.
func (c *conn) quiet() bool {
	c.isQuiet = false
	if err := c.raw.Control(c.look); err != nil {
		return false
	}
	return c.isQuiet
}

// close is called by the one who owns the connection at the time.
func (c *conn) close() {
	c.nc.Close()
	c.in.Release()
	c.body.Release()
	c.out.Out.Release()
	c.pool.mu.Lock()
	delete(c.pool.open, c)
	c.pool.mu.Unlock()
}

// SetTimeout implements Stream.
func (c *conn) SetTimeout(d time.Duration) {
	old := c.deadline.Load()
	if old == fired {
		return
	}
	var at stats.Instant
	if d > 0 {
		at = c.pool.transport.now().Add(d)
	}
	if !c.deadline.CompareAndSwap(old, int64(at)) {
		return // it fired just now, or the other half of the exchange set it
	}
	if short := d > 0 && d < time.Second; short || c.armed.Load() {
		c.arm(d, short)
	}
}

// arm gives the descriptor a deadline of its own, or takes it away.
func (c *conn) arm(d time.Duration, short bool) {
	c.armed.Store(short)
	var at time.Time
	if short {
		at = time.Now().Add(d)
	}
	_ = c.nc.SetDeadline(at)
}

// expire ends the wait of an exchange whose time is over.
func (c *conn) expire(now stats.Instant) {
	if d := c.deadline.Load(); d > 0 && int64(now) > d && c.deadline.CompareAndSwap(d, fired) {
		c.wake()
	}
}

// Cancel implements Stream.
func (c *conn) Cancel() {
	c.canceled.Store(true)
	c.wake()
}

// wake makes whoever reads or writes fail at once.
func (c *conn) wake() { _ = c.nc.SetDeadline(time.Unix(1, 0)) }
