// Package socket makes the calls that the data plane lives on: it reads and
// writes TCP connections and waits for them, in as few system calls as it can.
//
// A read of Go's net package first tries, fails with EAGAIN, and only then
// waits. Here the waiting is done inside syscall.RawConn.Read, whose callback
// returns false to wait and is called again when there may be something to
// read. That is safe under one rule, the rule of the wait: entering
// RawConn.Read forgets readiness that came earlier, and one readiness may
// stand for bytes and for the end behind them. So a callback may return false
// only when the connection was seen empty since it was entered or last woken:
// by a call that answered EAGAIN, or by a receive that reported nothing left
// (TCP_INQ, which counts a pending end as one byte). A full buffer or a short
// read proves nothing.
//
// Inside a callback of a connection its own Read, Close and splice block for
// ever. Its Write, its deadlines and RawConn.Control do not.
package socket

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrSpoke says that a connection that should have been silent was not: bytes
// or its end had come before anything was asked.
var ErrSpoke = errors.New("the connection was closed or spoke before it was asked")

// Memory is where bytes that come are put. It is asked for only when there may
// be some, so that a connection that waits need hold none.
type Memory interface {
	// Room returns memory to read into, at least a byte.
	Room() []byte
	// Empty says that there was nothing to put into what Room returned.
	Empty()
}

// Conn is a TCP connection. Ask and Turns belong to one goroutine at a time,
// the one that reads.
type Conn struct {
	*net.TCPConn
	raw syscall.RawConn

	ask   *asking
	turns *turning
	token uint64 // what it was added to a Watch under; the Watch's

	look  func(fd uintptr) // bound once, as all callbacks: a call allocates nothing
	quiet bool
}

// New takes over a connection.
func New(nc *net.TCPConn) (*Conn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &Conn{TCPConn: nc, raw: raw}, nil
}

// Quiet reports whether nothing has come: no byte, no end, no error. Only the
// goroutine that reads may ask.
func (c *Conn) Quiet() bool {
	if c.look == nil {
		c.look = func(fd uintptr) { c.quiet = quiet(int(fd)) }
	}
	c.quiet = false
	if c.raw.Control(c.look) != nil {
		return false
	}
	return c.quiet
}

// Poll returns what poll(2) says of the connection: Ended when the peer
// ended its direction, POLLHUP and POLLERR when there is no more connection.
// Any one goroutine at a time may ask, also while another reads or writes.
func (c *Conn) Poll(poll *Poller) int16 {
	poll.events = 0
	if c.raw.Control(poll.ask) != nil {
		return 0
	}
	return poll.events
}

// Poller asks poll(2) for its owner, one connection after the other.
type Poller struct {
	fds    [1]unix.PollFd
	events int16
	ask    func(fd uintptr)
}

// NewPoller returns a poller.
func NewPoller() *Poller {
	p := &Poller{}
	p.ask = func(fd uintptr) { p.events = p.look(int(fd)) }
	return p
}
