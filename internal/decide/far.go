package decide

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

const (
	lastAnswers = 12               // of an endpoint, that its distance is judged by
	leastAnswer = 6                // of those, at least
	lastFor     = 60 * time.Second // and not older
	manyAnswers = 30               // that the near endpoint must have given in the window
	farTimes    = 2.0
	farSeconds  = 0.002
	little      = 0.3   // of the capacity in use: with more, waiting looks like distance unless the answers had none
	unlikely    = 0.001 // chance that a near endpoint's answers are all so late
	farSpread   = 2.0   // an endpoint whose answers spread more than that is slow, not far
)

// answers are the latest latencies of one endpoint, in seconds.
type answers struct {
	endpoint EndpointView
	last     []float64 // at most lastAnswers, the newest first
	met      int       // under way when those of last were sent, in all
	all      []float64 // of the window that is judged, sorted
}

// alone reports whether the last answers had the endpoint nearly to themselves,
// so that none of them waited.
func (a *answers) alone() bool { return a.met < len(a.last) }

func (a *answers) floor() float64 { return slices.Min(a.last) }

// far finds the endpoint that is farthest away. A way is the same for every
// request, so it shows as a least latency that no answer is below, while a slow
// endpoint's quick requests are still quick. A few answers are enough to see
// that, which matters: no policy that looks at latencies sends many there.
func (j *Judge) far(v *View) finding {
	all := j.lately(v)
	near := j.nearest(all)
	if near == nil {
		return finding{measured: 1}
	}
	busy := j.model.Load() >= little
	least := near.all[len(near.all)/20]
	f := finding{measured: 1}
	for i := range all {
		a := &all[i]
		if a == near || len(a.last) < leastAnswer || busy && !a.alone() {
			continue
		}
		low := a.floor()
		if times := low / max(least, 1e-4); times > f.measured {
			f.measured, f.endpoint = times, a.endpoint.Address
			f.holds = times >= farTimes && low-least > farSeconds && near.neverSoLate(a) && near.spreadsLike(a)
			f.text = fmt.Sprintf("even its quickest answers take %s at %s and %s at %s, without a wait: it is far away", stats.Readable(low), a.endpoint.Address, stats.Readable(least), near.endpoint.Address)
		}
	}
	return f
}

// neverSoLate reports whether it is beyond chance that all of the other's
// answers came so late.
func (a *answers) neverSoLate(other *answers) bool {
	below, _ := slices.BinarySearch(a.all, other.floor())
	later := 1 - float64(below)/float64(len(a.all)+1)
	return math.Pow(later, float64(len(other.last))) < unlikely
}

// spreadsLike reports whether beyond its least latency the other takes about as
// long for its requests as a does.
func (a *answers) spreadsLike(other *answers) bool {
	return average(other.last)-other.floor() <= farSpread*average(a.all)
}

func average(all []float64) float64 {
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	return sum / float64(max(len(all), 1))
}

// nearest is the endpoint with the quickest answers of those that gave enough.
func (j *Judge) nearest(all []answers) *answers {
	var near *answers
	for i := range all {
		a := &all[i]
		if len(a.all) < manyAnswers {
			continue
		}
		if near == nil || a.all[len(a.all)/20] < near.all[len(near.all)/20] {
			near = a
		}
	}
	return near
}

// lately gathers the latest answers of each endpoint.
func (j *Judge) lately(v *View) []answers {
	all := make([]answers, 0, len(v.Endpoints))
	at := make(map[uint32]int, len(v.Endpoints))
	for _, e := range v.Endpoints {
		if e.Eligible {
			at[e.ID] = len(all)
			all = append(all, answers{endpoint: e})
		}
	}
	for n := range j.records {
		r := &j.records[(j.next+len(j.records)-1-n)%len(j.records)] // the newest first
		i, here := at[r.Endpoint]
		if !here || r.Outcome != lb.Success || r.Latency <= 0 || r.Flags&lb.Streaming != 0 || j.now.Sub(r.End()) > lastFor {
			continue
		}
		a := &all[i]
		if len(a.last) < lastAnswers {
			a.last = append(a.last, r.Latency.Seconds())
			a.met += int(r.Inflight)
		}
		if r.Sent >= j.now.Add(-j.o.Evaluate) {
			a.all = append(a.all, r.Latency.Seconds())
		}
	}
	for i := range all {
		slices.SortFunc(all[i].all, cmp.Compare[float64])
	}
	return all
}
