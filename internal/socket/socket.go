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
// Inside a callback of a connection its own Read and Close block for
// ever. Its Send, its deadlines and RawConn.Control do not.
package socket

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

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
	file
	raw    syscall.RawConn
	Remote netip.AddrPort // who is at the other end

	ask   *asking
	turns *turning
	token uint64 // what it was added to a Watch under; the Watch's

	look  func(fd uintptr) // bound once, as all callbacks: a call allocates nothing
	quiet bool
}

// file is what waits for the descriptor: a net.TCPConn or an os.File.
type file interface {
	Close() error
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// New takes over a connection.
func New(nc *net.TCPConn) (*Conn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	remote := nc.RemoteAddr().(*net.TCPAddr).AddrPort()
	return &Conn{file: nc, raw: raw, Remote: netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())}, nil
}

// CloseWrite tells the peer that nothing more follows.
func (c *Conn) CloseWrite() error {
	return c.control("shutdown", func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// ResetOnClose has Close drop what was not sent and tell the peer so.
func (c *Conn) ResetOnClose() error {
	return c.control("setsockopt", func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
}

func (c *Conn) control(call string, f func(fd int) error) error {
	var failed error
	err := c.raw.Control(func(fd uintptr) { failed = os.NewSyscallError(call, f(int(fd))) })
	return errors.Join(err, failed)
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
