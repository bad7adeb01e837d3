package guard

import (
	"math"
	"sync/atomic"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// Phase is where an endpoint stands.
type Phase uint32

// The phases. An endpoint goes from Serving to Ejected, by trials to Ramping
// and from there back to Serving; a new one begins with Ramping.
const (
	Serving Phase = iota
	Ramping       // takes a part of its share that grows
	Ejected       // takes nothing, and once its time is over one trial at a time
)

var phaseNames = [...]string{"serving", "ramping", "ejected"}

// String returns the phase's name in logs and metrics.
func (p Phase) String() string { return phaseNames[p] }

// Endpoint is what the guard keeps of one address. It lives as long as the
// address is in its cluster.
type Endpoint struct {
	address string
	live    *lb.Live
	stats   *lb.Stats

	// Read by every pick, written when something changes.
	phase   atomic.Uint32
	limit   atomic.Int32 // most attempts under way; 0 for no limit
	until   atomic.Int64 // Instant from which an ejected endpoint is tried
	trials  trials
	pace    pace
	patient atomic.Int64 // longest a trial may take in ns; 0 for any

	_ [64]byte // what every attempt writes stays off the lines above
	window
	answered atomic.Uint32 // millisecond of the last answer's head
	judged   atomic.Int64  // Instant of the last judgement for a failure
	open     chunk
	_        [64]byte

	// Changed under the guard's lock.
	cause     Cause
	why       Evidence      // that the ejection rests on
	level     int           // ejections that still count
	lost      int           // trials since it was ejected that failed
	since     stats.Instant // of the phase
	ramp      ramp
	latency   latency
	work      work
	loan      loan
	gradient  gradient
	proposed  int // limit that the gradient came to, also when it is not enforced
	counted   bool
	seen      tallies // what of total is its own
	hangs     bool
	vain      int    // attempts taken back one by one since the endpoint's last answer
	vainSince uint32 // millisecond of that answer
	enforced  int    // limit that was last told
	toldAt    stats.Instant
	held      [gates]stats.Instant // when a hold-back by this gate was last told

	watched   uint64 // number of the trial that the last tick saw, and when an attempt of it was last there
	watchedAt stats.Instant
}

// Attach gives e its state. It is called once for an address, before requests
// are sent there; an Endpoint with other weights takes the state over with
// everything else.
func Attach(e *lb.Endpoint) {
	e.Guard = &Endpoint{address: e.Address, live: e.Live, stats: e.Stats}
}

// of returns e's state, nil when it has none.
func of(e *lb.Endpoint) *Endpoint {
	g, _ := e.Guard.(*Endpoint)
	return g
}

// Status is an endpoint's state for people and metrics.
type Status struct {
	Phase  Phase
	Trying bool          // ejected, and its time is over
	Cause  Cause         // of the ejection
	Why    Evidence      // that it rests on
	Lost   int           // trials since that failed
	Since  stats.Instant // of the phase
	Until  stats.Instant // end of the ejection
	Factor float64       // part of its share that it takes, in [0, 1]
	Limit  int           // of attempts under way as learnt, 0 when nothing is; in force only when it is enforced
}

// Status returns an endpoint's state.
func (g *Guard) Status(e *lb.Endpoint, now stats.Instant) Status {
	x := of(e)
	if x == nil {
		return Status{Factor: 1}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Status{Phase: Phase(x.phase.Load()), Cause: x.cause, Since: x.since, Factor: x.pace.factor(), Limit: x.proposed}
	if s.Phase == Ejected {
		s.Until = stats.Instant(x.until.Load())
		s.Trying = now >= s.Until
		s.Factor = 0
		s.Why, s.Lost = x.why, x.lost
	}
	return s
}

// Factor returns what a policy or a snapshot may multiply e's weight by: 1,
// less while e ramps up, 0 while it is ejected.
func Factor(e *lb.Endpoint) float64 {
	x := of(e)
	switch {
	case x == nil:
		return 1
	case x.phase.Load() == uint32(Ejected):
		return 0
	}
	return x.pace.factor()
}

// pace spaces the picks of an endpoint that ramps up, by the virtual schedule
// of GCRA: one word, no bucket to refill. Zero means unpaced.
type pace struct {
	spacing atomic.Int64 // ns between two picks
	next    atomic.Int64 // Instant the next pick is due
	part    atomic.Uint64
}

func (p *pace) factor() float64 {
	if p.spacing.Load() == 0 && p.part.Load() == 0 {
		return 1
	}
	return math.Float64frombits(p.part.Load())
}

// set says what part of its share the endpoint takes, and what that is in
// picks a second. A rate of 0 or less means that the rate is not known and
// nothing is held back.
func (p *pace) set(part, rate float64) {
	p.part.Store(math.Float64bits(part))
	spacing := int64(0)
	if rate > 0 {
		spacing = int64(float64(time.Second) / rate)
	}
	p.spacing.Store(spacing)
}

// take reports whether a pick is due, and takes it.
func (p *pace) take(now stats.Instant) bool {
	spacing := p.spacing.Load()
	if spacing == 0 {
		return true
	}
	next := p.next.Load()
	if next > int64(now)+spacing { // one may come early, for arrivals are not even
		return false
	}
	return p.next.CompareAndSwap(next, max(next, int64(now))+spacing)
}

// trials is the state of the trials of an ejected endpoint in one word: the
// number of the last one (48 bits), how many went well (14) and what goes on.
type trials struct{ word atomic.Uint64 }

const (
	trialIdle = iota
	trialBusy
	trialLost

	trialsWon    = 14
	trialNumber  = 16
	trialState   = 3
	trialWonMask = 1<<trialsWon - 1
)

func (t *trials) read() (number uint64, won, state int) {
	w := t.word.Load()
	return w >> trialNumber, int(w >> 2 & trialWonMask), int(w & trialState)
}

// begin claims the one trial there may be at a time.
func (t *trials) begin(need int) bool {
	w := t.word.Load()
	if w&trialState != trialIdle || int(w>>2&trialWonMask) >= need {
		return false
	}
	return t.word.CompareAndSwap(w, w&^trialState+1<<trialNumber|trialBusy)
}

// verdict is what a trial came to.
type verdict uint8

const (
	undecided verdict = iota
	won
	lost
)

// end closes trial number n, when it is still the one that goes on.
func (t *trials) end(n uint64, v verdict) bool {
	w := t.word.Load()
	if w>>trialNumber != n || w&trialState != trialBusy {
		return false
	}
	next := w &^ trialState
	switch v {
	case won:
		next += 1 << 2
	case lost:
		next |= trialLost
	}
	return t.word.CompareAndSwap(w, next)
}

// clear forgets how many went well; a trial that goes on counts no more.
func (t *trials) clear() { t.word.Store((t.word.Load()>>trialNumber + 1) << trialNumber) }
