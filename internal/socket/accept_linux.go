package socket

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Inherit sets on a listening socket what accepted ones inherit here, so that
// nothing is left to be set on each: that small writes do not wait for more,
// and that a receive tells what is left.
func Inherit(fd int) error {
	tellLeft(fd)
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}

// accept takes a connection, without waiting for one.
func accept(ln int) accepted {
	var from unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	for {
		fd, errno := acceptCall(ln, unsafe.Pointer(&from), unsafe.Pointer(&size))
		switch errno {
		case syscall.EINTR, syscall.ECONNABORTED: // it left while it waited
			continue
		case 0:
			return accepted{fd: fd, remote: address(&from)}
		}
		return accepted{errno: errno}
	}
}

// address reads what accept4(2) has written.
func address(from *unix.RawSockaddrAny) netip.AddrPort {
	port := func(p *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(p))[:]) }
	switch from.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(from))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), port(&in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(from))
		ip := netip.AddrFrom16(in.Addr).Unmap()
		if in.Scope_id != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(in.Scope_id), 10))
		}
		return netip.AddrPortFrom(ip, port(&in.Port))
	}
	return netip.AddrPort{}
}
