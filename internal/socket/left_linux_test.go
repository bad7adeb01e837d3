package socket

import (
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAWaitReadsOnceATurnAndHoldsNoMemory(t *testing.T) {
	c, peer := pair(t)
	s := &script{t: t, conn: c, room: 64}
	done := turn(t, s)
	for range 20 {
		send(t, peer, "x")
		receive(t, peer, "X")
	}
	peer.CloseWrite()
	ended(t, done, io.EOF)
	if s.empty > 1 { // the first read, before the first wait
		t.Errorf("%d reads found nothing; want at most the first", s.empty)
	}
}

func TestWithoutWordOfWhatIsLeftTurnsWorkAllTheSame(t *testing.T) {
	c, peer := pair(t)
	if err := c.raw.Control(func(fd uintptr) {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_TCP, unix.TCP_INQ, 0); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, conn: c, room: 64}
	done := turn(t, s)
	for range 5 {
		send(t, peer, "x")
		receive(t, peer, "X")
	}
	peer.CloseWrite()
	ended(t, done, io.EOF)
	if s.empty == 0 {
		t.Error("no read found nothing: it was not tried without TCP_INQ")
	}
}
