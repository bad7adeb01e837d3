package transport

import (
	"errors"
	"io"
	"os"

	"poise/internal/buffer"
	"poise/internal/http1"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/socket"
	"poise/internal/stats"
)

var (
	methodGet  = []byte("GET")
	methodHead = []byte("HEAD")
)

var errUnaskedTunnel = errors.New("101 without a request for it, or to another protocol than was asked for")

// WriteHead implements message.Sink.
func (c *conn) WriteHead(h *message.Head) error {
	c.method = methodGet
	if string(h.Method) == "HEAD" {
		c.method = methodHead
	}
	c.wanted = h.Upgrade
	c.out.Out.Bytes = http1.AppendRequest(c.out.Out.Open(), h)
	c.out.Reset(h.Framing, h.Length)
	return nil
}

// WriteBody implements message.Sink.
func (c *conn) WriteBody(p []byte) error { return c.failed("send", c.out.Write(wire{c}, p)) }

// Flush implements message.Sink.
func (c *conn) Flush() error { return c.failed("send", c.out.Flush(wire{c})) }

// Finish implements message.Sink. A request that is gathered whole leaves only
// when its answer is awaited: then sending and waiting are one call.
func (c *conn) Finish(trailers []message.Field) error {
	if c.gathered(trailers) {
		c.held = true
		return nil
	}
	if err := c.out.Finish(wire{c}, trailers); err != nil {
		return c.failed("send", err)
	}
	c.wholeSent()
	if c.tunnel {
		return c.failed("send", c.link.Load().CloseWrite())
	}
	return nil
}

// gathered reports whether all of the request is in the buffer, and nothing
// more is to be put there.
func (c *conn) gathered(trailers []message.Field) bool {
	return !c.sent.Load() && len(trailers) == 0 && c.out.Complete()
}

func (c *conn) wholeSent() {
	c.sentAt.Store(int64(max(c.pool.transport.now(), 1)))
}

// Sent implements Stream.
func (c *conn) Sent() bool { return c.sent.Load() }

// SentAt implements Stream.
func (c *conn) SentAt() stats.Instant { return stats.Instant(c.sentAt.Load()) }

// wire writes to the connection and notes that a byte was accepted.
type wire struct{ c *conn }

func (w wire) Write(p []byte) (int, error) { return w.send(p, nil) }

func (w wire) WriteTwo(a, b []byte) error {
	_, err := w.send(a, b)
	return err
}

func (w wire) send(a, b []byte) (int, error) {
	if err := w.c.prove(); err != nil {
		return 0, err
	}
	n, err := w.c.link.Load().Send(a, b)
	if n > 0 {
		w.c.sent.Store(true)
	}
	return n, err
}

// ask sends a request that is held and reads the first of the answer.
func (c *conn) ask() error {
	c.held = false
	p := c.out.Out.Bytes
	n, err := c.link.Load().Ask(p, asker{c})
	for errors.Is(err, socket.ErrSpoke) {
		if err := c.replace(); err != nil { // ErrSpoke too, of a connection that is new
			return err
		}
		n, err = c.link.Load().Ask(p, asker{c})
	}
	c.unproved = false
	c.in.Added(n)
	if err == nil && c.sentAt.Load() == 0 { // the kernel took part of it
		_, err = c.link.Load().Send(p[c.asked:], nil)
		c.wholeSent()
	}
	c.out.Out.Empty()
	return err
}

// asker receives what Ask has to say.
type asker struct{ c *conn }

// Room implements socket.Memory.
func (a asker) Room() []byte {
	size := buffer.Large
	if a.c.long { // its head and much of its body in one read, and then in one write
		size = buffer.Huge
	}
	a.c.in.Hold(size)
	return a.c.in.Space()
}

// Empty implements socket.Memory.
func (a asker) Empty() { a.c.in.Release() }

// Sent implements socket.Asker.
func (a asker) Sent(n int) {
	c := a.c
	c.sent.Store(true)
	c.asked = n
	if n == len(c.out.Out.Bytes) {
		c.wholeSent()
	}
}

