package listener

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// soon is the silence after which connections park in tests; the sweep looks
// every 100 ms all the same.
const soon = time.Millisecond

// parkedOf returns how many connections are parked.
func parkedOf(l *Listener) (n int) {
	l.each(func(c *conn) {
		if c.reading.phase() == parked {
			n++
		}
	})
	return n
}

// parkedClient returns a connection that was answered once and is parked.
func parkedClient(t *testing.T, l *Listener) *client {
	t.Helper()
	before := parkedOf(l)
	c := dial(t, l)
	c.ask(t)
	eventually(t, "it is parked", func() bool { return parkedOf(l) == before+1 })
	return c
}

// ask has one request answered.
func (c *client) ask(t *testing.T) {
	t.Helper()
	if err := c.send(); err != nil {
		t.Fatal(err)
	}
	if closes, err := c.answer(); closes || err != nil {
		t.Fatalf("answer: closes %v, %v", closes, err)
	}
}

func TestAParkedConnectionAnswers(t *testing.T) {
	l, _ := runningPark(t, Options{}, ready(), soon)
	c := parkedClient(t, l)
	if open, idle := l.Connections(); open != 1 || idle != 1 {
		t.Errorf("%d connections, %d idle; want 1 and 1", open, idle)
	}
	for range 3 {
		c.ask(t)
		eventually(t, "it is parked again", func() bool { return parkedOf(l) == 1 })
	}
}

func TestAConnectionThatNeverAskedParksToo(t *testing.T) {
	l, _ := runningPark(t, Options{}, ready(), soon)
	c := dial(t, l)
	eventually(t, "it is parked", func() bool { return parkedOf(l) == 1 })
	for _, piece := range []string{request[:7], request[7:]} { // a head in two pieces wakes it too
		if _, err := io.WriteString(c, piece); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if closes, err := c.answer(); closes || err != nil {
		t.Errorf("answer: closes %v, %v", closes, err)
	}
}

// TestWhatComesWhileAConnectionParksIsAnswered has a request come between the
// end of the wait and the watch.
func TestWhatComesWhileAConnectionParksIsAnswered(t *testing.T) {
	l, _ := runningPark(t, Options{}, ready(), time.Hour)
	for range 20 {
		k := dial(t, l)
		eventually(t, "it waits", func() bool { open, idle := l.Connections(); return open == idle && open > 0 })
		var c *conn
		l.each(func(x *conn) { c = x })
		_ = c.nc.SetReadDeadline(time.Time{})
		if !c.reading.ask(1<<40, time.Second) {
			t.Fatal("it does not wait")
		}
		for range 2 { // pipelined
			if err := k.send(); err != nil {
				t.Fatal(err)
			}
		}
		_ = c.nc.SetReadDeadline(past)
		for range 2 {
			if closes, err := k.answer(); closes || err != nil {
				t.Fatalf("answer: closes %v, %v", closes, err)
			}
		}
		k.Close()
		eventually(t, "it is gone", func() bool { open, _ := l.Connections(); return open == 0 })
	}
}

func TestKeepaliveEndsAParkedConnection(t *testing.T) {
	l, _ := runningPark(t, Options{Keepalive: 400 * time.Millisecond}, ready(), soon)
	c := parkedClient(t, l)
	began := time.Now()
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("%v; want an orderly end", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if open, _ := l.Connections(); open != 0 {
		eventually(t, "its seat is free", func() bool { return len(l.seats) == 1 }) // the one that accept holds
	}
}

func TestDrainEndsParkedConnections(t *testing.T) {
	l, stop := runningPark(t, Options{}, ready(), soon)
	var all []*client
	for range 20 {
		all = append(all, parkedClient(t, l))
	}
	time.Sleep(drainIdle) // long silent, as those that park are outside of tests
	if took := stop(); took > lastAccepts+4*sweepEvery {
		t.Errorf("it took %v", took)
	}
	for i, c := range all {
		if _, err := c.r.ReadByte(); err != io.EOF {
			t.Errorf("client %d: %v; want an orderly end", i, err)
		}
	}
}

func TestKillEndsParkedConnections(t *testing.T) {
	l, _ := runningPark(t, Options{}, ready(), soon)
	c := parkedClient(t, l)
	l.each(func(c *conn) { c.kill() })
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("it still says something")
	}
	eventually(t, "it is gone", func() bool { open, _ := l.Connections(); return open == 0 })
}

func TestEndsOfParkedConnections(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn) error{
		"half":  (*net.TCPConn).CloseWrite,
		"whole": (*net.TCPConn).Close,
		"reset": func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
	} {
		l, _ := runningPark(t, Options{}, ready(), soon)
		c := parkedClient(t, l)
		if err := end(c.Conn.(*net.TCPConn)); err != nil {
			t.Fatal(err)
		}
		eventually(t, name+": it is gone", func() bool { open, _ := l.Connections(); return open == 0 && len(l.seats) == 1 })
	}
}

