// Package learn finds out from finished attempts how fast each endpoint of a
// cluster works, how many requests it works on at once, how often it fails
// beyond what is usual, and whether it is faster with a key that it has just
// seen. It asks nobody and sends nothing: the records are all there is.
//
// The model of an endpoint is one number of slots and one time:
//
//	latency ≈ service × max(1, (inflight+1)/capacity)
//
// which holds well enough for queues with slots and for processor sharing
// alike. What is learnt goes to lb.Live and lb.Affinity, where the policy
// expected-delay reads it.
//
// A Learner is pure: the same records and ticks make the same estimates.
package learn

import (
	"math"
	"math/bits"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

const (
	fitEvery   = time.Second
	mergeEvery = 250 * time.Millisecond
	// remembered is how long an address that has left is known. One that comes
	// back within it is as fast as it was, until it shows something else.
	remembered = 300 * time.Second
	mostGone   = 1024 // of those

	// firstCapacity is assumed until the cluster has shown its own: few enough
	// that nobody is flooded. Half the truth costs 5 %, twice the truth 25 %.
	firstCapacity = 3 // index of 4

	leastLatency = 1e-6 // seconds: an answer within one tick of the clock
	mostLatency  = 3600
)

// Options are what a Learner goes by.
type Options struct {
	Affinity *lb.Affinity // where the memory of keys is kept; nil for a cluster without keys
}

// Learner learns one cluster. It belongs to one goroutine.
type Learner struct {
	members []*endpoint // in the order of Members
	byID    map[uint32]*endpoint
	table   []*endpoint          // byID in short: at the number modulo its length, a power of two
	gone    map[string]*endpoint // by address, those that have left

	now             stats.Instant // of the last tick
	fitAt, mergedAt stats.Instant
	due             bool    // for a merge, before its time
	fleet           int     // index of the capacity that the cluster as a whole shows
	shown           bool    // that one was seen, not only assumed
	load            float64 // mean number in flight that a request meets
	usual           float64
	keys            keys
	share           share
	groups          groups // memory that is used again
}

// endpoint is what is known of one.
type endpoint struct {
	to      *lb.Endpoint
	left    stats.Instant // 0 while it is a member
	speed   speed
	work    work
	faults  faults
	reuse   [reuseBins]float64 // recent requests by how long ago their key was here
	served  uint32
	waits   []float64 // ages in seconds of attempts that wait unusually long
	service float64   // seconds, after merging; 0 for not known
	thinning
}

// New returns a Learner that knows nothing.
func New(o Options) *Learner {
	return &Learner{
		byID: map[uint32]*endpoint{}, gone: map[string]*endpoint{}, fleet: firstCapacity, load: 1,
		keys: keys{to: o.Affinity, effect: noEffect},
	}
}

// Members names the endpoints of the cluster from now on. An address that was
// one within the last five minutes is known already.
func (l *Learner) Members(all []*lb.Endpoint) {
	was := l.byID
	l.byID = make(map[uint32]*endpoint, len(all))
	l.members = l.members[:0:0]
	for _, e := range all {
		m := was[e.ID]
		if m == nil {
			m = l.returning(e, was)
		}
		delete(was, e.ID)
		delete(l.gone, e.Address)
		m.to, m.left = e, 0
		e.Live.SetServed(m.served)
		l.byID[e.ID] = m
		l.members = append(l.members, m)
	}
	for id, m := range was { // the order does not matter: each is kept or not for its own reasons
		if m.left == 0 {
			m.left = max(l.now, 1)
		}
		if l.forget(m) {
			continue
		}
		l.gone[m.to.Address] = m
		l.byID[id] = m // attempts that are still under way
	}
	for len(l.gone) > mostGone {
		l.drop(l.oldestGone())
	}
	l.index()
	l.due = true
}

// index makes the table. Numbers are given in turn, so members hardly ever
// share a place in it; of those that do one is found by the map.
func (l *Learner) index() {
	l.table = make([]*endpoint, 1<<bits.Len(uint(2*len(l.members))))
	for _, m := range l.members {
		l.table[m.to.ID&uint32(len(l.table)-1)] = m
	}
}

// find returns what is known of the endpoint with this number, nil for
// nothing.
func (l *Learner) find(id uint32) *endpoint {
	if len(l.table) > 0 {
		if e := l.table[id&uint32(len(l.table)-1)]; e != nil && e.to.ID == id {
			return e
		}
	}
	return l.byID[id]
}

// returning is the state of an address that comes, or comes back under another
// number.
func (l *Learner) returning(e *lb.Endpoint, was map[uint32]*endpoint) *endpoint {
	m := l.gone[e.Address]
	if m == nil || l.forget(m) {
		return &endpoint{work: work{capacity: -1}}
	}
	delete(was, m.to.ID)
	return m
}

// forget reports whether it is too long ago that m left.
func (l *Learner) forget(m *endpoint) bool { return m.left != 0 && l.now.Sub(m.left) > remembered }

func (l *Learner) drop(address string) {
	m := l.gone[address]
	delete(l.gone, address)
	if l.byID[m.to.ID] == m {
		delete(l.byID, m.to.ID)
	}
}

// oldestGone returns the address that left first; of several the least one.
func (l *Learner) oldestGone() (address string) {
	for a, m := range l.gone {
		if o := l.gone[address]; o == nil || m.left < o.left || m.left == o.left && a < address {
			address = a
		}
	}
	return address
}

// Observe learns from a finished attempt. Attempts come in the order of their
// end, more or less. Those of endpoints that were never members are ignored.
func (l *Learner) Observe(r *lb.Record) {
	e := l.find(r.Endpoint)
	if e == nil || r.Flags&lb.Trial != 0 {
		return
	}
	now := r.End()
	latency := min(max(float64(r.Latency)/1e9, leastLatency), mostLatency)
	switch {
	case r.Outcome == lb.Canceled:
		// Its answer would have taken at least so long. That says something only
		// when it is unusual, and then it must be heard: the slow answers of an
		// endpoint whose clients leave, or whose hedges win, would all be missing.
		if r.Latency > 0 && r.Flags&lb.Streaming == 0 && e.unusual(latency, int(r.Inflight)) {
			bin := loadBin(int(r.Inflight))
			l.observeSpeed(e, now, latency*e.work.invLoad(bin), math.Log(latency)-e.work.logLoad(bin))
		}
	case r.Outcome.Failed() || r.Outcome == lb.Pressure:
		e.faults.observe(now, true)
	default:
		e.faults.observe(now, false)
		if r.Flags&lb.Streaming == 0 && r.Latency > 0 {
			l.observeSuccess(e, r, latency)
		}
	}
}

func (l *Learner) observeSuccess(e *endpoint, r *lb.Record, latency float64) {
	e.served++
	if e.work.capacity < 0 {
		e.work.capacity = l.fleet
	}
	reuse := -1
	if r.Flags&lb.Keyed != 0 {
		reuse = l.keys.visit(e, r.Key)
		l.settle(e, r.Key)
	}
	e.to.Live.SetServed(e.served)
	if !e.takes() {
		return
	}
	bin := loadBin(int(r.Inflight))
	alone := latency * e.work.invLoad(bin)
	keyed, even := l.keys.effect.meanLog, l.keys.effect.meanInv
	if reuse >= 0 {
		l.keys.observe(reuse, alone, e)
		keyed, even = l.keys.effect.log(reuse), l.keys.effect.inv(reuse)
	}
	l.observeSpeed(e, r.End(), alone*even, math.Log(latency)-(e.work.logLoad(bin)+keyed))
	e.work.observe(bin, latency*even)
}

// observeSpeed learns from an answer: its latency if it had been alone at the
// endpoint, and the log of that.
func (l *Learner) observeSpeed(e *endpoint, now stats.Instant, alone, log float64) {
	if e.speed.observe(now, alone, log) {
		e.work.clear() // the old speed says nothing about the new one; the capacity is kept
		l.due = true
	}
}

// unusual reports whether a latency is longer than nearly all of the
// endpoint's at that load.
func (e *endpoint) unusual(latency float64, inflight int) bool {
	return e.speed.known() && math.Log(latency)-e.work.logLoad(loadBin(inflight)) > e.speed.p99()
}

// Waiting names the attempts that are still under way, in place of those that
// it named before. One that has waited longer than nearly all others counts
// with its age until it has ended: an endpoint that hangs shows in nothing
// else.
func (l *Learner) Waiting(all []lb.Pending) {
	for _, m := range l.members {
		m.waits = m.waits[:0]
	}
	for _, p := range all {
		e := l.find(p.Endpoint)
		age := min(max(p.Age.Seconds(), leastLatency), mostLatency)
		if e == nil || e.left != 0 || len(e.waits) == mostWaits || !e.unusual(age, e.to.Live.Inflight()) {
			continue
		}
		e.waits = append(e.waits, age)
	}
}

// mostWaits bounds the attempts of one endpoint that Waiting keeps.
const mostWaits = 32

// Tick does what is due and publishes what is known.
func (l *Learner) Tick(now stats.Instant) {
	l.thin(now.Sub(l.now))
	l.now = now
	if l.fitAt == 0 || now < l.fitAt { // a clock that went back starts anew
		l.fitAt = now
	}
	if age := now.Sub(l.fitAt); age >= fitEvery {
		l.fitAt = now
		l.fit(age)
		l.due = true
	}
	if l.due || now < l.mergedAt || now.Sub(l.mergedAt) >= mergeEvery {
		l.mergedAt, l.due = l.now, false
		l.merge()
	}
	l.usual = l.usualFailures()
	l.publish()
}

// fit learns what takes many records: capacities, and what a key does.
func (l *Learner) fit(age time.Duration) {
	l.share.turn()
	l.fitCapacities()
	was := l.keys.effect
	if l.keys.fit(age); l.keys.effect != was {
		l.rebaseForKeys(&was)
	}
	for _, m := range l.members {
		m.work.fade(age)
		for i := range m.reuse {
			m.reuse[i] *= decay(age, reuseTau)
		}
	}
	for address, m := range l.gone {
		if l.forget(m) {
			l.drop(address)
		}
	}
}

func (l *Learner) publish() {
	mean := l.keys.effect.mean
	for _, m := range l.members {
		v := lb.Learnt{Usual: l.usual, Failing: m.faults.beyond(l.now, l.usual)}
		if m.service > 0 {
			v.Service = time.Duration(m.service * mean * float64(time.Second))
			v.Capacity = capacities[l.capacityOf(m)]
			v.Shown, v.Better = m.work.identified || l.shown, m.speed.better
		}
		m.to.Live.SetLearnt(v)
	}
	l.keys.publish()
}

// capacityOf is the index of m's capacity, the cluster's while it has none.
func (l *Learner) capacityOf(m *endpoint) int {
	if m.work.capacity < 0 {
		return l.fleet
	}
	return m.work.capacity
}

// Clone returns a Learner with the same knowledge that shares nothing with l.
// It publishes to onto, which are clones of l's members, and to a.
func (l *Learner) Clone(onto []*lb.Endpoint, a *lb.Affinity) *Learner {
	c := *l
	c.byID, c.gone = make(map[uint32]*endpoint, len(onto)), map[string]*endpoint{}
	c.members, c.groups = nil, groups{}
	c.keys = l.keys.clone(a)
	for _, e := range onto {
		m := &endpoint{work: work{capacity: -1}}
		if own := l.byID[e.ID]; own != nil {
			*m = *own
			m.waits = append([]float64(nil), own.waits...)
		}
		m.to, m.left = e, 0
		c.byID[e.ID] = m
		c.members = append(c.members, m)
	}
	c.index()
	return &c
}

// decay is how much is left after an age, for a time constant. Between two
// records of a busy endpoint next to nothing decays: the series is then exact
// to 2e-10, and an exponential would be most of what a record costs.
func decay(age, tau time.Duration) float64 {
	if age <= 0 {
		return 1
	}
	x := float64(age) / float64(tau)
	if x < 1.0/128 {
		return 1 - x*(1-x*(1.0/2-x*(1.0/6)))
	}
	return math.Exp(-x)
}
