//go:build !race

package socket

import (
	"syscall"
	"unsafe"
)

// call makes a system call that does not block, without telling the scheduler
// (60 ns less than syscall.Syscall). arguments: descriptor, memory, two more.
func call(number uintptr, fd int, p unsafe.Pointer, a, b int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(number, uintptr(fd), uintptr(p), uintptr(a), uintptr(b), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
