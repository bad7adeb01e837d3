package socket

import (
	"io"
	"sync"
	"syscall"
)

// Turner takes what comes, a turn at a time.
type Turner interface {
	Memory
	// Took handles n bytes that were put into what Room returned last. It may
	// write, and may take its time. It returns true to end the turns.
	Took(n int) (leave bool)
}

// turning is a call of Turns under way.
type turning struct {
	turn func(fd uintptr) bool
	who  Turner
	msg  message
	fd   int // while inside a turn, else 0
	took bool
	err  error
}

// Turns reads what comes and hands it to who until that one leaves; it then
// returns nil. io.EOF means that the peer has ended its direction. Where the
// kernel tells what is left, each turn costs one read, and the answer that
// Took writes is followed by the wait at once.
func (c *Conn) Turns(who Turner) error {
	t := c.turning()
	t.who, t.err = who, nil
	err := c.raw.Read(t.turn)
	t.who, t.fd = nil, 0
	if err != nil {
		return err
	}
	return t.err
}

func (c *Conn) turning() *turning {
	if c.turns == nil {
		c.turns = turnings.Get().(*turning)
	}
	return c.turns
}

// turnings lends: a connection that is watched has none.
var turnings = sync.Pool{New: func() any {
	t := &turning{}
	t.turn = t.step
	return t
}}

// lendBack gives back what only a connection needs that is read.
func (c *Conn) lendBack() {
	if c.turns != nil {
		turnings.Put(c.turns)
		c.turns = nil
	}
}

// Rest hands who what has come already, whatever the deadline says, and does
// not wait. It reports whether anything came, and whether who left.
func (c *Conn) Rest(who Turner) (came, left bool) {
	t := c.turning()
	t.who, t.err, t.took = who, nil, false
	err := c.raw.Control(func(fd uintptr) { left = t.turn(fd) })
	t.who, t.fd = nil, 0
	return t.took, left || err != nil
}

func (t *turning) step(fd uintptr) (done bool) {
	t.fd = int(fd)
	for {
		n, left, errno := t.msg.receive(t.fd, t.who.Room())
		switch {
		case errno == syscall.EAGAIN:
			t.who.Empty()
			return false
		case errno != 0:
			t.err = errno
			return true
		case n == 0:
			t.err = io.EOF
			return true
		}
		t.took = true
		if t.who.Took(n) {
			return true
		}
		if left == 0 { // seen empty, end included, since this turn began
			return false
		}
	}
}
