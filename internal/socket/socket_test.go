package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pair returns both ends of a connection over loopback.
func pair(t *testing.T) (ours *Conn, theirs *net.TCPConn) {
	t.Helper()
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	ours, err = New(accepted)
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.raw.Control(func(fd uintptr) { _ = Inherit(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); dialed.Close() })
	return ours, dialed.(*net.TCPConn)
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("received %q, %v; want %q", got[:n], err, want)
	}
}

// arrived waits until bytes, or the end, are there to be read.
func arrived(t *testing.T, c *Conn) {
	t.Helper()
	for range 1000 {
		if !c.Quiet() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nothing arrives")
}

// script is a Turner that answers each turn with what it took, in capitals.
type script struct {
	t       *testing.T
	conn    *Conn
	room    int // of each read
	mem     []byte
	empty   int
	emptied chan<- struct{} // told of each, unless nil or full
	took    []string
	on      func(turn int) (leave bool)
}

func (s *script) Room() []byte {
	s.mem = make([]byte, max(s.room, 1))
	return s.mem
}

func (s *script) Empty() {
	s.empty++
	select {
	case s.emptied <- struct{}{}:
	default:
	}
}

func (s *script) Took(n int) bool {
	text := string(s.mem[:n])
	s.took = append(s.took, text)
	if _, err := s.conn.Send([]byte(strings.ToUpper(text)), nil); err != nil {
		s.t.Error(err)
	}
	return s.on != nil && s.on(len(s.took))
}

// turn runs Turns in a goroutine and returns how it will end.
func turn(t *testing.T, s *script) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.conn.Turns(s) }()
	return done
}

func ended(t *testing.T, done <-chan error, want error) {
	t.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Fatalf("ended with %v; want %v", err, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("does not end: a wake-up was lost")
	}
}

func TestBytesThatCameBeforeTheFirstWaitAreTaken(t *testing.T) {
	c, peer := pair(t)
	send(t, peer, "early")
	arrived(t, c)
	done := turn(t, &script{t: t, conn: c, room: 64})
	receive(t, peer, "EARLY")
	peer.CloseWrite()
	ended(t, done, io.EOF)
}

func TestBytesThatComeDuringATurnAreTakenWhenItIsEnteredAgain(t *testing.T) {
	c, peer := pair(t)
	s := &script{t: t, conn: c, room: 64}
	s.on = func(n int) bool {
		switch n {
		case 1: // they come while the turn goes on: the edge stands for them
			send(t, peer, "second")
			arrived(t, c)
		case 2:
			return true
		}
		return false
	}
	done := turn(t, s)
	send(t, peer, "first")
	receive(t, peer, "FIRSTSECOND")
	ended(t, done, nil)
	// Left and entered again, with bytes that came in between.
	send(t, peer, "third")
	arrived(t, c)
	s.on = nil
	done = turn(t, s)
	receive(t, peer, "THIRD")
	peer.CloseWrite()
	ended(t, done, io.EOF)
}

func TestARequestWithTheEndBehindItEndsTheTurns(t *testing.T) {
	for range 50 { // bytes and end arrive together, or not
		c, peer := pair(t)
		send(t, peer, "last")
		peer.CloseWrite()
		done := turn(t, &script{t: t, conn: c, room: 64})
		receive(t, peer, "LAST")
		ended(t, done, io.EOF)
	}
}

func TestAnEndThatComesDuringATurnIsSeen(t *testing.T) {
	c, peer := pair(t)
	s := &script{t: t, conn: c, room: 64}
	s.on = func(int) bool {
		peer.CloseWrite()
		arrived(t, c)
		return false
	}
	done := turn(t, s)
	send(t, peer, "x")
	ended(t, done, io.EOF)
}

func TestABufferThatOverflowsIsReadOn(t *testing.T) {
	c, peer := pair(t)
	done := turn(t, &script{t: t, conn: c, room: 3})
	send(t, peer, "abcdefghij")
	receive(t, peer, "ABCDEFGHIJ")
	send(t, peer, "klm") // exactly full: proves nothing by itself
	receive(t, peer, "KLM")
	peer.CloseWrite()
	ended(t, done, io.EOF)
}

func TestADeadlineInThePastWakesAndIsNoEnd(t *testing.T) {
	c, peer := pair(t)
	s := &script{t: t, conn: c, room: 64}
	done := turn(t, s)
	time.Sleep(10 * time.Millisecond)
	_ = c.SetReadDeadline(time.Unix(1, 0))
	ended(t, done, os.ErrDeadlineExceeded)
	_ = c.SetReadDeadline(time.Time{})
	send(t, peer, "x")
	done = turn(t, s)
	receive(t, peer, "X")
	peer.CloseWrite()
	ended(t, done, io.EOF)
}

