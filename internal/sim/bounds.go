package sim

import (
	"math"

	"poise/internal/scenario"
	"poise/internal/stats"
)

// world is the endpoints as they are at a moment, without any balancer.
type world struct {
	s         *scenario.Scenario
	endpoints []endpoint
	next      int // event that comes next
}

func newWorld(s *scenario.Scenario) *world {
	w := &world{s: s, endpoints: make([]endpoint, len(s.Endpoints))}
	for i := range w.endpoints {
		w.endpoints[i].set, w.endpoints[i].index, w.endpoints[i].slowFrom = s.Endpoints[i].Settings, int32(i), start
	}
	return w
}

// until makes everything happen that happens before a moment.
func (w *world) until(now stats.Instant) {
	for ; w.next < len(w.s.Events) && start.Add(w.s.Events[w.next].At) <= now; w.next++ {
		c := &w.s.Events[w.next]
		if c.Settings == nil {
			continue
		}
		e := &w.endpoints[c.Endpoint]
		if c.Settings.Slow != e.set.Slow || c.Settings.Fading != e.set.Fading {
			e.slowFrom = start.Add(c.At)
		}
		e.set = *c.Settings
	}
}

// best returns what a request takes that is alone at an endpoint.
func (e *endpoint) alone(j *scenario.Job, now stats.Instant, warm bool) float64 {
	mean := e.set.Service
	if e.set.Cache.Keys > 0 && j.Keyed {
		mean = e.set.Cache.Miss
		if warm {
			mean = e.set.Cache.Hit
		}
	}
	return mean.Seconds()*e.set.Distribution.Scale(j.Size)*e.slow(now) + e.set.Network.Seconds()
}

// floor is what no policy can beat: each request alone at the endpoint that
// is best for it as they all are when it arrives, with a warm cache wherever
// the key was seen before. Nothing fails.
func floor(s *scenario.Scenario, jobs []scenario.Job) []float32 {
	w, seen := newWorld(s), map[uint32]bool{}
	took := make([]float32, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		if j.Balancer == scenario.Elsewhere {
			continue
		}
		w.until(start.Add(j.At))
		least := math.Inf(1)
		for n := range w.endpoints {
			least = min(least, w.endpoints[n].alone(j, start.Add(j.At), seen[j.Key]))
		}
		if j.Keyed {
			seen[j.Key] = true
		}
		took[i] = float32(least)
	}
	return took
}

// central is one queue before all endpoints: whenever a slot is free the
// request that has waited longest gets the free slot in which it is done
// first. It knows what everything takes and what fails. It is a reference and
// no bound: taking a slow slot at once may be worse than waiting. Cores are
// slots to it, and what comes from elsewhere waits at its endpoint.
type central struct {
	*world
	calendar calendar
	queue    []int // jobs
	head     int
	jobs     []scenario.Job
	took     []float32
}

func playCentral(s *scenario.Scenario, jobs []scenario.Job) []float32 {
	c := &central{world: newWorld(s), jobs: jobs, took: make([]float32, len(jobs))}
	for i := range jobs {
		now := start.Add(jobs[i].At)
		c.finishUntil(now)
		c.until(now)
		if e := jobs[i].Endpoint; jobs[i].Balancer == scenario.Elsewhere {
			c.endpoints[e].queue = append(c.endpoints[e].queue, &attempt{job: &jobs[i]})
			c.local(&c.endpoints[e], now)
			continue
		}
		c.queue = append(c.queue, i)
		c.dispatch(now)
	}
	c.finishUntil(stats.Instant(math.MaxInt64))
	return c.took
}

func (c *central) finishUntil(now stats.Instant) {
	for !c.calendar.empty() && c.calendar.events[0].at <= now {
		e := c.calendar.take()
		c.until(e.at)
		x := &c.endpoints[e.of]
		x.busy--
		c.local(x, e.at)
		c.dispatch(e.at)
	}
}

// local begins with what came from elsewhere.
func (c *central) local(e *endpoint, now stats.Instant) {
	for e.busy < e.set.Slots && e.head < len(e.queue) {
		c.start(e, e.queue[e.head].job, now)
		e.head++
	}
}

func (c *central) start(e *endpoint, j *scenario.Job, now stats.Instant) (done stats.Instant) {
	e.busy++
	done = now.Add(seconds(e.work(j) * e.slow(now)))
	c.calendar.add(event{at: done, of: e.index})
	return done
}

func (c *central) dispatch(now stats.Instant) {
	for c.head < len(c.queue) {
		j := &c.jobs[c.queue[c.head]]
		best, least := -1, math.Inf(1)
		free := false
		for n := range c.endpoints {
			e := &c.endpoints[n]
			if e.busy >= e.set.Slots {
				continue
			}
			free = true
			if _, _, fails := e.fate(j, 0); fails {
				continue
			}
			if v := e.alone(j, now, e.cache.knows(j.Key)); v < least {
				best, least = n, v
			}
		}
		if best < 0 && (!free || now.Sub(start.Add(j.At)) < c.s.Timeout) {
			return
		}
		number := c.queue[c.head]
		c.head++
		if now.Sub(start.Add(j.At)) >= c.s.Timeout {
			c.took[number] = -1
			continue
		}
		e := &c.endpoints[best]
		c.took[number] = float32(c.start(e, j, now).Sub(start.Add(j.At)).Seconds() + e.set.Network.Seconds())
	}
	if c.head == len(c.queue) {
		c.queue, c.head = c.queue[:0], 0
	}
}

func (c *cache) knows(key uint32) bool {
	_, ok := c.at[key]
	return ok
}
