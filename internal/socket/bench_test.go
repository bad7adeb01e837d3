package socket

import (
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
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	p := make([]byte, 128)
	b.Run("write and read", func(b *testing.B) {
		for b.Loop() {
			call(unix.SYS_WRITE, fds[0], unsafe.Pointer(&p[0]), len(p), 0)
			call(unix.SYS_READ, fds[1], unsafe.Pointer(&p[0]), len(p), 0)
		}
	})
	b.Run("sendto and recvfrom", func(b *testing.B) {
		for b.Loop() {
			write(fds[0], p)
			read(fds[1], p)
		}
	})
}