// ReadHead implements Stream.
func (c *conn) ReadHead() (*message.Head, error) {
	if c.held {
		if err := c.ask(); err != nil {
			return nil, c.failed("head", err)
		}
	}
	for {
		if c.in.Len() > 0 {
			n, err := c.parser.Response(c.in.Bytes(), c.pool.options.Load().Limits, c.method, &c.head)
			if err != nil {
				return nil, &Error{Op: "head", Outcome: lb.Malformed, Err: err}
			}
			if n > 0 {
				if c.head.Framing == message.TunnelRaw && !http1.Offered(c.wanted, c.head.Upgrade) {
					return nil, &Error{Op: "head", Outcome: lb.Malformed, Err: errUnaskedTunnel}
				}
				c.in.Skip(n)
				c.begun()
				if !c.final {
					c.parser.Reset() // another head follows
				}
				return &c.head, nil
			}
		}
		if err := c.fillHead(); err != nil {
			return nil, c.failed("head", err)
		}
	}
}

// begun prepares for what follows the head that was just read.
func (c *conn) begun() {
	h := &c.head
	if h.Status < 200 && h.Framing != message.TunnelRaw {
		return
	}
	c.final = true
	c.long = h.Framing == message.Length && h.Length > buffer.Large
	c.pool.refused.answered()
	c.body.Reset(h.Framing, h.Length, &c.in)
	if h.Framing == message.TunnelRaw {
		c.tunnel = true
		c.out.Reset(message.TunnelRaw, 0)
	}
}

// fillHead reads more of a head.
func (c *conn) fillHead() error {
	if c.in.Cap() == 0 {
		c.in.Hold(buffer.Large)
	} else if len(c.in.Space()) == 0 {
		c.in.Hold(max(c.in.Cap(), 2*c.in.Len()))
		c.parser.Reset() // memory moved
	}
	n, err := c.link.Load().Read(c.in.Space())
	c.in.Added(n)
	if n > 0 {
		return nil
	}
	return err
}

// ReadBody implements message.Source.
func (c *conn) ReadBody() ([]byte, error) {
	p, err := c.body.Next(c.link.Load())
	if err == io.EOF {
		return nil, io.EOF
	}
	return p, c.failed("body", err)
}

// Whole implements Stream.
func (c *conn) Whole() bool { return c.body.Whole() }

// Gather implements Stream.
func (c *conn) Gather() error { return c.failed("body", c.body.Gather(c.link.Load())) }

// Buffered implements message.Source.
func (c *conn) Buffered() bool { return c.body.Buffered() }

// Trailers implements message.Source.
func (c *conn) Trailers() []message.Field { return c.parser.EndToEnd(c.body.Trailers()) }

// failed says for whom an error counts.
func (c *conn) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok { // of the connection that was to replace a stale one
		return e
	}
	outcome := c.outcome(op, err)
	if outcome == lb.Reset {
		c.pool.refused.reset(c.pool.transport.now)
	}
	return &Error{Op: op, Outcome: outcome, Err: err}
}

func (c *conn) outcome(op string, err error) lb.Outcome {
	switch {
	case c.canceled.Load():
		return lb.Canceled
	case errors.Is(err, os.ErrDeadlineExceeded):
		return lb.Timeout
	case errors.Is(err, http1.ErrMalformed):
		if op == "body" {
			return lb.Cut
		}
		return lb.Malformed
	case op == "body":
		return lb.Cut
	}
	return lb.Reset
}

// Release implements Stream.
func (c *conn) Release() {
	deadline := c.deadline.Load()
	if deadline != 0 { // without one there is nothing that the sweep could end
		deadline = c.deadline.Swap(0)
	}
	clean := c.sentAt.Load() != 0 && c.final && !c.tunnel && !c.head.Close &&
		c.head.Framing != message.UntilEOF && c.body.Ended() &&
		deadline != fired && !c.canceled.Load()
	if c.final && c.body.Leftover() > 0 {
		clean = false // an answer too many: nothing that follows could be trusted
	}
	if !clean {
		c.close()
		return
	}
	if c.armed.Load() {
		c.disarm()
	}
	c.in.Release()
	c.out.Out.Release()
	c.pool.put(c)
}
