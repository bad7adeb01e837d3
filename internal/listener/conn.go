package listener

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"poise/internal/buffer"
	"poise/internal/http1"
	"poise/internal/message"
)

// conn is a downstream connection and the exchange that is on it. One
// goroutine owns it; a second may read the body while the first writes.
type conn struct {
	l    *Listener
	nc   *net.TCPConn
	raw  syscall.RawConn
	info message.Conn

	parser http1.HeadParser
	head   message.Head
	in     buffer.Buffer // heads and what comes with them
	body   http1.BodyReader
	out    http1.BodyWriter
	vector net.Buffers
	pair   [2][]byte

	reading phaseClock
	writing phaseClock

	bodyEnded atomic.Bool // the request was read to its end
	bodyBytes int64
	answered  bool // a final head was written
	finished  bool // and its message ended
	closing   bool // no request is served after this one
	refused   bool // what the client sends makes no sense, now or later
	aborted   bool
	tunnel    bool

	stopped atomic.Bool // reading was stopped for good
	mu      sync.Mutex
	watcher message.Canceler
	gone    bool // the client left

	wait    func(fd uintptr) bool // bound once: a wait allocates nothing
	waitN   int
	waitErr error
	polled  poller
}

func newConn(l *Listener, nc *net.TCPConn) (*conn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{l: l, nc: nc, raw: raw}
	peer, _ := nc.RemoteAddr().(*net.TCPAddr)
	remote := peer.AddrPort().Addr().Unmap()
	l.Accepted.Add(1)
	c.info = message.Conn{
		Number: l.Accepted.Load(), Listener: l.options.Address, Remote: remote,
		RemoteText: []byte(remote.String()), Scheme: "http",
		Trusted: contains(l.options.Trusted, remote), Via: !l.options.HideVia,
	}
	c.wait = c.waitFor
	c.polled.bind()
	return c, nil
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// serve is the life of the connection.
func (c *conn) serve() {
	defer c.end()
	for {
		refusal, err := c.readHead()
		if err != nil {
			return
		}
		c.enter(serving)
		if refusal != nil {
			c.refused, c.closing = true, true
			c.l.handler.Refuse(c, refusal)
		} else {
			c.l.handler.Serve(c)
		}
		if !c.settle() {
			return
		}
	}
}

func (c *conn) end() {
	if c.finished && !c.aborted && !c.tunnel && (c.refused || !c.bodyEnded.Load()) {
		c.linger()
	}
	c.nc.Close()
	c.in.Release()
	c.body.Release()
	c.out.Out.Release()
	c.l.leave(c)
}

// readHead waits for a request. The error says only that there is none: the
// client left, or waited too long to begin.
func (c *conn) readHead() (*message.Refusal, error) {
	c.parser.Reset()
	c.begin()
	c.enter(waiting)
	for {
		if c.in.Len() > 0 {
			if c.reading.phase() == waiting {
				c.enter(heading)
			}
			n, refusal := c.parser.Request(c.in.Bytes(), c.l.options.Head, &c.head)
			if refusal != nil {
				return refusal, nil
			}
			if n > 0 {
				c.in.Skip(n)
				return c.understood(), nil
			}
		}
		if err := c.fillHead(); err != nil {
			return c.late(err)
		}
	}
}

// late says what a head that does not come any further means.
func (c *conn) late(err error) (*message.Refusal, error) {
	if c.in.Len() > 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.reading.phase() == heading {
		return slowHead, nil
	}
	return nil, err
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
	c.bodyEnded.Store(c.body.Ended())
	if limit := c.l.options.BodyBytes; limit > 0 && h.Framing == message.Length && h.Length > limit {
		return tooLarge
	}
	return nil
}

var schemeHTTP = []byte("http")

// begin forgets the exchange before.
func (c *conn) begin() {
	c.body.Reset(message.NoBody, 0, &c.in)
	c.bodyEnded.Store(true)
	c.bodyBytes = 0
	c.answered, c.finished, c.closing, c.refused, c.aborted, c.tunnel = false, false, false, false, false, false
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

// fillHead reads more of a head. While nothing has come it holds no memory.
func (c *conn) fillHead() error {
	if c.in.Len() == 0 {
		return c.waitForFirst()
	}
	if len(c.in.Space()) == 0 {
		size := c.in.Cap()
		if c.in.Len() == size {
			size = min(4*size, size+buffer.Huge)
		}
		c.in.Hold(size)
		c.parser.Reset() // memory moved
	}
	n, err := c.read(c.in.Space())
	c.in.Added(n)
	if n > 0 {
		return nil
	}
	return err
}

// waitForFirst waits until there is something to read and reads it.
func (c *conn) waitForFirst() error {
	for {
		err := c.raw.Read(c.wait)
		if err == nil {
			break
		}
		if !c.again(err) {
			return err
		}
	}
	if c.waitErr != nil {
		return c.waitErr
	}
	if c.waitN == 0 {
		return io.EOF
	}
	c.in.Added(c.waitN)
	return nil
}

// waitFor is called with the descriptor when it may be readable. It reads
// before it waits, always: readiness that came earlier is forgotten when a
// wait begins.
func (c *conn) waitFor(fd uintptr) bool {
	c.in.Hold(buffer.Small)
	for {
		n, err := syscall.Read(int(fd), c.in.Space())
		switch err {
		case syscall.EAGAIN:
			c.in.Release()
			return false
		case syscall.EINTR:
			continue
		}
		c.waitN, c.waitErr = max(n, 0), err
		return true
	}
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
	_ = c.nc.SetReadDeadline(time.Time{})
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