func TestALongAnswerIsSentWhole(t *testing.T) {
	c, peer := pair(t)
	long := strings.Repeat("0123456789", 500_000)
	s := &script{t: t, conn: c, room: 64}
	s.on = func(int) bool {
		for rest := long; rest != ""; {
			n := min(len(rest), 16<<10) // a call each, until the kernel takes no more
			if m, err := c.Send([]byte(rest[:n]), nil); m != n || err != nil {
				t.Errorf("Send = %d, %v; want %d", m, err, n)
				return true
			}
			rest = rest[n:]
		}
		return true
	}
	done := turn(t, s)
	send(t, peer, "x")
	time.Sleep(20 * time.Millisecond) // let the socket's buffers fill
	receive(t, peer, "X"+long)
	ended(t, done, nil)
}

// question is an Asker.
type question struct {
	mem  []byte
	sent int
}

func (q *question) Room() []byte {
	q.mem = make([]byte, 64)
	return q.mem
}
func (q *question) Empty()     { q.mem = nil }
func (q *question) Sent(n int) { q.sent = n }

func TestAnAnswerWithTheEndBehindItIsReadAndThenTheEnd(t *testing.T) {
	for range 50 {
		c, peer := pair(t)
		go func() {
			var b [3]byte
			_, _ = io.ReadFull(peer, b[:])
			_, _ = peer.Write([]byte("yes"))
			_ = peer.CloseWrite()
		}()
		q := &question{}
		n, err := c.Ask([]byte("ok?"), q)
		if err != nil || string(q.mem[:n]) != "yes" || q.sent != 3 {
			t.Fatalf("Ask = %q, %v with %d sent; want \"yes\" and 3", q.mem[:n], err, q.sent)
		}
		if n, err := c.Read(q.mem); n != 0 || !errors.Is(err, io.EOF) {
			t.Fatalf("Read = %d, %v; want the end", n, err)
		}
	}
}

func TestAnAnswerThatEndsWithItsConnectionIsReadToItsEnd(t *testing.T) {
	c, peer := pair(t)
	go func() {
		var b [3]byte
		_, _ = io.ReadFull(peer, b[:])
		for range 10 {
			_, _ = peer.Write([]byte(strings.Repeat("x", 100)))
			time.Sleep(time.Millisecond)
		}
		peer.Close()
	}()
	q := &question{}
	n, err := c.Ask([]byte("ok?"), q)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(c)
	if n+len(rest) != 1000 || err != nil {
		t.Fatalf("%d + %d bytes, %v; want 1000", n, len(rest), err)
	}
}

