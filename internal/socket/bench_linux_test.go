package socket

import (
	"net"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Both ends of a socket pair in one process: what a small write and read cost
// by each pair of calls.
func BenchmarkCalls(b *testing.B) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
	p := make([]byte, 128)
	b.Run("write and read", func(b *testing.B) {
		for b.Loop() {
			_, _ = call(unix.SYS_WRITE, fds[0], unsafe.Pointer(&p[0]), len(p), 0)
			_, _ = call(unix.SYS_READ, fds[1], unsafe.Pointer(&p[0]), len(p), 0)
		}
	})
	b.Run("sendto and recvfrom", func(b *testing.B) {
		for b.Loop() {
			_, _ = write(fds[0], p)
			_, _ = read(fds[1], p)
		}
	})
}

// BenchmarkSends is what it costs to send an answer's head and its small body,
// over loopback: by two calls, and by one.
func BenchmarkSends(b *testing.B) {
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	dialed, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer dialed.Close()
	nc, err := ln.AcceptTCP()
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	c, err := New(nc)
	if err != nil {
		b.Fatal(err)
	}
	into, err := New(dialed.(*net.TCPConn))
	if err != nil {
		b.Fatal(err)
	}
	head, body, got := make([]byte, 160), make([]byte, 200), make([]byte, 1024)
	both := append(append([]byte{}, head...), body...)
	var from, to int
	_ = c.raw.Control(func(fd uintptr) { from = int(fd) })
	_ = into.raw.Control(func(fd uintptr) { to = int(fd) })
	take := func() {
		for n := 0; n < len(both); {
			k, errno := read(to, got)
			if errno != 0 && errno != syscall.EAGAIN {
				b.Fatal(errno)
			}
			n += k
		}
	}
	b.Run("two", func(b *testing.B) {
		for b.Loop() {
			_, _ = write(from, head)
			_, _ = write(from, body)
			take()
		}
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			_, _ = write(from, both)
			take()
		}
	})
	b.Run("by net", func(b *testing.B) {
		for b.Loop() {
			_, _ = nc.Write(both)
			take()
		}
	})
}
