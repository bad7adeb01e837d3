package socket

import (
	"io"
	"syscall"
)

// Asker is who asks.
type Asker interface {
	Memory
	// Sent says that the kernel took the first n bytes of the question.
	Sent(n int)
}

// asking is a call of Ask under way.
type asking struct {
	turn  func(fd uintptr) bool
	who   Asker
	p     []byte
	asked bool
	n     int
	err   error
}

// Ask sends p on a connection that should be silent, waits, and reads the
// first of what comes back into the asker's memory; it returns how much. If
// the connection is not silent it sends nothing and returns ErrSpoke. When the
// kernel takes only part of p it returns 0 and no error: the caller, who was
// told how much, sends the rest and reads by itself.
//
// Three system calls: a peek, which sees the connection empty, the write, and
// the read once woken.
func (c *Conn) Ask(p []byte, who Asker) (int, error) {
	if c.ask == nil {
		a := &asking{}
		a.turn = a.step
		c.ask = a
	}
	a := c.ask
	a.who, a.p, a.asked, a.n, a.err = who, p, false, 0, nil
	err := c.raw.Read(a.turn)
	a.who, a.p = nil, nil
	if err != nil {
		return 0, err
	}
	return a.n, a.err
}

func (a *asking) step(fd uintptr) (done bool) {
	if !a.asked {
		a.asked = true
		return a.question(int(fd))
	}
	return a.answer(int(fd))
}

// question sends, and ends the call when it could not send all.
func (a *asking) question(fd int) (done bool) {
	if !quiet(fd) {
		a.err = ErrSpoke
		return true
	}
	n, errno := write(fd, a.p)
	if n > 0 {
		a.who.Sent(n)
	}
	if errno != 0 && errno != syscall.EAGAIN {
		a.err = errno
	}
	return a.err != nil || n < len(a.p)
}

// answer reads, or waits on: seen empty again.
func (a *asking) answer(fd int) (done bool) {
	n, errno := read(fd, a.who.Room())
	switch {
	case errno == syscall.EAGAIN:
		a.who.Empty()
		return false
	case errno != 0:
		a.err = errno
	case n == 0:
		a.err = io.EOF
	}
	a.n = n
	return true
}
