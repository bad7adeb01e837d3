package guard

import (
	"time"

	"poise/internal/guard/journal"
	"poise/internal/guard/outlier"
	"poise/internal/guard/readmit"
	"poise/internal/guard/room"
	"poise/internal/lb"
	"poise/internal/stats"
)

const (
	// trialsNeeded is how many trials in a row must go well. An endpoint that
	// fails a fifth of its requests comes back one time in three, and is then
	// still on a tenth of its share.
	trialsNeeded = 5
	// trialPatience is how long trials wait for requests that can be sent
	// again. After it any request is one, else an endpoint that only takes
	// others would stay out for ever.
	trialPatience = time.Second
)

// tryOut returns an ejected endpoint whose time is over, and claims its trial.
func (g *Guard) tryOut(now stats.Instant, want Want) *lb.Endpoint {
	if !want.Replayable {
		now = now.Add(-trialPatience)
	}
	for _, m := range *g.out.Load() {
		e := m.guard
		if now >= stats.Instant(e.until.Load()) && e.phase.Load() == uint32(Ejected) && e.trials.Begin(trialsNeeded) {
			return m.endpoint
		}
	}
	return nil
}

// closeTrial takes the outcome of a trial. What follows is done here when the
// lock is free, and with the next tick when it is not.
func (g *Guard) closeTrial(e *Endpoint, number uint64, n End) {
	v := readmit.Won
	limit := time.Duration(e.patient.Load())
	switch {
	case n.Outcome == lb.Canceled || n.Outcome == lb.Pressure:
		v = readmit.Undecided
	case n.Outcome.Failed() || limit > 0 && n.Latency > limit:
		v = readmit.Lost
	}
	if !e.trials.End(number, v) || v == readmit.Undecided {
		return
	}
	evidence := journal.Evidence{Latency: n.Latency, Peers: limit}
	if v == readmit.Won {
		g.journal.Push(journal.Action{At: n.Now, Endpoint: e.address, Kind: journal.TrialWon, Cause: journal.Trial, Evidence: evidence})
	}
	if g.mu.TryLock() {
		defer g.mu.Unlock()
		g.settle(e, n.Now, evidence)
	}
}

// settle does what the trials of an endpoint call for. The caller holds the
// lock.
func (g *Guard) settle(e *Endpoint, now stats.Instant, evidence journal.Evidence) {
	if e.phase.Load() != uint32(Ejected) {
		return
	}
	_, well, state := e.trials.Read()
	switch {
	case state == readmit.Failed:
		d := g.eject(e, now)
		e.lost++
		g.journal.Push(journal.Action{At: now, Endpoint: e.address, Kind: journal.TrialLost, Cause: journal.Trial, For: d, Evidence: evidence})
	case state == readmit.Idle && well >= trialsNeeded:
		g.readmit(e, now)
	}
}

// readmit takes e back. What it did before says nothing any more.
func (g *Guard) readmit(e *Endpoint, now stats.Instant) {
	e.forget()
	lent := e.loan.Open
	if lent {
		g.room.Repaid()
	}
	e.cause, e.loan = 0, room.Loan{}
	g.journal.Push(journal.Action{At: now, Endpoint: e.address, Kind: journal.Readmit})
	g.startRamp(e, now)
	e.ramp.quick = lent
	g.version.Add(1)
	g.changed(now)
	g.repace(now)
}

// ramp is how far an endpoint has come since it was taken in.
type ramp struct {
	done    float64       // part of the way, in [0, 1]
	spent   time.Duration // on it
	quick   bool          // it answered all the time: it is warm
	lagging bool          // it is much slower than the others and may not go on
}

// rampMost bounds a ramp that is held up by a slow endpoint, in slow_starts.
const rampMost = 3

func (g *Guard) startRamp(e *Endpoint, now stats.Instant) {
	e.since, e.ramp = now, ramp{}
	if g.options.SlowStart <= 0 {
		e.pace.Set(1, 0)
		e.phase.Store(uint32(Serving))
		return
	}
	e.phase.Store(uint32(Ramping))
}

// advance moves the ramps on. One that lags behind the others waits until it
// is warm, but not for ever, and not when it takes as much as they do: then it
// is the load that makes it slow, and to hold it back would load the others.
func (g *Guard) advance(dt time.Duration, now stats.Instant) {
	over, largest := false, g.largestFactor()
	for _, m := range g.members {
		e := m.guard
		if !m.usable || e.phase.Load() != uint32(Ramping) {
			continue
		}
		r, own := &e.ramp, max(min(dt, now.Sub(e.since)), 0) // it may have begun since the last tick
		r.spent += own
		if !r.lagging || r.spent > rampMost*g.options.SlowStart || g.room.Crowd() >= room.Busy || g.factorOf(e) >= largest {
			r.done += g.haste(r) * own.Seconds() / max(g.options.SlowStart.Seconds(), 1e-3)
		}
		if r.done >= 1 {
			over = true
			e.since = now
			e.phase.Store(uint32(Serving))
			g.journal.Push(journal.Action{At: now, Endpoint: e.address, Kind: journal.Serve})
		}
	}
	if over || g.ramping() {
		g.repace(now)
	}
}

// haste is how much faster ramps go while the others have no room: what a ramp
// keeps from an endpoint they have to take. Then slowness is no reason to wait
// either, for it is what load looks like.
func (g *Guard) haste(r *ramp) float64 {
	if r.quick || g.room.Crowd() >= room.RecallCrowd {
		return rampHaste
	}
	return 1
}

const rampHaste = 4

func (g *Guard) ramping() bool {
	for _, m := range g.members {
		if m.guard.phase.Load() == uint32(Ramping) {
			return true
		}
	}
	return false
}

// repace says how often each endpoint may be picked while some ramp up. What
// counts is the factor over the largest one: where all are new, as when the
// process starts, nobody is held back.
func (g *Guard) repace(now stats.Instant) {
	largest, weight := g.largestFactor(), 0.0
	for _, m := range g.members {
		if m.usable && m.guard.phase.Load() != uint32(Ejected) {
			weight += float64(m.endpoint.Weight)
		}
	}
	g.sum(now)
	rate := g.total[outlier.Middle].N / outlier.Span(outlier.Middle, now)
	for _, m := range g.members {
		part := g.factorOf(m.guard)
		if part >= largest {
			m.guard.pace.Set(part, 0)
			continue
		}
		m.guard.pace.Set(part, rate*float64(m.endpoint.Weight)/max(weight, 1)*part/largest)
	}
}

func (g *Guard) largestFactor() (largest float64) {
	for _, m := range g.members {
		if m.usable && m.guard.phase.Load() != uint32(Ejected) {
			largest = max(largest, g.factorOf(m.guard))
		}
	}
	return largest
}

func (g *Guard) factorOf(e *Endpoint) float64 {
	if e.phase.Load() != uint32(Ramping) {
		return 1
	}
	return readmit.Factor(e.ramp.done, g.options.Aggression)
}
