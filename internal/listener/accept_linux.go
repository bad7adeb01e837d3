package listener

import (
	"syscall"

	"golang.org/x/sys/unix"

	"poise/internal/socket"
)

// keepIdle is the seconds of silence before TCP's keep-alive asks.
const keepIdle = syscall.TCP_KEEPIDLE

// dropSyns has the kernel ignore new clients, so that none comes between the
// last look at the queue and the end of the socket. A client that tries just
// then tries again a second later and is refused, before it has sent anything.
func dropSyns(s *socket.Listener) {
	nothing := unix.SockFprog{Len: 1, Filter: &unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	_ = s.Control(func(fd uintptr) { // without it a few clients may be reset, no more
		_ = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &nothing)
	})
}
