package listener

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/buffer"
	"poise/internal/http1"
	"poise/internal/message"
	"poise/internal/socket"
)

// conn is a downstream connection. While it has a goroutine it has what that
// needs to read and answer; without one it is parked.
type conn struct {
	*work
	l    *Listener
	nc   *socket.Conn
	info message.Conn

	reading phaseClock
	writing phaseClock

	stopped atomic.Bool // reading was stopped for good
	gone    bool        // the client left; under mu
	mu      sync.Mutex
	watcher message.Canceler
}

// work is the exchange that is on a connection. One goroutine owns it; a second
// may read the body while the first writes.
type work struct {
	parser http1.HeadParser
	head   message.Head
	in     buffer.Buffer // heads and what comes with them
	body   http1.BodyReader
	out    http1.BodyWriter

	bodyEnded atomic.Bool // the request was read to its end
	bodyBytes int64
	answered  bool // a final head was written
	finished  bool // and its message ended
	closing   bool // no request is served after this one
	refused   bool // what the client sends makes no sense, now or later
	aborted   bool
	tunnel    bool

	refusal *message.Refusal // what is wrong with the request that was read last
	ready   bool             // it is still to be answered
}

func newConn(l *Listener, nc *socket.Conn) *conn {
	c := &conn{work: takeWork(), l: l, nc: nc}
	remote := nc.Remote.Addr()
	l.Accepted.Add(1)
	c.info = message.Conn{
		Number: l.Accepted.Load(), Listener: l.options.Address, Remote: remote,
		RemoteText: []byte(remote.String()), Scheme: "http",
		Trusted: contains(l.options.Trusted, remote), Via: !l.options.HideVia,
	}
	return c
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// serve is the life of the connection, until it is parked.
func (c *conn) serve() {
	c.begin()
	c.run()
}

func (c *conn) run() {
	for {
		switch c.next() {
		case away:
			return // it may be somebody else's already
		case over:
			c.end()
			return
		case came:
			if !c.exchange() {
				c.end()
				return
			}
		}
	}
}

// what came of the wait for a request.
type outcome uint8

const (
	over outcome = iota // none comes
	came                // one is to be answered
	away                // the wait goes on elsewhere: the connection is parked
)

// next answers requests until there is one that cannot be answered where it
// was read, since more of it is to be read, or none.
func (c *conn) next() outcome {
	if c.Took(0) { // what came with the request before
		return c.whether()
	}
	for {
		err := c.nc.Turns(c)
		switch {
		case err == nil:
			return c.whether()
		case c.again(err):
		case c.park(err):
			return away
		case c.in.Len() > 0 || c.stopped.Load() || !errors.Is(err, os.ErrDeadlineExceeded):
			c.late(err)
			return c.whether()
		case !c.reading.expired(): // it could not be parked
		default: // a request may have come just as the wait for it was ended; closing on it would reset it
			came, left := c.nc.Rest(c)
			if left || !came {
				return c.whether()
			}
		}
	}
}

// whether there is a request to be answered.
func (c *conn) whether() outcome {
	if c.ready {
		return came
	}
	return over
}

// exchange has the request that was read answered, and reports whether
// another may follow.
func (c *conn) exchange() bool {
	c.ready = false
	c.enter(serving)
	if c.refusal != nil {
		c.refused, c.closing = true, true
		c.l.handler.Refuse(c, c.refusal)
	} else {
		c.l.handler.Serve(c)
	}
	if !c.settle() {
		return false
	}
	c.begin()
	return true
}

func (c *conn) end() {
	if c.finished && !c.aborted && !c.tunnel && (c.refused || !c.bodyEnded.Load()) {
		c.linger()
	}
	c.nc.Close()
	c.putDown()
	c.l.leave(c)
}

// Room implements socket.Memory. A connection on which nothing comes holds
// none.
func (c *conn) Room() []byte {
	if c.in.Len() == 0 {
		c.in.Hold(buffer.Small)
	} else if len(c.in.Space()) == 0 {
		size := c.in.Cap()
		if c.in.Len() == size {
			size = min(4*size, size+buffer.Huge)
		}
		c.in.Hold(size)
		c.parser.Reset() // memory moved
	}
	return c.in.Space()
}

// Empty implements socket.Memory.
func (c *conn) Empty() {
	if c.in.Len() == 0 {
		c.in.Release()
	}
}

// Took implements socket.Turner: it answers the requests that are whole. It
// leaves with one that is not, or when no more may follow.
func (c *conn) Took(n int) (leave bool) {
	c.in.Added(n)
	for c.in.Len() > 0 {
		if !c.readHead() {
			return false
		}
		if !c.inHand() {
			return true
		}
		if !c.exchange() {
			return true
		}
	}
	return false
}

// readHead reads a head from what came, and reports whether it was all there
// or can be refused.
func (c *conn) readHead() bool {
	n, refusal := c.parser.Request(c.in.Bytes(), c.l.options.Head, &c.head)
	switch {
	case refusal != nil:
		c.refusal = refusal
	case n > 0:
		c.in.Skip(n)
		c.refusal = c.understood()
	default:
		if c.reading.phase() == waiting {
			c.enter(heading)
		}
		return false
	}
	c.ready = true
	return true
}

// inHand reports whether a request can be answered without reading on.
func (c *conn) inHand() bool {
	h := &c.head
	return c.refusal == nil && h.Upgrade == nil &&
		(h.Framing == message.NoBody || h.Framing == message.Length && h.Length <= int64(c.in.Len()))
}

// late says what it means that a head does not come any further: a client that
// is told, or one that left or waited too long to begin.
func (c *conn) late(err error) {
	if c.in.Len() > 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.reading.phase() == heading {
		c.refusal, c.ready = slowHead, true
	}
}

// understood prepares for the body of the head that was just read.
func (c *conn) understood() *message.Refusal {
	h := &c.head
	if h.Scheme == nil {
		h.Scheme = schemeHTTP
	}
	if string(h.Scheme) == "https" && c.info.Scheme == "http" && !c.info.Trusted {
		return notSecured
	}
	if h.Framing == message.NoBody {
		h.Length = 0
	}
	c.body.Reset(h.Framing, h.Length, &c.in)
	c.setEnded(c.body.Ended())
	if limit := c.l.options.BodyBytes; limit > 0 && h.Framing == message.Length && h.Length > limit {
		return tooLarge
	}
	return nil
}

var schemeHTTP = []byte("http")

// begin forgets the exchange before and waits for another.
func (c *conn) begin() {
	c.enter(waiting)
	c.work.begin()
}

func (w *work) begin() {
	w.parser.Reset()
	w.body.Reset(message.NoBody, 0, &w.in)
	w.setEnded(true)
	w.bodyBytes = 0
	w.answered, w.finished, w.closing, w.refused, w.aborted, w.tunnel = false, false, false, false, false, false
	w.refusal, w.ready = nil, false
}

// setEnded says whether the request was read to its end. Nearly all have no
// body, and a store is a locked instruction, a look is not.
func (w *work) setEnded(ended bool) {
	if w.bodyEnded.Load() != ended {
		w.bodyEnded.Store(ended)
	}
}

// settle ends an exchange and reports whether another may follow.
func (c *conn) settle() bool {
	if c.aborted || !c.finished || c.closing || c.tunnel || c.stopped.Load() || !c.bodyEnded.Load() {
		return false
	}
	if c.body.Leftover() == 0 {
		c.in.Release()
	}
	c.out.Out.Release()
	return true
}

// read reads from the socket. A deadline that fires without the time being
// over is a wake-up left from an earlier phase.
func (c *conn) read(p []byte) (int, error) {
	for {
		n, err := c.nc.Read(p)
		if n > 0 || err == nil || !c.again(err) {
			return n, err
		}
	}
}

// again reports whether a failed read is to be tried again.
func (c *conn) again(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || c.stopped.Load() || c.reading.expired() {
		return false
	}
	c.unbind()
	return true
}

// linger lets the client read an answer that came before its request was
// whole: closing with unread bytes would reset the connection and take the
// answer away.
func (c *conn) linger() {
	if c.stopped.Swap(false) {
		_ = c.nc.SetReadDeadline(time.Time{})
	}
	c.enter(lingering)
	if c.nc.CloseWrite() != nil {
		return
	}
	c.in.Release()
	c.in.Hold(buffer.Large)
	for read := 0; read < lingerBytes; {
		n, err := c.read(c.in.Space())
		if err != nil {
			return
		}
		read += n
	}
}
