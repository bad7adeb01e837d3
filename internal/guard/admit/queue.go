// Package admit says what is let in: how many attempts an endpoint takes at a
// time, which requests wait when there is no room, and how often a key may come.
package admit

import (
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// QueueOptions bound the queue of a cluster.
type QueueOptions struct {
	Most    int           // requests that may wait; 0 means that none does
	Timeout time.Duration // longest wait of one; 0 means 1s
}

// Priority is how much a request matters when not all can be served.
type Priority uint8

// The priorities.
const (
	Normal Priority = iota
	High
	Low
)

const priorities = 3

// rank is the order in which priorities are served.
var rank = [priorities]int{Normal: 1, High: 0, Low: 2}

// Verdict is what a waiting request is told.
type Verdict uint8

// The verdicts.
const (
	Go      Verdict = iota + 1 // there is room: pick again; when it is gone, push again with the same Since
	Shed                       // others came first: answer 503 with Retry-After
	Expired                    // it waited as long as it may
)

// Waiter is a request that waits. It belongs to the request and is used again
// for the next, so that waiting allocates nothing.
type Waiter struct {
	// Wake is called once for every Push that returned true, unless Remove
	// took the waiter out before. No lock is held; it must not block.
	Wake func(Verdict)

	Since    stats.Instant // since when the request waits
	Priority Priority

	queued         bool
	next, previous *Waiter
}

// Queue holds requests that found every endpoint at its limit. Normally it is
// first in, first out. Once it has not been empty for a while it is
// overloaded: then the newest goes first, since its client is the likeliest to
// be still there, and nobody waits longer than a twentieth of the timeout, for
// a queue that only delays is no use (adaptive LIFO and controlled delay as in
// Maurer, Fail at Scale, 2015, after CoDel). The lock is taken by requests that
// wait, and by attempts that end while some do.
type Queue struct {
	length atomic.Int32
	shed   atomic.Uint64 // requests that were told to come back later

	mu      sync.Mutex
	options QueueOptions
	lists   [priorities]waiters // by rank
	busy    stats.Instant       // since when it has not been empty
}

// waiters is a list, oldest first.
type waiters struct{ first, last *Waiter }

const (
	overloadPart = 10 // of the timeout, after which a queue is overloaded
	delayPart    = 20 // of the timeout, the longest wait while it is
)

// Configure changes the bounds. Those who wait stay.
func (q *Queue) Configure(o QueueOptions) {
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.options = o
}

// Len returns how many wait.
func (q *Queue) Len() int { return int(q.length.Load()) }

// Shed returns how many were told to come back later.
func (q *Queue) Shed() uint64 { return q.shed.Load() }

// Push makes w wait, and reports whether it does. A full queue sheds the one
// that has waited longest among the least important, or refuses w when that is
// more important. After Push the caller picks once more, and calls Remove when
// that finds room: the attempt that would have woken it may have ended before
// it was in the queue.
func (q *Queue) Push(w *Waiter, now stats.Instant) bool {
	if w.Since == 0 {
		w.Since = now
	}
	shed, ok := q.insert(w, now)
	if shed != nil {
		q.shed.Add(1)
		shed.Wake(Shed)
	}
	if !ok {
		q.shed.Add(1)
	}
	return ok
}

func (q *Queue) insert(w *Waiter, now stats.Instant) (shed *Waiter, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.options.Most <= 0 || now.Sub(w.Since) >= q.allowed(now) {
		return nil, false
	}
	if q.Len() >= q.options.Most {
		if shed = q.least(); rank[shed.Priority] < rank[w.Priority] {
			return nil, false
		}
		q.unlink(shed)
	}
	if q.Len() == 0 && shed == nil {
		q.busy = now
	}
	q.link(w)
	return shed, true
}

// least is the one that has waited longest among the least important.
func (q *Queue) least() *Waiter {
	for r := priorities - 1; r >= 0; r-- {
		if w := q.lists[r].first; w != nil {
			return w
		}
	}
	return nil
}

// Next wakes the next in turn, when there is one.
func (q *Queue) Next(now stats.Instant) {
	if w := q.pop(now); w != nil {
		w.Wake(Go)
	}
}

func (q *Queue) pop(now stats.Instant) *Waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	allowed, overloaded := q.allowed(now), q.overloaded(now)
	for r := range q.lists {
		w := q.lists[r].first
		if overloaded {
			w = q.lists[r].last
		}
		for ; w != nil && now.Sub(w.Since) >= allowed; w = w.next { // Sweep tells them
			if overloaded { // the newest of the list is too old, so all are
				w = nil
				break
			}
		}
		if w != nil {
			q.unlink(w)
			return w
		}
	}
	return nil
}

// Remove takes w out, and reports whether it was still waiting. When it was
// not, Wake was called or is about to be.
func (q *Queue) Remove(w *Waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !w.queued {
		return false
	}
	q.unlink(w)
	return true
}

// Sweep tells those who have waited too long.
func (q *Queue) Sweep(now stats.Instant) {
	for q.Len() > 0 {
		w, v := q.expired(now)
		if w == nil {
			return
		}
		q.shed.Add(1)
		w.Wake(v)
	}
}

func (q *Queue) expired(now stats.Instant) (*Waiter, Verdict) {
	q.mu.Lock()
	defer q.mu.Unlock()
	allowed := q.allowed(now)
	for r := range q.lists {
		for w := q.lists[r].first; w != nil; w = w.next {
			waited := now.Sub(w.Since)
			if waited < allowed {
				continue // one that came back with its old time may stand behind a younger one
			}
			q.unlink(w)
			if waited >= q.options.Timeout {
				return w, Expired
			}
			return w, Shed
		}
	}
	return nil, 0
}

// Overloaded reports whether the queue has not been empty for a while.
func (q *Queue) Overloaded(now stats.Instant) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.overloaded(now)
}

func (q *Queue) overloaded(now stats.Instant) bool {
	return q.Len() > 0 && now.Sub(q.busy) >= q.options.Timeout/overloadPart
}

// allowed is how long a request may wait.
func (q *Queue) allowed(now stats.Instant) time.Duration {
	if q.overloaded(now) {
		return q.options.Timeout / delayPart
	}
	return q.options.Timeout
}

func (q *Queue) link(w *Waiter) {
	l := &q.lists[rank[w.Priority]]
	w.queued, w.next, w.previous = true, nil, l.last
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	q.length.Add(1)
}

func (q *Queue) unlink(w *Waiter) {
	l := &q.lists[rank[w.Priority]]
	if w.previous == nil {
		l.first = w.next
	} else {
		w.previous.next = w.next
	}
	if w.next == nil {
		l.last = w.previous
	} else {
		w.next.previous = w.previous
	}
	w.queued, w.next, w.previous = false, nil, nil
	q.length.Add(-1)
}
