package listener

import (
	"time"

	"golang.org/x/sys/unix"

	"poise/internal/socket"
)

// sweepEvery is how often connections are looked at for time that is over and
// for clients that left. It is all that timeouts cost: no request arms one.
const sweepEvery = 100 * time.Millisecond

// drainIdle is how long a connection may wait for its next request while the
// listener drains. A client that is busy sends it sooner, and is told with the
// answer that the connection closes; closing at once would reset the request
// that is on its way.
const drainIdle = 500 * time.Millisecond

func (l *Listener) sweepUntil(stop <-chan struct{}) {
	poller := socket.NewPoller()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			millis := time.Since(l.started).Milliseconds()
			l.clock.Store(millis)
			l.each(func(c *conn) { c.sweep(millis, poller) })
		}
	}
}

// limit returns how long a phase may last.
func (l *Listener) limit(p phase) time.Duration {
	switch p {
	case waiting, parked:
		return l.options.Keepalive
	case heading:
		return l.options.HeadTimeout
	case inBody, writing:
		return l.options.BodyBetween
	case lingering:
		return lingerTime
	}
	return 0
}

func (c *conn) sweep(millis int64, p *socket.Poller) {
	if c.reading.expire(millis, c.l.limit) {
		_ = c.nc.SetReadDeadline(past)
	}
	if c.l.draining.Load() && c.reading.lasts(millis) >= drainIdle.Milliseconds() {
		c.wakeIfIdle()
	}
	c.askToPark(millis)
	c.rouse()
	if c.writing.expire(millis, c.l.limit) {
		_ = c.nc.SetWriteDeadline(past)
	}
	if c.reading.phase() == serving && c.reading.lasts(millis) >= sweepEvery.Milliseconds() && c.left(p) {
		c.leave()
	}
}

var past = time.Unix(1, 0)

// enter begins a phase of reading.
func (c *conn) enter(p phase) {
	if c.reading.enter(p, c.l.clock.Load()) && !c.stopped.Load() {
		c.unbind()
	}
}

// unbind takes back the deadline that ended a wait. Whoever ends the next one
// marks it first and then sets the deadline, so one that was marked meanwhile
// gets it again.
func (c *conn) unbind() {
	_ = c.nc.SetReadDeadline(time.Time{})
	if c.stopped.Load() || c.reading.expired() {
		_ = c.nc.SetReadDeadline(past)
	}
}

// wakeIfIdle ends a wait for the next request.
func (c *conn) wakeIfIdle() {
	if c.reading.end() {
		_ = c.nc.SetReadDeadline(past)
	}
}

// kill makes everything on the connection fail; its owner then closes it.
func (c *conn) kill() {
	c.stopped.Store(true)
	_ = c.nc.SetDeadline(past)
	c.leave()
	c.rouse() // one that parks just now the next sweep rouses
}

// leave tells whoever watches that the client has left.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	if c.watcher != nil {
		c.watcher.Cancel()
	}
}

// left reports whether the client closed its connection. One that only closed
// its sending side counts as gone unless the listener serves such clients.
func (c *conn) left(p *socket.Poller) bool {
	events := c.nc.Poll(p)
	if events&(unix.POLLHUP|unix.POLLERR) != 0 {
		return true
	}
	return events&socket.Ended != 0 && !c.l.options.HalfOpen
}
