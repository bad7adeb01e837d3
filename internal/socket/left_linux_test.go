package socket

import (
	"io"
	"testing"
	"time"

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
	emptied := make(chan struct{}, 16)
	s := &script{t: t, conn: c, room: 64, emptied: emptied}
	done := turn(t, s)
	for range 5 {
		select { // a byte that was there already would be no read for nothing
		case <-emptied:
		case <-time.After(5 * time.Second):
			t.Fatal("no read found nothing: it was not tried without TCP_INQ")
		}
		send(t, peer, "x")
		receive(t, peer, "X")
	}
	peer.CloseWrite()
	ended(t, done, io.EOF)
}
