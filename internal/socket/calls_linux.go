package socket

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What is read and written at most in one call. The scheduler is not told of
// it, so that whoever stops the world waits for it: a read copies, 10 µs for a
// whole buffer; a send on loopback runs the receiver's path as well, up to 30.
const (
	quick     = 16 << 10 // a head
	quickRead = 72 << 10 // a buffer
	quickSend = 96 << 10 // a buffer behind a head
)

// Ended is what Poll reports when the peer ended its direction.
const Ended = unix.POLLRDHUP

// look asks poll(2) about a connection, without waiting.
func (p *Poller) look(fd int) int16 {
	p.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLRDHUP}
	if n, err := unix.Poll(p.fds[:], 0); n > 0 && err == nil {
		return p.fds[0].Revents
	}
	return 0
}

// quiet reports whether nothing has come on a connection.
func quiet(fd int) bool {
	var scratch [1]byte
	for {
		_, errno := call(unix.SYS_RECVFROM, fd, unsafe.Pointer(&scratch), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if errno != syscall.EINTR {
			return errno == syscall.EAGAIN
		}
	}
}

// read and write are recvfrom(2) and sendto(2), which spare what read(2) and
// write(2) do for files: about 0.1 µs each.
func read(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, errno := call(unix.SYS_RECVFROM, fd, unsafe.Pointer(unsafe.SliceData(p)), min(len(p), quickRead), unix.MSG_DONTWAIT)
		if errno != syscall.EINTR {
			return n, errno
		}
	}
}

func write(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, errno := call(unix.SYS_SENDTO, fd, unsafe.Pointer(unsafe.SliceData(p)), min(len(p), quickSend), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if errno != syscall.EINTR {
			return n, errno
		}
	}
}

// writeTwo writes the first of a and b.
func writeTwo(fd int, a, b []byte) (int, syscall.Errno) {
	switch {
	case len(a) == 0:
		return write(fd, b)
	case len(b) == 0 || len(a) >= quickSend:
		return write(fd, a)
	}
	var vectors [2]unix.Iovec
	var header unix.Msghdr
	header.Iov = &vectors[0]
	header.SetIovlen(len(vectors))
	for i, p := range [...][]byte{a, b[:min(len(b), quickSend-len(a))]} {
		vectors[i].Base = unsafe.SliceData(p)
		vectors[i].SetLen(len(p))
	}
	for {
		n, errno := call(unix.SYS_SENDMSG, fd, unsafe.Pointer(&header), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0)
		if errno != syscall.EINTR {
			return n, errno
		}
	}
}

// message is the header of recvmsg(2) with room for one control message.
type message struct {
	header  unix.Msghdr
	vector  unix.Iovec
	control [32]byte // a cmsghdr and an int, aligned, on every platform
}

// receive reads into p and returns how many bytes are then left to read, a
// pending end counting as one; -1 when the kernel does not say.
func (m *message) receive(fd int, p []byte) (n, left int, errno syscall.Errno) {
	p = p[:min(len(p), quick)]
	m.vector.Base = unsafe.SliceData(p)
	m.vector.SetLen(len(p))
	m.header.Iov = &m.vector
	m.header.SetIovlen(1)
	m.header.Control = &m.control[0]
	m.header.SetControllen(len(m.control))
	for {
		n, errno = call(unix.SYS_RECVMSG, fd, unsafe.Pointer(&m.header), unix.MSG_DONTWAIT, 0)
		if errno != syscall.EINTR {
			break
		}
	}
	m.vector.Base = nil
	if errno != 0 {
		return 0, -1, errno
	}
	return n, m.left(), 0
}

func (m *message) left() int {
	if int(m.header.Controllen) < unix.CmsgLen(4) || m.header.Flags&unix.MSG_CTRUNC != 0 {
		return -1
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&m.control[0]))
	if h.Level != unix.SOL_TCP || h.Type != unix.TCP_INQ {
		return -1
	}
	return int(*(*int32)(unsafe.Pointer(&m.control[unix.CmsgLen(0)])))
}

// tellLeft asks the kernel to report with every receive what is left (Linux
// 4.18 and later). Set on a listening socket it holds for what is accepted.
// Without it everything works, for one system call more a turn.
func tellLeft(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_INQ, 1) }
