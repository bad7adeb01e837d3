package socket

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Watch waits for connections that say nothing, one goroutine for all of them:
// an epoll instance, which the runtime's own waits for. A goroutine for each
// would cost its stack.
//
// A connection belongs to the Watch from Add on, until Wake is called or Take
// returns true. Who gets it so is its only owner; until then others may touch
// no more of it than its deadlines.
type Watch struct {
	epoll *os.File
	raw   syscall.RawConn

	mu     sync.Mutex
	silent map[uint64]silence // by token
	tokens uint64             // given out; none comes twice, so that an event that is late wakes nobody
}

// silence is a connection that is watched.
type silence struct {
	conn *Conn
	who  Waker
}

// NewWatch returns a Watch. Run is to be called, and in the end Close.
func NewWatch() (*Watch, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	err = unix.SetNonblock(fd, true) // the runtime waits for no other file
	w := &Watch{epoll: os.NewFile(uintptr(fd), "epoll"), silent: map[uint64]silence{}}
	if err == nil {
		err = w.epoll.SetReadDeadline(time.Time{}) // fails when it does not wait for this one
	}
	if err == nil {
		w.raw, err = w.epoll.SyscallConn()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("an epoll to be waited for: %w", err), w.epoll.Close())
	}
	return w, nil
}

// Add gives a connection to the Watch, which wakes who when something comes or
// has come already. The caller must not touch the connection any more; when
// Add fails it is still the caller's.
func (w *Watch) Add(c *Conn, who Waker) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens++
	if err := w.control(c, unix.EPOLL_CTL_ADD, w.tokens); err != nil {
		return err
	}
	c.token = w.tokens
	c.lendBack()
	w.silent[c.token] = silence{c, who}
	return nil
}

// Take takes a connection back. It returns false when the Watch does not have
// it, because it never had or because somebody else was quicker.
func (w *Watch) Take(c *Conn) bool {
	w.mu.Lock()
	s, is := w.silent[c.token]
	is = is && s.conn == c
	if is {
		delete(w.silent, c.token)
	}
	w.mu.Unlock()
	if is {
		w.forget(c)
	}
	return is
}

// forget spares the kernel a look at this epoll whenever something comes on a
// connection that is busy again.
func (w *Watch) forget(c *Conn) { _ = w.control(c, unix.EPOLL_CTL_DEL, 0) }

// control changes what the epoll instance knows of a connection. An event
// comes once; a peer that ends its direction is one.
func (w *Watch) control(c *Conn, operation int, token uint64) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT}
	event.Fd, event.Pad = int32(token), int32(token>>32) // the two halves of epoll_data
	var inner, failed error
	outer := c.raw.Control(func(fd uintptr) {
		inner = w.raw.Control(func(epoll uintptr) {
			failed = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(epoll), operation, int(fd), &event))
		})
	})
	return errors.Join(outer, inner, failed)
}

// Run wakes who is to be woken until Close.
func (w *Watch) Run() {
	events := make([]unix.EpollEvent, 128)
	for {
		n := 0
		err := w.raw.Read(func(fd uintptr) bool { // seen empty, or there is something
			n, _ = unix.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil {
			return
		}
		for i := range events[:n] {
			w.wake(uint64(uint32(events[i].Fd)) | uint64(events[i].Pad)<<32)
		}
	}
}

func (w *Watch) wake(token uint64) {
	w.mu.Lock()
	s, is := w.silent[token]
	delete(w.silent, token)
	w.mu.Unlock()
	if is {
		w.forget(s.conn)
		s.who.Wake()
	}
}

// Close ends Run.
func (w *Watch) Close() { _ = w.epoll.Close() }
