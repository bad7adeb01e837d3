package socket

import (
	"io"
	"sync"
	"syscall"
)

// Send and Read go round the net package for more than its way through: it
// tells the scheduler of every call, and where all was idle the scheduler then
// wakes its monitor, a thread that looks about every 20 µs until all is idle
// again. Below the peak that is every request (ADR 32).

// Send writes all of a, then all of b, in one system call where the kernel
// takes so much, and returns how many bytes it took. It may be called inside
// a turn. One goroutine at a time may send.
func (c *Conn) Send(a, b []byte) (int, error) {
	if c.turns == nil || c.turns.fd == 0 {
		return c.sendWaiting(a, b)
	}
	n, errno := writeTwo(c.turns.fd, a, b) // inside a turn nothing is needed around it
	if errno != 0 && errno != syscall.EAGAIN {
		return n, errno
	}
	if a, b = behind(a, b, n); len(a)+len(b) == 0 {
		return n, nil
	}
	m, err := c.sendWaiting(a, b)
	return n + m, err
}

// Write implements io.Writer.
func (c *Conn) Write(p []byte) (int, error) { return c.Send(p, nil) }

// behind is what follows the first n bytes.
func behind(a, b []byte, n int) (restA, restB []byte) {
	ofA := min(n, len(a))
	return a[ofA:], b[n-ofA:]
}

func (c *Conn) sendWaiting(a, b []byte) (int, error) {
	w := waits.Get().(*waiting)
	w.a, w.b, w.n, w.err = a, b, 0, nil
	err := c.raw.Write(w.send)
	return w.done(err)
}

// Read implements io.Reader. One goroutine at a time may read.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	w := waits.Get().(*waiting)
	w.a, w.n, w.err = p, 0, nil
	err := c.raw.Read(w.read)
	return w.done(err)
}

// waiting is a call of Send or Read under way.
type waiting struct {
	send, read func(fd uintptr) (done bool) // bound once
	a, b       []byte
	n          int
	err        error
}

var waits = sync.Pool{New: func() any {
	w := &waiting{}
	w.send, w.read = w.sendSome, w.readSome
	return w
}}

// done ends the call, whose wait may have failed.
func (w *waiting) done(failed error) (int, error) {
	n, err := w.n, w.err
	w.a, w.b = nil, nil
	waits.Put(w)
	if failed != nil {
		err = failed
	}
	return n, err
}

func (w *waiting) sendSome(fd uintptr) (done bool) {
	for len(w.a)+len(w.b) > 0 {
		n, errno := writeTwo(int(fd), w.a, w.b)
		if errno == syscall.EAGAIN { // seen full
			return false
		}
		if errno != 0 {
			w.err = errno
			return true
		}
		w.n += n
		w.a, w.b = behind(w.a, w.b, n)
	}
	return true
}

func (w *waiting) readSome(fd uintptr) (done bool) {
	n, errno := read(int(fd), w.a)
	switch {
	case errno == syscall.EAGAIN: // seen empty
		return false
	case errno != 0:
		w.err = errno
	case n == 0:
		w.err = io.EOF
	}
	w.n = n
	return true
}
