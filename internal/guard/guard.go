// Package guard protects single requests, whatever policy is active: it
// ejects endpoints that fail, lag or hang and takes them back by trials and a
// ramp, bounds retries and hedges, and limits what an endpoint and a cluster
// take at a time.
//
// It is made of state machines that time is an argument of. Nothing here
// starts a goroutine or reads a clock, and a request takes no lock: a judgement
// that finds the guard busy is left to the next failure. Where each call goes:
//
//	admit   Guard.Request, once for a request; Rate.Take before it, on routes that have a rate
//	pick    Guard.Pick, in place of the picker's Pick; ErrSaturated leads to Queue.Push or 503
//	attempt Guard.Open with the lease, Ticket.Answered with the answer's head, Guard.Close with the lease
//	retry   Budget.Spend for every attempt after the first, unless Ticket.Taken; SpendHedge for a hedge
//	tick    Guard.Tick every TickEvery: calls Take of what it returns, and publishes when it says Changed
//	change  Guard.Watch after every snapshot of the cluster, Guard.Configure after a reload
//
// docs/adr/0008 says the same by function.
package guard

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/guard/admit"
	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/guard/retry"
	"poise/internal/guard/room"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Options are what a guard goes by. Defaults returns what is recommended; the
// zero value ejects nobody, ramps nobody up and enforces no limit.
type Options struct {
	MaxEjected  float64       // share of the endpoints that may be ejected at a time, [0, 1]; 0 means none, otherwise one of several may
	Base        time.Duration // of the first ejection; doubles with every one that follows
	Max         time.Duration // of any ejection
	Panic       float64       // share of usable endpoints, [0, 1], below which ejections are ignored; 0 means never
	SlowStart   time.Duration // of a new endpoint and of one that was taken back; 0 means none
	Aggression  float64       // of the ramp: above 1 it begins steeper; 0 means 1, linear
	Concurrency Mode
	Limit       int // with Fixed
	Hedge       retry.Hedge
	Queue       admit.QueueOptions
}

// Defaults returns the recommended options.
func Defaults() Options {
	return Options{MaxEjected: 0.5, Base: 5 * time.Second, Max: time.Minute, Panic: 0.5, SlowStart: 10 * time.Second}
}

// Member is an endpoint that the guard watches: one that an operator left
// enabled, of the tier in use.
type Member struct {
	Endpoint *lb.Endpoint
	Usable   bool // the checks find it well, or do not look
}

type member struct {
	endpoint *lb.Endpoint
	guard    *Endpoint
	usable   bool
}

// Guard protects the requests of one cluster. Its methods may be called from
// any goroutine.
type Guard struct {
	budget  *retry.Budget
	queue   admit.Queue
	journal journal.Journal

	// Read by every request, written when something changes.
	trialAt   atomic.Int64             // Instant from which an ejected endpoint may be tried
	out       atomic.Pointer[[]member] // usable and ejected
	panicking atomic.Bool
	hedge     atomic.Int64  // ns to wait before a hedge; 0 for none
	failing   atomic.Uint64 // share of failures of the cluster right now, as float bits
	version   atomic.Uint64

	mu       sync.Mutex
	options  Options
	members  []member
	total    outlier.Tallies
	summedAt stats.Instant
	compared stats.Instant  // last endpoint with the others
	answers  stats.Snapshot // of the last windows of all endpoints that take requests

	ticked, latencyAt, limitsAt stats.Instant
	told                        uint64 // version that the last tick reported

	report  Report // memory that is used again
	hanging []hang
	lonely  []*Endpoint
	usual   map[string]*flight.Usual // by route

	shedding shedding
	room     room.Room
	fresh    []slowness
	logs     []float64
	order    []outlier.Tally
	queues   []float64
}

// New returns a guard that shares a budget with whoever spends it.
func New(o Options, b *retry.Budget) *Guard {
	g := &Guard{budget: b}
	g.out.Store(&[]member{})
	g.trialAt.Store(math.MaxInt64)
	g.Configure(o)
	return g
}

// Configure changes the options. Who is ejected stays ejected.
func (g *Guard) Configure(o Options) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.options = o
	g.queue.Configure(o.Queue)
	g.learnLimits()
	if o.Hedge == (retry.Hedge{}) {
		g.hedge.Store(0)
	}
}

// Budget returns the budget of retries and hedges.
func (g *Guard) Budget() *retry.Budget { return g.budget }

// Queue returns the queue of requests that found every endpoint at its limit.
func (g *Guard) Queue() *admit.Queue { return &g.queue }

// Journal returns what the guard did.
func (g *Guard) Journal() *journal.Journal { return &g.journal }

// Request counts a request in.
func (g *Guard) Request() { g.budget.Request() }

// HedgeAfter returns how long to wait before a hedge, false for no hedge.
func (g *Guard) HedgeAfter() (time.Duration, bool) {
	d := time.Duration(g.hedge.Load())
	return d, d > 0
}

func (g *Guard) setHedge(recent *stats.Snapshot) {
	d, ok := g.options.Hedge.Delay(recent)
	if !ok && g.options.Hedge.Quantile > 0 && g.options.Hedge.Quantile < 1 {
		return // too little was seen this time
	}
	g.hedge.Store(int64(d))
}

// Watch makes members the endpoints that the guard watches. It is called with
// every snapshot of the cluster. A new endpoint, and one that the checks find
// well again, ramps up.
func (g *Guard) Watch(members []Member, now stats.Instant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := map[*Endpoint]bool{}
	for _, m := range g.members {
		was[m.guard] = m.usable
		m.guard.counted = false // unless it is still here, which changed finds out
	}
	next := make([]member, 0, len(members))
	for _, m := range members {
		e := of(m.Endpoint)
		if e == nil {
			continue
		}
		next = append(next, member{m.Endpoint, e, m.Usable})
	}
	g.members = next
	for _, m := range next {
		if m.usable && !was[m.guard] && m.guard.phase.Load() != uint32(Ejected) {
			m.guard.latency.restart(m.guard.stats)
			g.startRamp(m.guard, now)
		}
	}
	g.changed(now)
	g.repace(now)
	g.learnLimits()
}

// Panicking reports whether so few endpoints are left that ejections are
// ignored.
func (g *Guard) Panicking() bool { return g.panicking.Load() }

// Ejected reports whether e is to be left out of what a picker may pick. While
// too few are left nobody is.
func (g *Guard) Ejected(e *lb.Endpoint) bool {
	x := of(e)
	return x != nil && x.phase.Load() == uint32(Ejected) && !g.panicking.Load()
}
