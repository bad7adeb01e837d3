//go:build race

package socket

import (
	"syscall"
	"unsafe"
)

// call is the same as without the race detector, which wants to know that the
// goroutine is in a system call.
func call(number uintptr, fd int, p unsafe.Pointer, a, b int) (int, syscall.Errno) {
	n, _, errno := syscall.Syscall6(number, uintptr(fd), uintptr(p), uintptr(a), uintptr(b), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// acceptCall is accept4(2): it writes who it is to from, whose size it is told.
func acceptCall(ln int, from, size unsafe.Pointer) (int, syscall.Errno) {
	fd, _, errno := syscall.Syscall6(syscall.SYS_ACCEPT4, uintptr(ln), uintptr(from), uintptr(size), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
	return int(fd), errno
}
