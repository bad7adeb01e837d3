//go:build unix && !linux

package socket

import (
	"errors"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Inherit sets nothing here: not every system has accepted sockets inherit.
func Inherit(int) error { return nil }

// accept takes a connection, without waiting for one.
func accept(ln int) accepted {
	syscall.ForkLock.RLock() // no child inherits it before it is closed on exec
	defer syscall.ForkLock.RUnlock()
	for {
		fd, from, err := unix.Accept(ln)
		errno, _ := errors.AsType[syscall.Errno](err)
		switch {
		case errno == syscall.EINTR, errno == syscall.ECONNABORTED: // it left while it waited
			continue
		case errno != 0:
			return accepted{errno: errno}
		}
		unix.CloseOnExec(fd)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if err := unix.SetNonblock(fd, true); err != nil {
			_ = unix.Close(fd)
			return accepted{errno: syscall.EINVAL}
		}
		return accepted{fd: fd, remote: address(from)}
	}
}

func address(from unix.Sockaddr) netip.AddrPort {
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(from.Addr).Unmap(), uint16(from.Port))
	}
	return netip.AddrPort{}
}
