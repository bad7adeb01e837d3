//go:build unix && !linux

package socket

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// quick is the most that is read or written in one call of ours.
const quick = 16 << 10

// Ended is what Poll reports when the peer ended its direction. Not every
// system has a POLLRDHUP; this bit none of them uses.
const Ended int16 = 0x2000

// look asks poll(2) about a connection, without waiting, and then whether its
// end is the next thing to be read. An end behind bytes is seen when they are
// read.
func (p *Poller) look(fd int) (events int16) {
	p.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	if n, err := unix.Poll(p.fds[:], 0); n <= 0 || err != nil {
		return 0
	}
	events = p.fds[0].Revents &^ Ended
	var scratch [1]byte
	if n, _, err := unix.Recvfrom(fd, scratch[:], unix.MSG_PEEK|unix.MSG_DONTWAIT); n == 0 && err == nil {
		events |= Ended
	}
	return events
}

// quiet reports whether nothing has come on a connection.
func quiet(fd int) bool {
	var scratch [1]byte
	for {
		_, _, err := unix.Recvfrom(fd, scratch[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if !errors.Is(err, syscall.EINTR) {
			return errors.Is(err, syscall.EAGAIN)
		}
	}
}

// read and write do not wait: the runtime has made every connection
// non-blocking, and catches SIGPIPE.
func read(fd int, p []byte) (int, syscall.Errno) {
	return again(func() (int, error) { return unix.Read(fd, p[:min(len(p), quick)]) })
}

func write(fd int, p []byte) (int, syscall.Errno) {
	return again(func() (int, error) { return unix.Write(fd, p[:min(len(p), quick)]) })
}

// writeTwo writes the first of a and b.
func writeTwo(fd int, a, b []byte) (int, syscall.Errno) {
	if len(a) == 0 {
		return write(fd, b)
	}
	return write(fd, a)
}

// again repeats a call that a signal ended.
func again(call func() (int, error)) (int, syscall.Errno) {
	for {
		n, err := call()
		errno, _ := errors.AsType[syscall.Errno](err)
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return 0, errno
		default:
			return n, 0
		}
	}
}

// message reads. This system does not say what is left behind a read.
type message struct{}

func (*message) receive(fd int, p []byte) (n, left int, errno syscall.Errno) {
	n, errno = read(fd, p)
	return n, -1, errno
}