func TestAStaleConnectionIsAskedNothing(t *testing.T) {
	tests := []struct {
		name string
		do   func(peer *net.TCPConn)
	}{
		{"a late 408 in the pool", func(p *net.TCPConn) { _, _ = p.Write([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n")) }},
		{"an endpoint that half-closed in the pool", func(p *net.TCPConn) { _ = p.CloseWrite() }},
		{"an endpoint that closed in the pool", func(p *net.TCPConn) { _ = p.Close() }},
		{"an endpoint that reset in the pool", func(p *net.TCPConn) { _ = p.SetLinger(0); _ = p.Close() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, peer := pair(t)
			tt.do(peer)
			arrived(t, c)
			q := &question{}
			if n, err := c.Ask([]byte("ok?"), q); n != 0 || !errors.Is(err, ErrSpoke) || q.sent != 0 {
				t.Errorf("Ask = %d, %v with %d sent; want ErrSpoke and nothing sent", n, err, q.sent)
			}
		})
	}
}

func TestAnEndInPlaceOfAnAnswerIsAnEnd(t *testing.T) {
	tests := []struct {
		name   string
		linger int // 0 makes a reset of a close
		want   error
	}{
		{"closed", -1, io.EOF},
		{"reset", 0, syscall.ECONNRESET},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, peer := pair(t)
			go func() {
				var b [3]byte
				_, _ = io.ReadFull(peer, b[:])
				_ = peer.SetLinger(tt.linger)
				_ = peer.Close()
			}()
			if _, err := c.Ask([]byte("ok?"), &question{}); !errors.Is(err, tt.want) {
				t.Errorf("Ask: %v; want %v", err, tt.want)
			}
		})
	}
}

func TestAQuestionOfWhichTheKernelTakesAPartIsLeftToTheCaller(t *testing.T) {
	c, peer := pair(t)
	long := []byte(strings.Repeat("x", 128<<10)) // more than one call takes
	q := &question{}
	n, err := c.Ask(long, q)
	if n != 0 || err != nil || q.sent == 0 || q.sent >= len(long) {
		t.Fatalf("Ask = %d, %v with %d sent; want 0, no error, a part", n, err, q.sent)
	}
	if _, err := c.Send(long[q.sent:], nil); err != nil {
		t.Fatal(err)
	}
	receive(t, peer, string(long))
}

func TestAskIsEndedByADeadline(t *testing.T) {
	c, _ := pair(t)
	time.AfterFunc(20*time.Millisecond, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	if _, err := c.Ask([]byte("ok?"), &question{}); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Ask: %v; want a deadline", err)
	}
}

func TestPollTellsOfAPeerThatLeft(t *testing.T) {
	c, peer := pair(t)
	p := NewPoller()
	if e := c.Poll(p); e != 0 {
		t.Fatalf("events %x on a connection that stands", e)
	}
	peer.CloseWrite()
	arrived(t, c)
	if e := c.Poll(p); e&Ended == 0 {
		t.Errorf("events %x; want POLLRDHUP", e)
	}
}

func TestAQuestionAllocatesNothing(t *testing.T) {
	c, peer := pair(t)
	go func() {
		var b [64]byte
		for {
			n, err := peer.Read(b[:])
			if err != nil {
				return
			}
			if _, err := peer.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	q, text := &fixed{}, []byte("ok?")
	if n := testing.AllocsPerRun(200, func() {
		if _, err := c.Ask(text, q); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a question; want none", n)
	}
}

type fixed struct{ mem [64]byte }

func (f *fixed) Room() []byte { return f.mem[:] }
func (f *fixed) Empty()       {}
func (f *fixed) Sent(int)     {}

func TestWhatTheKernelDoesNotTakeAtOnceFollowsInOrder(t *testing.T) {
	head, body := strings.Repeat("head", 30), strings.Repeat("0123456789", 300_000)
	t.Run("inside a turn", func(t *testing.T) {
		c, peer := pair(t)
		s := &script{t: t, conn: c, room: 64}
		s.on = func(int) bool {
			sendsBoth(t, c, head, body)
			return true
		}
		done := turn(t, s)
		send(t, peer, "x")
		time.Sleep(20 * time.Millisecond) // let the socket's buffers fill
		receive(t, peer, "X"+head+body)
		ended(t, done, nil)
	})
	t.Run("outside", func(t *testing.T) {
		c, peer := pair(t)
		done := make(chan struct{})
		go func() { defer close(done); sendsBoth(t, c, head, body) }()
		time.Sleep(20 * time.Millisecond)
		receive(t, peer, head+body)
		<-done
	})
}

func sendsBoth(t *testing.T, c *Conn, head, body string) {
	if n, err := c.Send([]byte(head), []byte(body)); n != len(head)+len(body) || err != nil {
		t.Errorf("Send = %d, %v; want %d", n, err, len(head)+len(body))
	}
}

func TestASendThatWaitsIsEndedByADeadline(t *testing.T) {
	c, _ := pair(t) // who reads nothing
	_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := c.Send(nil, make([]byte, 32<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 32<<20 {
		t.Errorf("Send = %d, %v", n, err)
	}
}

func TestASendToWhoLeftFails(t *testing.T) {
	c, peer := pair(t)
	_ = peer.SetLinger(0)
	peer.Close()
	arrived(t, c)
	_, err := c.Send([]byte("x"), nil)
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Send: %v", err)
	}
}

func TestReadWaitsForBytesForTheEndAndForADeadline(t *testing.T) {
	c, peer := pair(t)
	p := make([]byte, 4)
	reads := func(n int, want error) {
		t.Helper()
		if got, err := c.Read(p); got != n || !errors.Is(err, want) {
			t.Errorf("Read = %d, %v; want %d, %v", got, err, n, want)
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	reads(0, os.ErrDeadlineExceeded)
	_ = c.SetReadDeadline(time.Time{})
	go func() { time.Sleep(20 * time.Millisecond); _, _ = peer.Write([]byte("12345")) }()
	reads(4, nil)
	reads(1, nil)
	go func() { time.Sleep(20 * time.Millisecond); _ = peer.CloseWrite() }()
	reads(0, io.EOF)
	c.Close()
	reads(0, net.ErrClosed)
}
