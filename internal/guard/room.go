package guard

import (
	"math"
	"slices"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// An ejection moves load. It helps when the endpoint is sick and the rest has
// room; when the endpoint is only loaded, its share makes the rest wait, time
// out and go next, until as many are out as may be. So an endpoint that still
// answers goes on loan: not when it does the work of its peers while they wait
// for each other already (loaded), not when the others have no room, and it is
// called back as soon as they are worse off without it than they were with it.
// One that fails fast or gives no answers at all takes nothing over, and none
// of this keeps it in. docs/adr/0026 has what was tried.
const (
	// worksFor is the part of its peers' answers from which on an endpoint does
	// its work, however slow they are.
	worksFor = 0.8
	// Crowding is the others' median over what it is when they are idle. At
	// busy those with a queue and several slots are at 75 to 85 % of what they
	// can do, at crowded at 95 %; those whose requests share a core are at 33
	// and at 75 %.
	busy    = 1.5
	crowded = 4
	// A loan is called back when the others are crowded by recallCrowd and need
	// recallTimes of what all needed before it. Where the idle median is wrong, a
	// median of recallBlind times that of before is crowded too.
	recallCrowd = 2
	recallTimes = 1.2
	recallBlind = 2

	workOver  = 3 // seconds that answers are counted over
	idleBlock = 500
	idleFor   = 5 * time.Minute // that a median of the idle cluster is remembered at least
)

// room is what the guard knows of the load of a cluster.
type room struct {
	block    stats.Snapshot // answers since the last block of idleBlock
	idle     [2]idle        // the block with the lowest median: of the time that runs, and of the one before
	turned   stats.Instant
	heldTill stats.Instant // until when nothing is lent
	recalls  int           // in a row, each doubling that time
	crowd    float64       // of all, at the last reading
}

// idle is what answers take while the cluster has little to do.
type idle struct{ median, mean time.Duration }

// work is what an endpoint did lately: readings of its counters, one a second.
type work struct {
	readings [workOver + 1]reading
	n        int // of them that count
}

type reading struct{ answers, failures, timeouts uint64 }

func readingOf(s *lb.Stats) (r reading) {
	for o := range s.Outcomes {
		n := s.Outcomes[o].Load()
		if lb.Outcome(o).Failed() {
			r.failures += n
		}
	}
	r.answers = s.Outcomes[lb.Success].Load()
	r.timeouts = s.Outcomes[lb.Timeout].Load()
	return r
}

// read takes a reading.
func (w *work) read(s *lb.Stats) {
	copy(w.readings[1:], w.readings[:workOver])
	w.readings[0] = readingOf(s)
	w.n = min(w.n+1, len(w.readings))
}

// lately is what was done since the oldest reading, false when there is none of
// a second ago.
func (w *work) lately(s *lb.Stats) (r reading, known bool) {
	if w.n < 2 {
		return reading{}, false
	}
	now, then := readingOf(s), w.readings[w.n-1]
	return reading{now.answers - then.answers, now.failures - then.failures, now.timeouts - then.timeouts}, true
}

// loan is an ejection of an endpoint that still answered.
type loan struct {
	open         bool
	since        stats.Instant
	mean, median time.Duration // latency of all before it
}

// readRoom takes the readings of a second. It follows the end of the latency
// windows. The caller holds the lock.
func (g *Guard) readRoom(now stats.Instant) {
	for _, m := range g.members {
		e := m.guard
		if e.phase.Load() == uint32(Ejected) {
			e.work = work{}
			continue
		}
		e.work.read(e.stats)
	}
	r := &g.room
	for _, m := range g.members {
		if e := m.guard; m.usable && e.latency.fresh && e.phase.Load() != uint32(Ejected) {
			r.block.Add(&e.latency.recent)
		}
	}
	if now.Sub(r.turned) >= idleFor {
		r.idle[1], r.idle[0], r.turned = r.idle[0], idle{}, now
	}
	if r.block.Count() >= idleBlock {
		if d := r.block.Quantile(0.5); r.idle[0].median == 0 || d < r.idle[0].median {
			r.idle[0] = idle{d, meanOf(&r.block)}
		}
		r.block = stats.Snapshot{}
	}
	all := g.answersOfOthers(nil)
	r.crowd = r.crowding(&all)
	g.recall(now)
}

// whenIdle is what answers take when the cluster has little to do, 0 when that
// is not known.
func (r *room) whenIdle() idle {
	if r.idle[0].median == 0 || r.idle[1].median > 0 && r.idle[1].median < r.idle[0].median {
		return r.idle[1]
	}
	return r.idle[0]
}

// crowding is the median of these answers over that of the idle cluster, 1
// when either is not known.
func (r *room) crowding(s *stats.Snapshot) float64 { return r.crowdingAt(s, 0.5) }

func (r *room) crowdingAt(s *stats.Snapshot, q float64) float64 {
	idle := r.whenIdle().median
	if idle == 0 || s.Count() < leastAnswers {
		return 1
	}
	return s.Quantile(q).Seconds() / idle.Seconds()
}

// answersOfOthers are those of the last windows of all but e.
func (g *Guard) answersOfOthers(e *Endpoint) stats.Snapshot {
	all := stats.Snapshot{}
	for _, m := range g.members {
		if x := m.guard; x != e && m.usable && x.phase.Load() != uint32(Ejected) {
			all.Add(&x.latency.recent)
		}
	}
	return all
}

// crowdingNow is how many wait at the others for an answer, at the least that
// chance leaves of them, over how many would if the cluster were idle (Little's
// law). A burst is seen by it before the answers are late; 0 when nothing is
// known. One with a long queue counts as one with twice that of the typical one:
// it is sick itself, or the next to be judged.
func (g *Guard) crowdingNow(e *Endpoint) float64 {
	rate, queues := 0.0, g.queues[:0]
	for _, m := range g.members {
		x := m.guard
		did, ok := x.work.lately(x.stats)
		if x == e || !ok || !m.usable || x.phase.Load() == uint32(Ejected) {
			continue
		}
		rate += float64(did.answers) / float64(x.work.n-1)
		queues = append(queues, x.waiting())
	}
	g.queues = queues
	slices.Sort(queues)
	waiting := 0.0
	for _, q := range queues {
		waiting += min(q, 2*queues[(len(queues)-1)/2]+2)
	}
	usual := rate * g.room.whenIdle().mean.Seconds()
	if usual == 0 {
		return 0
	}
	return max(waiting-2*math.Sqrt(waiting), 0) / usual
}

// waiting is how many attempts wait for an answer.
func (e *Endpoint) waiting() (n float64) {
	e.open.each(func(_ *Ticket, word uint64) {
		if word&markWaiting != 0 {
			n++
		}
	})
	return n
}

// share is what e answered lately over what the typical one of its peers did,
// each for its weight and for as far as its ramp has come.
func (g *Guard) share(e *Endpoint) (share float64, known bool) {
	own, peers := -1.0, make([]float64, 0, len(g.members))
	for _, m := range g.members {
		x := m.guard
		did, ok := x.work.lately(x.stats)
		if !m.usable || !ok || x.phase.Load() == uint32(Ejected) {
			continue
		}
		rate := float64(did.answers) / (float64(x.work.n-1) * max(x.pace.factor(), leastFactor) * float64(max(m.endpoint.Weight, 1)))
		if x == e {
			own = rate
		} else {
			peers = append(peers, rate)
		}
	}
	if own < 0 || len(peers) == 0 {
		return 0, false
	}
	slices.Sort(peers)
	typical := peers[(len(peers)-1)/2]
	return own / max(typical, 1e-9), typical > 0
}

// lends reports whether an ejection for c takes an endpoint out that answers.
func (g *Guard) lends(e *Endpoint, c *charge) bool {
	switch c.cause {
	case Latency:
		return true
	case Errors:
		did, known := e.work.lately(e.stats)
		return known && did.answers > 0 && (2*did.timeouts > did.failures || g.overflows(e, c.evidence.Share))
	}
	return false
}

// overflows reports whether an endpoint that fails keeps those waiting that it
// answers: what fails may be what its queue has no room for. Of its latencies
// the quickest are those of the failures.
func (g *Guard) overflows(e *Endpoint, failed float64) bool {
	own := e.latency.lately(e.stats)
	return g.room.crowdingAt(&own, failed+(1-failed)/2) >= recallCrowd
}

// keeps returns what keeps an endpoint in that answers. It notes in the
// evidence what that rests on.
func (g *Guard) keeps(e *Endpoint, c *charge, now stats.Instant) Gate {
	others := g.answersOfOthers(e)
	crowd := max(g.room.crowding(&others), g.crowdingNow(e))
	share, known := g.share(e)
	c.evidence.Crowding, c.evidence.Work = crowd, share
	most := float64(crowded)
	if c.cause == Errors { // what failed here would fail there
		most = recallCrowd
	}
	switch {
	case known && share >= worksFor && (crowd >= busy || c.evidence.Stuck > 0): // of a burst many wait where all is well
		return Loaded
	case now < g.room.heldTill || crowd >= most:
		return NoRoom
	}
	return 0
}

// lend notes an ejection as a loan.
func (g *Guard) lend(e *Endpoint, now stats.Instant) {
	all := g.answersOfOthers(nil)
	e.loan = loan{open: true, since: now, mean: meanOf(&all), median: all.Quantile(0.5)}
}

func meanOf(s *stats.Snapshot) time.Duration {
	return s.Sum() / time.Duration(max(s.Count(), 1))
}

// recall takes the longest loan back when the others are worse off without it,
// one a second, and lends nothing for a while.
func (g *Guard) recall(now stats.Instant) {
	var oldest *Endpoint
	least, median := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for _, m := range g.members {
		e := m.guard
		if e.phase.Load() != uint32(Ejected) || !e.loan.open {
			continue
		}
		least, median = min(least, e.loan.mean), min(median, e.loan.median)
		if now.Sub(e.loan.since) >= latencyEvery && (oldest == nil || e.loan.since < oldest.loan.since) {
			oldest = e
		}
	}
	if oldest == nil {
		return
	}
	left := g.answersOfOthers(nil)
	if left.Count() < leastAnswers {
		return
	}
	crowd, worse := g.room.crowding(&left), meanOf(&left).Seconds()/max(least.Seconds(), 1e-6)
	blind := left.Quantile(0.5) >= recallBlind*median
	if worse < recallTimes || crowd < recallCrowd && !blind {
		return
	}
	g.room.heldTill = now.Add(ejectionTime(g.options.Base, g.options.Max, g.room.recalls))
	g.room.recalls = min(g.room.recalls+1, 32)
	oldest.level = max(oldest.level-1, 0)
	g.takeIn(oldest, now, Action{
		Kind: Release, Cause: oldest.cause, Gate: NoRoom,
		Evidence: Evidence{Latency: meanOf(&left), Peers: least, Crowding: crowd},
	})
	g.changed(now)
}

// takeIn ends an ejection without trials and without a ramp.
func (g *Guard) takeIn(e *Endpoint, now stats.Instant, a Action) {
	a.At, a.Endpoint = now, e.address
	e.clear()
	e.latency.restart(e.stats)
	e.since, e.cause, e.loan, e.work = now, 0, loan{}, work{}
	e.pace.set(1, 0)
	e.phase.Store(uint32(Serving))
	g.journal.push(a)
	g.version.Add(1)
}
