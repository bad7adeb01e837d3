// Package sim runs a scenario in virtual time: the real policies, the real
// guard and the real decision engine against endpoints that are simulated.
// The requests are drawn before anything runs, so every policy gets the same
// ones, and the same seed gives the same result.
package sim

import (
	"time"

	"poise/internal/guard"
	"poise/internal/guard/journal"
	"poise/internal/scenario"
	"poise/internal/stats"
)

// start is when a run begins. It is not zero, which means never.
const start = stats.Instant(time.Hour)

// run is one scenario under one contender.
type run struct {
	s         *scenario.Scenario
	seed      uint64
	jobs      []scenario.Job
	took      []float32 // seconds of each job, -1 for one that failed
	now       stats.Instant
	calendar  calendar
	endpoints []endpoint
	balancers []*balancer
	deadlines []deadline
	due       int // of deadlines, the next one

	requests []*request // to be used again
	attempts []*attempt
	told     []journal.Action
}

func newRun(s *scenario.Scenario, jobs []scenario.Job, seed uint64) *run {
	r := &run{s: s, seed: seed, jobs: jobs, took: make([]float32, len(jobs)), now: start}
	r.endpoints = make([]endpoint, len(s.Endpoints))
	for i := range r.endpoints {
		e := &r.endpoints[i]
		e.set, e.index, e.slowFrom, e.since = s.Endpoints[i].Settings, int32(i), start, start
		r.announceStalls(e)
	}
	for i := range s.Events {
		if s.Events[i].Settings != nil {
			r.calendar.add(event{at: start.Add(s.Events[i].At), kind: changes, of: int32(i)})
		}
	}
	for i := range s.Balancers {
		b := r.newBalancer(i)
		r.balancers = append(r.balancers, b)
		if b.guard != nil {
			r.calendar.add(event{at: start.Add(guard.TickEvery), kind: ticks, of: b.index})
		}
	}
	return r
}

// play goes through everything that happens until every request has its end.
func (r *run) play() {
	end := start.Add(r.s.Run + r.s.Timeout)
	for job := 0; ; {
		next := end + 1
		what := 0
		if job < len(r.jobs) {
			next, what = start.Add(r.jobs[job].At), 1
		}
		if r.due < len(r.deadlines) && r.deadlines[r.due].at < next {
			next, what = r.deadlines[r.due].at, 2
		}
		if !r.calendar.empty() && r.calendar.events[0].at < next {
			next, what = r.calendar.events[0].at, 3
		}
		if next > end {
			return
		}
		r.now = next
		switch what {
		case 1:
			r.arrive(job)
			job++
		case 2:
			r.expire()
		case 3:
			r.happen(r.calendar.take())
		}
	}
}

// expire ends a request that has had its time.
func (r *run) expire() {
	d := r.deadlines[r.due]
	r.due++
	if r.due == len(r.deadlines) {
		r.deadlines, r.due = r.deadlines[:0], 0
	} else if r.due > 1<<16 {
		r.deadlines = append(r.deadlines[:0], r.deadlines[r.due:]...)
		r.due = 0
	}
	if d.of.lives == d.lives && d.of.current != nil {
		r.giveUp(d.of.current, true)
	}
}

func (r *run) happen(e event) {
	switch e.kind {
	case changes:
		c := &r.s.Events[e.of]
		r.change(&r.endpoints[c.Endpoint], c.Settings)
	case reaches:
		r.reach(e.attempt)
	case finishes:
		if e.attempt.version == e.version && e.attempt.place == working {
			r.finish(e.attempt)
		}
	case departs:
		if x := &r.endpoints[e.of]; x.version == e.version {
			r.depart(x)
		}
	case answers:
		if e.attempt.request == nil { // nobody waits for it
			r.forget(e.attempt)
		} else {
			r.answered(e.attempt)
		}
	case stalls:
		if x := &r.endpoints[e.of]; x.stalling == e.version {
			r.stall(x)
		}
	case resumes:
		r.resume(&r.endpoints[e.of])
	case ticks:
		r.tick(r.balancers[e.of])
	case drains:
		r.drain(r.balancers[e.of])
	}
}
