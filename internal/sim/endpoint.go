package sim

import (
	"math"
	"slices"
	"time"

	"poise/internal/lb"
	"poise/internal/scenario"
	"poise/internal/stats"
)

// endpoint is what an endpoint really is, which no policy sees.
type endpoint struct {
	set      scenario.Settings
	index    int32
	slowFrom stats.Instant // when set.Slow began to fade
	stalled  stats.Instant // nothing moves before
	stalling uint32        // version of its stalls
	cache    cache

	busy    int        // slots in use, in order
	queue   []*attempt // waiting, from head on; those given up are among them
	head    int
	waiting int        // of queue, without those given up
	running []*attempt // in slots, or sharing the cores

	virtual float64       // seconds of work that one who shares had since the start
	since   stats.Instant // when virtual was brought up to date
	version uint32        // of the next departure
}

// slow is how many times slower than its service time the endpoint is now.
func (e *endpoint) slow(now stats.Instant) float64 {
	if e.set.Fading == 0 {
		return e.set.Slow
	}
	left := 1 - float64(now.Sub(e.slowFrom))/float64(e.set.Fading)
	return 1 + (e.set.Slow-1)*max(left, 0)
}

// work returns the seconds that a request takes here when it is alone and the
// endpoint as fast as it should be. It turns the cache.
func (e *endpoint) work(j *scenario.Job) float64 {
	mean := e.set.Service
	if e.set.Cache.Keys > 0 && j.Keyed {
		mean = e.set.Cache.Miss
		if e.cache.hit(j.Key, e.set.Cache.Keys) {
			mean = e.set.Cache.Hit
		}
	}
	return mean.Seconds() * e.set.Distribution.Scale(j.Size)
}

// refused is how long a refusal, and a full queue's answer, takes.
const refused, overflowed = 100 * time.Microsecond, time.Millisecond

// fate decides how an attempt is treated that has nothing to do with work: an
// outcome and after how long. A request that comes again may be luckier.
func (e *endpoint) fate(j *scenario.Job, number int) (o lb.Outcome, after time.Duration, fails bool) {
	if e.set.Fails+e.set.Refuses+e.set.Hangs == 0 {
		return 0, 0, false
	}
	u := float64(scenario.Mix(j.Luck+uint64(e.index)<<8+uint64(number))>>11) / (1 << 53)
	switch {
	case u < e.set.Refuses:
		return lb.Connect, refused, true
	case u < e.set.Refuses+e.set.Fails:
		return lb.Status5xx, e.set.FailsAfter, true
	case u < e.set.Refuses+e.set.Fails+e.set.Hangs:
		return lb.Timeout, never, true
	}
	return 0, 0, false
}

const never = time.Duration(math.MaxInt64)

// reach takes an attempt in.
func (r *run) reach(a *attempt) {
	if !a.open && a.request != nil { // given up on its way
		r.forget(a)
		return
	}
	e := &r.endpoints[a.endpoint]
	o, after, fails := e.fate(a.job, a.number)
	switch {
	case fails && after == never:
		a.place, a.hung = gone, true
	case fails:
		r.answer(e, a, o, after)
	case e.set.Sharing && len(e.running) >= e.set.Slots+e.set.Queue, !e.set.Sharing && e.busy >= e.set.Slots && e.waiting >= e.set.Queue:
		r.answer(e, a, lb.Status5xx, overflowed)
	case e.set.Sharing:
		r.share(e, a)
	case e.busy < e.set.Slots:
		r.begin(e, a)
	default:
		a.place = queued
		e.queue = append(e.queue, a)
		e.waiting++
	}
}

// here is how many requests are at the endpoint, whoever sent them.
func (e *endpoint) here() int { return len(e.running) + e.waiting }

// answer sends an answer on its way.
func (r *run) answer(e *endpoint, a *attempt, o lb.Outcome, after time.Duration) {
	a.place, a.outcome, a.here = gone, o, e.here()+1
	if after += e.set.Network / 2; after > 0 {
		r.calendar.add(event{at: r.now.Add(after), kind: answers, attempt: a})
		return
	}
	r.answered(a)
}