// TestASpuriousWakeIsHarmless takes parked connections back for nothing.
func TestASpuriousWakeIsHarmless(t *testing.T) {
	l, _ := runningPark(t, Options{}, ready(), soon)
	c := parkedClient(t, l)
	for range 5 {
		l.each(func(c *conn) {
			if l.parking.watch.Take(c.nc) {
				c.Wake()
			}
			if l.parking.watch.Take(c.nc) {
				t.Error("taken twice")
			}
		})
		eventually(t, "it is parked again", func() bool { return parkedOf(l) == 1 })
	}
	c.ask(t)
}

func TestParkedConnectionsHaveNoGoroutine(t *testing.T) {
	const many = 2000
	l, _ := runningPark(t, Options{}, ready(), 300*time.Millisecond)
	before := runtime.NumGoroutine()
	all := make([]*client, many)
	for i := range all {
		all[i] = dial(t, l)
		all[i].ask(t)
	}
	eventually(t, "all are parked", func() bool { return parkedOf(l) == many })
	eventually(t, "their goroutines are gone", func() bool { return runtime.NumGoroutine() < before+10 })
	if open, idle := l.Connections(); open != many || idle != many {
		t.Errorf("%d connections, %d idle; want %d of both", open, idle, many)
	}
	for _, c := range all {
		c.ask(t)
	}
}

func TestWhereTheWatchFailsConnectionsKeepTheirGoroutine(t *testing.T) {
	l, _ := runningPark(t, Options{}, ready(), soon)
	l.parking.watch.Close() // takes nothing in any more
	c := dial(t, l)
	c.ask(t)
	eventually(t, "it was tried", l.parking.full.Load)
	c.ask(t)
	if n := parkedOf(l); n != 0 {
		t.Errorf("%d are parked", n)
	}
}

// TestConnectionsThatGoSilentAndSpeakAgain has many do both around the time
// after which they park, some leave, and the listener drain in the end.
func TestConnectionsThatGoSilentAndSpeakAgain(t *testing.T) {
	l, stop := runningPark(t, Options{Keepalive: 10 * time.Second}, ready(), 2*time.Millisecond)
	var clients sync.WaitGroup
	var answers, parkings atomic.Int64
	end := time.Now().Add(3 * time.Second)
	for range 60 {
		clients.Go(func() {
			for time.Now().Before(end) {
				conn, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				talk(t, conn, &answers)
				conn.Close()
			}
		})
	}
	clients.Go(func() {
		for time.Now().Before(end) {
			parkings.Add(int64(parkedOf(l)))
			time.Sleep(10 * time.Millisecond)
		}
	})
	clients.Wait()
	t.Logf("%d answers; %d connections were seen parked", answers.Load(), parkings.Load())
	if answers.Load() == 0 || parkings.Load() == 0 {
		t.Error("nothing was tried")
	}
	stop()
}

// talk asks on a connection with silences that end as connections are parked.
func talk(t *testing.T, conn net.Conn, answers *atomic.Int64) {
	c := newClient(conn)
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	for range 5 {
		n := 1 + rand.IntN(2)
		for range n {
			if err := c.send(); err != nil {
				t.Error(err)
				return
			}
		}
		for range n {
			if closes, err := c.answer(); closes || err != nil {
				t.Errorf("answer: closes %v, %v", closes, err)
				return
			}
			answers.Add(1)
		}
		time.Sleep(sweepEvery + time.Duration(rand.IntN(int(8*time.Millisecond))) - 4*time.Millisecond)
	}
	if rand.IntN(4) == 0 {
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
	}
}
