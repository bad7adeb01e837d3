package learn

import (
	"fmt"
	"math"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// world is a cluster that a learner learns.
type world struct {
	start    stats.Instant
	members  []*lb.Endpoint
	affinity lb.Affinity
	learner  *Learner
	dice     stats.Dice
}

func newWorld(n int) *world {
	w := &world{start: stats.Instant(time.Hour), dice: stats.NewDice(5)}
	for i := range n {
		w.members = append(w.members, &lb.Endpoint{ID: uint32(i + 1), Address: fmt.Sprintf("10.0.0.%d:80", i), Weight: 1, Live: &lb.Live{}})
	}
	w.learner = New(Options{Affinity: &w.affinity})
	w.learner.Members(w.members)
	return w
}

// record is an answer at a time from the start.
func (w *world) record(at time.Duration, endpoint int, latency time.Duration, inflight int) lb.Record {
	return lb.Record{
		Sent: w.start.Add(at - latency), Took: latency, Latency: latency,
		Endpoint: w.members[endpoint].ID, Inflight: uint16(inflight), Attempt: 1,
	}
}

// exponential draws a time.
func (w *world) exponential(mean time.Duration) time.Duration {
	return time.Duration(-math.Log(1-w.dice.Float64()) * float64(mean))
}

// learnt is what was published of an endpoint.
func (w *world) learnt(i int) lb.Learnt { return w.members[i].Live.Learnt() }

// truth is how an endpoint really works.
type truth struct {
	service  time.Duration // mean, exponential
	capacity float64
}

func (t *truth) latency(w *world, inflight int) time.Duration {
	return time.Duration(float64(w.exponential(t.service)) * max(1, float64(inflight+1)/t.capacity))
}

// live has each endpoint answer rate times a second at loads up to most, from
// one moment to another, with a tick every 100 ms.
func (w *world) live(from, to time.Duration, rate float64, most int, all ...truth) {
	step := time.Duration(float64(time.Second) / (rate * float64(len(all))))
	tick := from
	for at, i := from, 0; at < to; at, i = at+step, i+1 {
		for ; tick <= at; tick += 100 * time.Millisecond {
			w.learner.Tick(w.start.Add(tick))
		}
		t := &all[i%len(all)]
		if t.service == 0 { // gets nothing
			continue
		}
		inflight := w.dice.IntN(most)
		r := w.record(at, i%len(all), t.latency(w, inflight), inflight)
		w.learner.Observe(&r)
	}
	w.learner.Tick(w.start.Add(to))
}
