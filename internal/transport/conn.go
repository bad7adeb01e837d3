package transport

import (
	"sync/atomic"
	"time"

	"poise/internal/buffer"
	"poise/internal/http1"
	"poise/internal/message"
	"poise/internal/socket"
	"poise/internal/stats"
)

// link is a connection to an endpoint.
type link struct {
	*socket.Conn
	born      stats.Instant
	idleSince stats.Instant // 0: it never waited
}

// conn is the exchange that is on a connection. When the connection turns out
// to be stale, before anything was sent, it goes on over another.
type conn struct {
	pool   *Pool
	link   atomic.Pointer[link]
	number uint64 // of the downstream connection that used it last

	method []byte // GET or HEAD: all that the framing of an answer depends on
	parser http1.HeadParser
	head   message.Head
	in     buffer.Buffer // the answer's head and what came with it
	body   http1.BodyReader
	out    http1.BodyWriter

	unproved bool         // nobody has looked yet whether the connection still stands
	held     bool         // the request is whole and gathered: it leaves when the answer is awaited
	sent     atomic.Bool  // the kernel accepted a byte of the request
	sentAt   atomic.Int64 // Instant at which it accepted the last one; 0 while the request is not out whole
	final    bool         // the answer's final head was read
	tunnel   bool
	long     bool   // the last answer was longer than Large: the next one is probably too
	wanted   []byte // the protocols that the request asked to switch to
	asked    int    // bytes of a held request that the kernel took

	deadline atomic.Int64 // Instant at which waiting ends; 0 never, fired when it did
	armed    atomic.Bool  // the descriptor has a deadline for a timeout too short for the sweep
	canceled atomic.Bool
}

// fired in conn.deadline: the sweep ended the wait. The descriptor's own
// deadline is then in the past, and the connection is of no more use.
const fired = -1

func newConn(p *Pool, l *link) *conn {
	c := &conn{pool: p}
	c.link.Store(l)
	return c
}

// begin prepares for an exchange.
func (c *conn) begin(number uint64) {
	c.number = number
	c.parser.Reset()
	c.unproved, c.held = true, false
	c.sent.Store(false)
	c.sentAt.Store(0)
	if c.canceled.Load() { // a store is a locked instruction, a look is not
		c.canceled.Store(false)
	}
	c.final, c.tunnel = false, false
}

// fresh reports whether a connection that waited is young enough to be tried.
func (c *conn) fresh(now stats.Instant) bool {
	return now.Sub(c.link.Load().idleSince) <= time.Duration(c.pool.keepalive.Load())
}

// quiet reports whether the endpoint neither sent nor closed. Bytes that came
// unasked would be read as the next answer.
func (c *conn) quiet() bool { return c.link.Load().Quiet() }

// prove makes sure that the connection still stands before the first byte
// goes out; Ask does the same by itself.
func (c *conn) prove() error {
	for c.unproved {
		if c.quiet() {
			c.unproved = false
			break
		}
		if err := c.replace(); err != nil {
			return err
		}
	}
	return nil
}

// replace goes on over another connection, since this one is stale. One that
// is new and will not do says something about the endpoint.
func (c *conn) replace() error {
	old := c.link.Load()
	now := c.pool.transport.coarse()
	if old.idleSince == 0 {
		return socket.ErrSpoke
	}
	c.pool.learn(now.Sub(old.idleSince))
	next, err := c.pool.another(c.number, now)
	if err != nil {
		return err
	}
	c.link.Store(next)
	old.Close()
	if c.canceled.Load() || c.deadline.Load() == fired { // whoever woke the old one has not seen the new
		c.wake()
	} else if c.armed.Load() {
		c.arm(time.Duration(stats.Instant(c.deadline.Load()).Sub(c.pool.transport.now())))
	}
	return nil
}

// close is called by the one who owns the connection at the time.
func (c *conn) close() {
	c.link.Load().Close()
	c.in.Release()
	c.body.Release()
	c.out.Out.Release()
	c.pool.forget(c)
}

// SetTimeout implements Stream.
func (c *conn) SetTimeout(now stats.Instant, d time.Duration) {
	old := c.deadline.Load()
	if old == fired {
		return
	}
	var at stats.Instant
	if d > 0 {
		at = now.Add(d)
	}
	if !c.deadline.CompareAndSwap(old, int64(at)) {
		return // it fired just now, or the other half of the exchange set it
	}
	if short := d > 0 && d < time.Second; short {
		c.arm(d)
	} else if c.armed.Load() {
		c.disarm()
	}
}

// arm gives the descriptor a deadline of its own.
func (c *conn) arm(d time.Duration) {
	c.armed.Store(true)
	_ = c.link.Load().SetDeadline(time.Now().Add(d))
}

func (c *conn) disarm() {
	c.armed.Store(false)
	_ = c.link.Load().SetDeadline(time.Time{})
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
func (c *conn) wake() { _ = c.link.Load().SetDeadline(time.Unix(1, 0)) }
