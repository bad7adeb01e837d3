// Package listener accepts downstream connections, bounds them in number and
// time, and turns what they say into exchanges. It speaks HTTP/1.1; other
// versions will hand the same exchanges to the same handler.
package listener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"poise/internal/http1"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/socket"
)

// Options are what a listener goes by. Zero values mean what is said.
type Options struct {
	Address  string
	Trusted  []netip.Prefix // peers whose X-Forwarded-* are believed
	HideVia  bool
	HalfOpen bool // serve a client that closed its sending side; otherwise it counts as gone

	Head        http1.Limits
	HeadTimeout time.Duration // from the first byte of a head to its end; 0 means 10s
	BodyBetween time.Duration // longest wait for a client to send, or to take, some of a body; 0 means 30s
	BodyBytes   int64         // most bytes of a request's body; 0 means no limit
	Keepalive   time.Duration // longest wait for the next request; 0 means 75s
	Connections int           // most at once; 0 means 50000
}

func (o Options) withDefaults() Options {
	if o.HeadTimeout == 0 {
		o.HeadTimeout = 10 * time.Second
	}
	if o.BodyBetween == 0 {
		o.BodyBetween = 30 * time.Second
	}
	if o.Keepalive == 0 {
		o.Keepalive = 75 * time.Second
	}
	if o.Connections == 0 {
		o.Connections = 50000
	}
	return o
}

// Listener is one bound address.
type Listener struct {
	options Options
	handler message.Handler
	log     *slog.Logger
	socket  *socket.Listener

	seats    chan struct{} // one for each connection that may be open
	mu       sync.Mutex
	conns    map[*conn]struct{}
	serving  sync.WaitGroup
	draining atomic.Bool
	accepted chan struct{} // closed when no connection is taken any more
	started  time.Time
	clock    atomic.Int64 // milliseconds since started, as of the last sweep
	parking  parking

	Accepted record.Counter // also numbers the connections
}

// Listen binds an address. Nothing is accepted before Run.
func Listen(o Options, h message.Handler, log *slog.Logger) (*Listener, error) {
	o = o.withDefaults()
	config := net.ListenConfig{KeepAlive: -1, Control: inherited}
	config.SetMultipathTCP(false) // what is set on such a listener is not inherited
	ln, err := config.Listen(context.Background(), "tcp", o.Address)
	if err != nil {
		return nil, BindError(o.Address, err)
	}
	s, err := socket.Listen(ln.(*net.TCPListener))
	if err != nil {
		return nil, BindError(o.Address, err)
	}
	l := &Listener{
		options: o, handler: h, log: log, socket: s,
		seats: make(chan struct{}, o.Connections),
		conns: map[*conn]struct{}{}, accepted: make(chan struct{}), started: time.Now(),
	}
	l.openParking()
	return l, nil
}

// BindError makes a failure to bind one that says which address it is about and
// what to do.
func BindError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: another process already does; stop it or choose another port", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s: permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("cannot listen on %s: this machine has no such address", address)
	}
	return fmt.Errorf("cannot listen on %s: %w", address, err)
}

// inherited sets on the listening socket what accepted ones inherit: TCP
// keep-alive, and what socket has them inherit. It saves six system calls a
// connection.
func inherited(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = errors.Join(
			socket.Inherit(int(fd)),
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, keepIdle, 30),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, unix.TCP_KEEPCNT, 3),
		)
	})
	return errors.Join(err, failed)
}

// Addr returns the bound address.
func (l *Listener) Addr() net.Addr { return l.socket.Addr() }

// Abandon closes a listener that never ran.
func (l *Listener) Abandon() {
	_ = l.socket.Close()
	l.parking.close()
}

// Run accepts and serves until Shutdown or Close.
func (l *Listener) Run() {
	stop := make(chan struct{})
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		l.sweepUntil(stop)
	}()
	left := l.parking.attend()
	l.accept()
	close(l.accepted)
	l.serving.Wait()
	close(stop)
	<-swept
	left()
}

// accept takes connections in as long as there are seats. Without one, or
// without descriptors, clients wait in the kernel's queue.
func (l *Listener) accept() {
	backoff, trouble := time.Duration(0), shortage{log: l.log.With("listener", l.options.Address)}
	for {
		l.seats <- struct{}{}
		nc, err := l.socket.Accept()
		if err != nil {
			<-l.seats
			if l.draining.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
				l.acceptQueued()
				return
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			backoff = min(max(2*backoff, 5*time.Millisecond), time.Second)
			trouble.failed(err, time.Now())
			time.Sleep(backoff)
			continue
		}
		backoff = 0
		trouble.passed(time.Now)
		l.admit(nc)
	}
}

func (l *Listener) admit(nc *socket.Conn) {
	c := newConn(l, nc)
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	l.serving.Add(1)
	go c.serve()
}

// leave gives the seat of a closed connection back.
func (l *Listener) leave(c *conn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	<-l.seats
	l.serving.Done()
}

// lastAccepts is how much longer connections are taken once a listener drains.
// Closing the socket resets those that the kernel has connected and nobody has
// taken yet, and their clients may have sent a request already.
const lastAccepts = 20 * time.Millisecond

// acceptQueued takes what the kernel has connected, without waiting for more,
// and closes the socket.
func (l *Listener) acceptQueued() {
	defer l.socket.Close()
	dropSyns(l.socket)
	for {
		select {
		case l.seats <- struct{}{}:
		default:
			return
		}
		nc := l.socket.Queued()
		if nc == nil {
			<-l.seats
			return
		}
		l.admit(nc)
	}
}

// Shutdown stops accepting, lets exchanges finish, and closes what is left
// when ctx is done. Run returns after it.
func (l *Listener) Shutdown(ctx context.Context) {
	l.draining.Store(true)
	_ = l.socket.SetDeadline(time.Now().Add(lastAccepts))
	select {
	case <-l.accepted:
	case <-time.After(10 * lastAccepts): // every seat is taken, or it never ran
	}
	l.socket.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.serving.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		l.each(func(c *conn) { c.kill() })
		<-done
	}
}

// Connections returns how many connections are open, and how many of them
// wait for a request.
func (l *Listener) Connections() (open, idle int) {
	l.each(func(c *conn) {
		open++
		if c.reading.idle() {
			idle++
		}
	})
	return open, idle
}

func (l *Listener) each(f func(*conn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		f(c)
	}
}
