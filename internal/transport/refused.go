package transport

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// refused remembers for a moment that an endpoint takes no connections, so
// that an outage does not cost a dial for each request: half of the time of a
// request that is refused is spent in connect(2). While it remembers, one
// dialer after the other still finds out whether the endpoint is back, and
// everybody else is told at once.
//
// Refused is refused: nobody listens there. Connections that are made and
// reset are only believed when many in a row were, with no answer between.
type refused struct {
	until  atomic.Int64 // Instant up to which nobody dials; 0 when the endpoint takes connections
	resets atomic.Int32 // exchanges in a row that were reset before their answer
}

const (
	refusedFor = 50 * time.Millisecond
	// manyResets is how many resets in a row stand for a refusal. Of an endpoint
	// that answers one request in ten it takes a thousand requests to see as
	// many.
	manyResets = 64
)

// errRefused is told while nobody dials.
var (
	errRefused = &Error{Op: "connect", Outcome: lb.Connect, Err: fmt.Errorf("not tried: %w less than %v ago", syscall.ECONNREFUSED, refusedFor)}
	errResets  = &Error{Op: "connect", Outcome: lb.Connect, Err: fmt.Errorf("not tried: the last %d exchanges or more were reset before their answer", manyResets)}
)

// mayDial returns nil for whoever may dial, else what to tell. The turn that
// it gives away passes on after refusedFor, whatever becomes of the dial.
func (r *refused) mayDial(now func() stats.Instant) error {
	until := r.until.Load()
	if until == 0 {
		return nil
	}
	if at := now(); int64(at) >= until && r.until.CompareAndSwap(until, int64(at.Add(refusedFor))) {
		return nil
	}
	if r.resets.Load() >= manyResets {
		return errResets
	}
	return errRefused
}

// dialed notes what came of a dial.
func (r *refused) dialed(err error, now func() stats.Instant) {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		r.until.Store(int64(now().Add(refusedFor)))
	case err == nil && r.resets.Load() < manyResets && r.until.Load() != 0:
		r.until.Store(0)
	}
}

// reset notes an exchange that was reset before its answer.
func (r *refused) reset(now func() stats.Instant) {
	if r.resets.Load() >= manyResets || r.resets.Add(1) >= manyResets {
		r.until.Store(int64(now().Add(refusedFor)))
	}
}

// answered notes the head of an answer.
func (r *refused) answered() {
	if r.resets.Load() != 0 {
		r.resets.Store(0)
		r.until.Store(0)
	}
}
