//go:build unix && !linux

package listener

import "syscall"

// dropSyns does nothing: a client that connects between the last look at the
// queue and the end of the socket is reset.
func dropSyns(syscall.RawConn) {}

// accept returns a connection that waits to be accepted, -1 for none.
func accept(ln int) int {
	syscall.ForkLock.RLock() // no child inherits it before it is closed on exec
	defer syscall.ForkLock.RUnlock()
	fd, _, err := syscall.Accept(ln)
	if err != nil {
		return -1
	}
	syscall.CloseOnExec(fd)
	if syscall.SetNonblock(fd, true) != nil {
		_ = syscall.Close(fd)
		return -1
	}
	return fd
}
