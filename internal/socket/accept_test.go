package socket

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func listening(t *testing.T, address string) *Listener {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		return errors.Join(raw.Control(func(fd uintptr) { failed = Inherit(int(fd)) }), failed)
	}}
	config.SetMultipathTCP(false)
	ln, err := config.Listen(t.Context(), "tcp", address)
	if err != nil && strings.HasPrefix(address, "[") {
		t.Skipf("NOT-RUN: no IPv6 here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(ln.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestWhoIsAcceptedIsKnownAndReadyForSmallWrites(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "[::]:0"} {
		t.Run(address, func(t *testing.T) {
			l := listening(t, address)
			to := l.Addr().String()
			if address == "[::]:0" { // an IPv4 client at an IPv6 socket
				to = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), l.Addr().(*net.TCPAddr).AddrPort().Port()).String()
			}
			dialed := make(chan net.Conn, 1)
			time.AfterFunc(20*time.Millisecond, func() { // the wait has begun by then
				d, _ := net.Dial("tcp", to)
				dialed <- d
			})
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			d := <-dialed
			defer d.Close()
			if _, err := c.Send([]byte("hello"), nil); err != nil {
				t.Fatal(err)
			}
			receive(t, d, "hello")
			if want := d.LocalAddr().String(); c.Remote.String() != want {
				t.Errorf("Remote = %v; want %s", c.Remote, want)
			}
			delay := -1
			_ = c.raw.Control(func(fd uintptr) { delay, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY) })
			if delay != 1 {
				t.Errorf("TCP_NODELAY = %d; want 1", delay)
			}
		})
	}
}

func TestTheWaitForAConnectionEnds(t *testing.T) {
	l := listening(t, "127.0.0.1:0")
	_ = l.SetDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	_ = l.SetDeadline(time.Time{})
	closed := make(chan error)
	time.AfterFunc(20*time.Millisecond, func() { closed <- l.Close() })
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := <-closed; err != nil { // the wait ends before the descriptor is gone
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialed after Close: %v", err)
	}
}

func TestQueuedTakesWhatWaitsAndNoMore(t *testing.T) {
	l := listening(t, "127.0.0.1:0")
	if c := l.Queued(); c != nil {
		t.Fatal("a connection that nobody made")
	}
	d, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_ = l.SetDeadline(time.Unix(1, 0))
	var c *Conn
	for range 1000 {
		if c = l.Queued(); c != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if c == nil {
		t.Fatal("the one that waits was not taken")
	}
	defer c.Close()
	if l.Queued() != nil {
		t.Error("taken twice")
	}
}

func TestAnEndAndAResetReachThePeer(t *testing.T) {
	l := listening(t, "127.0.0.1:0")
	for name, test := range map[string]struct {
		end  func(*Conn) error
		want error
	}{
		"end":   {(*Conn).CloseWrite, io.EOF},
		"reset": {func(c *Conn) error { return errors.Join(c.ResetOnClose(), c.Close()) }, syscall.ECONNRESET},
	} {
		d, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := test.end(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = d.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := d.Read(make([]byte, 1)); !errors.Is(err, test.want) {
			t.Errorf("%s: the peer reads %v; want %v", name, err, test.want)
		}
		c.Close()
		d.Close()
	}
}