// begin works on an attempt in a slot of its own.
func (r *run) begin(e *endpoint, a *attempt) {
	e.busy++
	a.place = working
	a.end = max(r.now, e.stalled).Add(seconds(e.work(a.job) * e.slow(r.now)))
	a.version++
	e.running = append(e.running, a)
	r.calendar.add(event{at: a.end, kind: finishes, attempt: a, version: a.version})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// finish ends the work in a slot and begins with the next one.
func (r *run) finish(a *attempt) {
	e := &r.endpoints[a.endpoint]
	e.remove(a)
	e.busy--
	r.answer(e, a, lb.Success, 0)
	r.admit(e)
}

func (e *endpoint) remove(a *attempt) {
	i := slices.Index(e.running, a)
	last := len(e.running) - 1
	e.running[i] = e.running[last]
	e.running[last] = nil
	e.running = e.running[:last]
}

// admit fills free slots from the queue.
func (r *run) admit(e *endpoint) {
	for e.busy < e.set.Slots && e.head < len(e.queue) {
		a := e.queue[e.head]
		e.queue[e.head] = nil
		e.head++
		if e.head == len(e.queue) {
			e.queue, e.head = e.queue[:0], 0
		}
		if a.place == queued {
			e.waiting--
			r.begin(e, a)
		} else {
			r.forget(a) // given up while it waited
		}
	}
	if e.head > 1024 {
		e.queue = append(e.queue[:0], e.queue[e.head:]...)
		e.head = 0
	}
}

// share works on an attempt together with all others: each gets the same part
// of the cores. As all advance alike, each is done when that common progress
// has reached what it was at its begin plus its work.
func (r *run) share(e *endpoint, a *attempt) {
	r.advance(e)
	a.place = working
	a.work = e.virtual + e.work(a.job)
	e.running = append(e.running, a)
	r.schedule(e)
}

// rate is the progress of each in a second.
func (e *endpoint) rate(now stats.Instant) float64 {
	if now < e.stalled || len(e.running) == 0 {
		return 0
	}
	return min(1, float64(e.set.Slots)/float64(len(e.running))) / e.slow(now)
}

func (r *run) advance(e *endpoint) {
	e.virtual += r.now.Sub(e.since).Seconds() * e.rate(e.since)
	e.since = r.now
}

// schedule announces the next departure. While the speed fades it is looked
// at again before.
func (r *run) schedule(e *endpoint) {
	e.version++
	rate := e.rate(r.now)
	if rate == 0 {
		return
	}
	least := math.Inf(1)
	for _, a := range e.running {
		least = min(least, a.work)
	}
	after := seconds(max(least-e.virtual, 0)/rate) + 1
	if e.set.Fading > 0 {
		after = min(after, 50*time.Millisecond)
	}
	r.calendar.add(event{at: r.now.Add(after), kind: departs, of: e.index, version: e.version})
}

// depart ends the work on those that are done.
func (r *run) depart(e *endpoint) {
	r.advance(e)
	for i := 0; i < len(e.running); {
		a := e.running[i]
		if a.work > e.virtual {
			i++
			continue
		}
		e.remove(a)
		r.answer(e, a, lb.Success, 0)
	}
	r.schedule(e)
}

// stall stops an endpoint for a while and announces its next stall.
func (r *run) stall(e *endpoint) {
	if e.set.Stall == 0 {
		return
	}
	if e.set.Sharing {
		r.advance(e)
		e.version++
	}
	e.stalled = r.now.Add(e.set.Stall)
	if !e.set.Sharing {
		for _, a := range e.running {
			a.end = a.end.Add(e.set.Stall)
			a.version++
			r.calendar.add(event{at: a.end, kind: finishes, attempt: a, version: a.version})
		}
	} else {
		r.calendar.add(event{at: e.stalled, kind: resumes, of: e.index})
	}
	r.calendar.add(event{at: r.now.Add(e.set.StallEvery), kind: stalls, of: e.index, version: e.stalling})
}

func (r *run) resume(e *endpoint) {
	if r.now < e.stalled {
		return
	}
	e.since = r.now
	r.schedule(e)
}

// change makes an endpoint behave otherwise from now on.
func (r *run) change(e *endpoint, s *scenario.Settings) {
	if e.set.Sharing {
		r.advance(e)
	}
	if s.Slow != e.set.Slow || s.Fading != e.set.Fading {
		e.slowFrom = r.now
	}
	stall := s.Stall != e.set.Stall || s.StallEvery != e.set.StallEvery
	e.set = *s
	if stall {
		r.announceStalls(e)
	}
	if e.set.Sharing {
		r.schedule(e)
	} else {
		r.admit(e)
	}
}

// announceStalls begins the stalls of an endpoint at a moment of its own: not
// all stop together.
func (r *run) announceStalls(e *endpoint) {
	e.stalling++
	if e.set.Stall > 0 {
		const golden = 0.6180339887498949
		_, part := math.Modf(float64(e.index+1) * golden)
		r.calendar.add(event{at: r.now.Add(seconds(part * e.set.StallEvery.Seconds())), kind: stalls, of: e.index, version: e.stalling})
	}
}
