package listener

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/socket"
)

// parkAfter is how long a connection is silent before its goroutine leaves it.
// A client that is busy sends its next request sooner; one that is not is
// waited for by all its like together, at a tenth of the memory.
const parkAfter = time.Second

// works are lent to connections that have a goroutine.
var works = sync.Pool{New: func() any { return new(work) }}

func takeWork() *work {
	w := works.Get().(*work)
	w.begin()
	return w
}

// parking is where the connections of a listener wait that were silent for
// long.
type parking struct {
	watch *socket.Watch // nil for none
	after time.Duration
	full  atomic.Bool // it did not take one in; none is offered to it again
}

// openParking returns a parking; where there is none to be had, connections
// keep their goroutines.
func (l *Listener) openParking() {
	l.parking.after = parkAfter
	watch, err := socket.NewWatch()
	if err != nil {
		l.cannotPark(err)
		return
	}
	l.parking.watch = watch
}

func (l *Listener) cannotPark(err error) {
	if l.parking.full.Swap(true) || errors.Is(err, errors.ErrUnsupported) {
		return
	}
	l.log.Warn("connections that wait for a request cannot be watched together; each keeps a goroutine, which takes some memory",
		"listener", l.options.Address, "error", err)
}

// attend wakes parked connections until the returned function is called, when
// there is none any more.
func (p *parking) attend() (stop func()) {
	if p.watch == nil {
		return func() {}
	}
	var running sync.WaitGroup
	running.Go(p.watch.Run)
	return func() {
		p.watch.Close()
		running.Wait()
	}
}

// close is for a parking that nobody attended.
func (p *parking) close() {
	if p.watch != nil {
		p.watch.Close()
	}
}

// askToPark has the goroutine of a connection leave it that is silent for
// long. It wakes with a deadline, and finds that it was asked.
func (c *conn) askToPark(millis int64) {
	p := &c.l.parking
	if p.full.Load() || c.l.draining.Load() {
		return
	}
	if c.reading.ask(millis, p.after) {
		_ = c.nc.SetReadDeadline(past)
	}
}

// park gives a connection away on which nothing came, if its goroutine was
// asked to leave. When it returns true the connection is no longer the
// caller's.
func (c *conn) park(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || c.in.Len() > 0 || c.stopped.Load() || !c.reading.park() {
		return false
	}
	c.unbind()
	c.putDown()
	if err := c.l.parking.watch.Add(c.nc, c); err != nil {
		c.pickUp()
		c.l.cannotPark(err)
		return false
	}
	return true
}

// Wake implements socket.Waker; whoever takes a connection back calls it.
func (c *conn) Wake() { go c.resume() }

// resume is serve from where the connection was parked.
func (c *conn) resume() {
	c.pickUp()
	c.run()
}

// putDown lends back what a silent connection does not need.
func (c *conn) putDown() {
	w := c.work
	c.work = nil
	w.in.Release()
	w.body.Release()
	w.out.Out.Release()
	works.Put(w)
}

// pickUp makes a connection wait again that was parked. Who ended its wait
// meanwhile did so for nobody.
func (c *conn) pickUp() {
	c.work = takeWork()
	if c.reading.unpark() || c.stopped.Load() {
		_ = c.nc.SetReadDeadline(past)
	}
}

// rouse wakes a parked connection whose wait was ended.
func (c *conn) rouse() {
	if c.reading.phase() == parked && (c.reading.expired() || c.stopped.Load()) && c.l.parking.watch.Take(c.nc) {
		c.Wake()
	}
}
