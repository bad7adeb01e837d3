package listener

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering answers every request with 200, after hold is closed.
type answering struct{ hold chan struct{} }

func (a *answering) Serve(x message.Exchange) {
	<-a.hold
	h := message.Head{Status: 200, Framing: message.Length, Length: 2}
	if x.WriteHead(&h) == nil && x.WriteBody([]byte("ok")) == nil {
		_ = x.Finish(nil)
	}
}

func (a *answering) Refuse(x message.Exchange, _ *message.Refusal) { x.Abort() }

// ready is an answering that holds nothing.
func ready() *answering {
	a := &answering{make(chan struct{})}
	close(a.hold)
	return a
}

// running starts a listener; the returned function shuts it down and says how
// long that took.
func running(t *testing.T, o Options, h message.Handler) (l *Listener, stop func() time.Duration) {
	t.Helper()
	return runningPark(t, o, h, parkAfter)
}

// runningPark is running with connections that park after so much silence.
func runningPark(t *testing.T, o Options, h message.Handler, after time.Duration) (l *Listener, stop func() time.Duration) {
	t.Helper()
	o.Address = "127.0.0.1:0"
	l, err := Listen(o, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.parking.after = after
	var ran sync.WaitGroup
	ran.Go(l.Run)
	once := sync.OnceValue(func() time.Duration {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		began := time.Now()
		l.Shutdown(ctx)
		ran.Wait()
		return time.Since(began)
	})
	t.Cleanup(func() { once() })
	return l, once
}

// client is a connection of a client.
type client struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, l *Listener) *client {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return newClient(c)
}

func newClient(c net.Conn) *client { return &client{c, bufio.NewReader(c)} }

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func (c *client) send() error { _, err := io.WriteString(c, request); return err }

// answer reads an answer and reports whether it says that the connection
// closes.
func (c *client) answer() (closes bool, err error) {
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return false, err
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != "ok" {
		return false, fmt.Errorf("body %q, %w", b, err)
	}
	return r.Close, nil
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

func TestShutdownEndsConnectionsThatWait(t *testing.T) {
	l, stop := running(t, Options{}, ready())
	fresh, used := dial(t, l), dial(t, l)
	if err := used.send(); err != nil {
		t.Fatal(err)
	}
	if closes, err := used.answer(); closes || err != nil {
		t.Fatalf("answer: closes %v, %v", closes, err)
	}
	eventually(t, "both wait", func() bool { _, idle := l.Connections(); return idle == 2 })
	if took := stop(); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	for name, c := range map[string]*client{"fresh": fresh, "used": used} {
		if _, err := c.r.ReadByte(); err != io.EOF {
			t.Errorf("%s: %v; want an orderly end", name, err)
		}
	}
}

func TestShutdownAnswersWhatIsUnderWayAndSaysThatItCloses(t *testing.T) {
	h := &answering{make(chan struct{})}
	l, stop := running(t, Options{}, h)
	c := dial(t, l)
	if err := c.send(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is served", func() bool { open, idle := l.Connections(); return open == 1 && idle == 0 })
	var stopped sync.WaitGroup
	stopped.Go(func() { stop() })
	eventually(t, "no connection is taken", func() bool {
		n, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			n.Close()
		}
		return err != nil
	})
	close(h.hold)
	if closes, err := c.answer(); !closes || err != nil {
		t.Errorf("answer: closes %v, %v", closes, err)
	}
	stopped.Wait()
}

// TestConnectionsInTheQueueAreServedOnShutdown connects clients that nobody
// has taken yet: the kernel has, and they have sent their requests.
func TestConnectionsInTheQueueAreServedOnShutdown(t *testing.T) {
	l, err := Listen(Options{Address: "127.0.0.1:0"}, ready(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var all []*client
	for range 10 {
		c := dial(t, l)
		if err := c.send(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	l.draining.Store(true)
	_ = l.socket.SetDeadline(past) // Accept would take none of them
	var ran sync.WaitGroup
	ran.Go(l.Run)
	for i, c := range all {
		if closes, err := c.answer(); !closes || err != nil {
			t.Errorf("client %d: closes %v, %v", i, closes, err)
		}
	}
	ran.Wait()
}

// TestARequestThatComesAsTheWaitEndsIsServed has both at once, the end of the
// wait and a request; the runtime tells of the end first.
func TestARequestThatComesAsTheWaitEndsIsServed(t *testing.T) {
	for _, test := range []struct {
		name    string
		sends   bool
		stopped bool
		served  bool
	}{
		{"a request", true, false, true},
		{"no request", false, false, false},
		{"a request to one that was killed", true, true, false},
	} {
		l, err := Listen(Options{Address: "127.0.0.1:0"}, ready(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		k := dial(t, l)
		if test.sends {
			if err := k.send(); err != nil {
				t.Fatal(err)
			}
		}
		nc, err := l.socket.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c := newConn(l, nc)
		c.enter(waiting)
		c.wakeIfIdle()
		c.stopped.Store(test.stopped)
		l.draining.Store(true)
		c.next() // answers what is whole and leaves
		if c.finished != test.served {
			t.Errorf("%s: served %v, want %v", test.name, c.finished, test.served)
		}
		c.in.Release()
		nc.Close()
		l.Abandon()
	}
}

func TestShutdownEndsWhatDoesNotFinishInTime(t *testing.T) {
	h := &answering{make(chan struct{})}
	l, err := Listen(Options{Address: "127.0.0.1:0"}, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var ran sync.WaitGroup
	ran.Go(l.Run)
	c := dial(t, l)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost:"); err != nil { // half a head
		t.Fatal(err)
	}
	eventually(t, "it is read", func() bool { open, idle := l.Connections(); return open == 1 && idle == 0 })
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	l.Shutdown(ctx)
	ran.Wait()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
