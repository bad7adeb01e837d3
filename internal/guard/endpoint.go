package guard

import (
	"sync/atomic"

	"poise/internal/guard/admit"
	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/guard/readmit"
	"poise/internal/guard/room"
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
	trials  readmit.Trials
	pace    readmit.Pace
	patient atomic.Int64 // longest a trial may take in ns; 0 for any

	_      [64]byte       // what every attempt writes stays off the lines above
	ended  outlier.Window // attempts that did
	row    outlier.Row    // of failures
	judged atomic.Int64   // Instant of the last judgement for a failure
	open   flight.List
	_      [64]byte

	// Changed under the guard's lock.
	cause     journal.Cause
	why       journal.Evidence // that the ejection rests on
	level     int              // ejections that still count
	lost      int              // trials since it was ejected that failed
	since     stats.Instant    // of the phase
	ramp      ramp
	latency   latency
	work      room.Work
	loan      room.Loan
	gradient  admit.Gradient
	proposed  int // limit that the gradient came to, also when it is not enforced
	counted   bool
	seen      outlier.Tallies // what of total is its own
	hangs     bool
	vain      int    // attempts taken back one by one since the endpoint's last answer
	vainSince uint32 // millisecond of that answer
	enforced  int    // limit that was last told
	toldAt    stats.Instant
	held      [journal.Gates]stats.Instant // when a hold-back by this gate was last told

	watched   uint64 // number of the trial that the last tick saw, and when an attempt of it was last there
	watchedAt stats.Instant
}

// Attach gives e its state. It is called once for an address, before requests
// are sent there; an Endpoint with other weights takes the state over with
// everything else.
func Attach(e *lb.Endpoint) {
	e.Guard = &Endpoint{address: e.Address, live: e.Live, stats: e.Stats}
}

// forget drops what attempts before now have shown.
func (e *Endpoint) forget() {
	e.ended.Clear()
	e.row.Break()
	e.latency.restart(e.stats)
}

// of returns e's state, nil when it has none.
func of(e *lb.Endpoint) *Endpoint {
	g, _ := e.Guard.(*Endpoint)
	return g
}

// Status is an endpoint's state for people and metrics.
type Status struct {
	Phase  Phase
	Trying bool             // ejected, and its time is over
	Cause  journal.Cause    // of the ejection
	Why    journal.Evidence // that it rests on
	Lost   int              // trials since that failed
	Since  stats.Instant    // of the phase
	Until  stats.Instant    // end of the ejection
	Factor float64          // part of its share that it takes, in [0, 1]
	Limit  int              // of attempts under way as learnt, 0 when nothing is; in force only when it is enforced
}

// Status returns an endpoint's state.
func (g *Guard) Status(e *lb.Endpoint, now stats.Instant) Status {
	x := of(e)
	if x == nil {
		return Status{Factor: 1}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Status{Phase: Phase(x.phase.Load()), Cause: x.cause, Since: x.since, Factor: x.pace.Factor(), Limit: x.proposed}
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
	return x.pace.Factor()
}
