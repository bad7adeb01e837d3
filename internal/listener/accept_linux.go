package listener

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// keepIdle is the seconds of silence before TCP's keep-alive asks.
const keepIdle = syscall.TCP_KEEPIDLE

// dropSyns has the kernel ignore new clients, so that none comes between the
// last look at the queue and the end of the socket. A client that tries just
// then tries again a second later and is refused, before it has sent anything.
func dropSyns(raw syscall.RawConn) {
	nothing := unix.SockFprog{Len: 1, Filter: &unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	_ = raw.Control(func(fd uintptr) { // without it a few clients may be reset, no more
		_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &nothing)
	})
}

// accept returns a connection that waits to be accepted, -1 for none.
func accept(ln int) int {
	fd, _, err := syscall.Accept4(ln, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
	if err != nil {
		return -1
	}
	return fd
}
