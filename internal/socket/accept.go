package socket

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// A Listener accepts connections, one goroutine at a time. Its options that
// accepted ones inherit are set on it.
//
// What it makes of a descriptor is an os.File: one of package net takes two
// calls more that the scheduler is told of, and with the call that accepts
// wakes the runtime's monitor for as long as the connection is busy.
type Listener struct {
	file *os.File
	addr net.Addr
	raw  syscall.RawConn
	wait func(fd uintptr) (done bool)
	got  accepted
}

// accepted is what a call of accept(2) came to.
type accepted struct {
	fd     int
	remote netip.AddrPort
	errno  syscall.Errno
}

// Listen takes over a listening socket, also when it fails. Package net does
// not let others wait for one of its own, so this is another descriptor of it.
func Listen(ln *net.TCPListener) (*Listener, error) {
	defer ln.Close()
	f, err := ln.File()
	if err != nil {
		return nil, err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	l := &Listener{file: f, addr: ln.Addr(), raw: raw}
	l.wait = func(fd uintptr) bool {
		l.got = accept(int(fd))
		return l.got.errno != syscall.EAGAIN // seen empty
	}
	return l, nil
}

// Accept waits for a connection. os.ErrDeadlineExceeded ends the wait, and so
// does Close, with net.ErrClosed; what else fails may pass.
func (l *Listener) Accept() (*Conn, error) {
	err := l.raw.Read(l.wait)
	switch {
	case err == nil:
		return l.take()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, err
	}
	return nil, net.ErrClosed
}

// Addr returns the bound address.
func (l *Listener) Addr() net.Addr { return l.addr }

// SetDeadline ends the wait for a connection at t.
func (l *Listener) SetDeadline(t time.Time) error { return l.file.SetDeadline(t) }

// Close stops listening.
func (l *Listener) Close() error { return l.file.Close() }

// Queued returns a connection that waits to be accepted, nil for none, and
// whatever the deadline is.
func (l *Listener) Queued() *Conn {
	l.got.errno = syscall.EAGAIN
	if l.raw.Control(func(fd uintptr) { l.wait(fd) }) != nil {
		return nil
	}
	c, err := l.take()
	if err != nil {
		return nil
	}
	return c
}

// Control hands the descriptor to f.
func (l *Listener) Control(f func(fd uintptr)) error { return l.raw.Control(f) }

func (l *Listener) take() (*Conn, error) {
	got := l.got
	if got.errno != 0 {
		return nil, os.NewSyscallError("accept", got.errno)
	}
	f := os.NewFile(uintptr(got.fd), "connection")
	err := f.SetDeadline(time.Time{}) // fails when the runtime does not wait for it
	if err == nil {
		var raw syscall.RawConn
		if raw, err = f.SyscallConn(); err == nil {
			return &Conn{file: f, raw: raw, Remote: got.remote}, nil
		}
	}
	_ = f.Close()
	return nil, fmt.Errorf("accepted a connection that cannot be waited for: %w", err)
}
