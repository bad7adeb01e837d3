package arena

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"poise/internal/load"
)

// A sample is one request of the load.
type sample struct {
	n            int           // of the plan
	due, latency time.Duration // due since the load began
	worker       int           // -1 when nobody answered
	failed, late bool
}

func sampleOf(r load.Result, began time.Time) sample {
	w, err := strconv.Atoi(r.Worker)
	if err != nil {
		w = -1
	}
	return sample{r.N, r.Due.Sub(began), r.Latency, w, r.Fault != load.None, r.Late}
}

// What a failed request counts in the loss, and what share of the loss the
// worst one of a hundred is.
const (
	failureCost = 2 * time.Second
	tailWeight  = 0.1
	tailShare   = 0.01
)

// values computes what the samples of the measured span say. Times are in
// milliseconds; those that failed are in the loss and in no percentile.
func values(in []sample) map[string]float64 {
	var good, losses []float64
	failed, late := 0.0, 0.0
	for _, s := range in {
		l := ms(s.latency)
		if s.failed {
			failed++
			l = ms(failureCost)
		} else {
			good = append(good, l)
		}
		losses = append(losses, l)
		if s.late {
			late++
		}
	}
	slices.Sort(good)
	slices.Sort(losses)
	n := float64(max(1, len(in)))
	return map[string]float64{
		"requests": float64(len(in)), "failed": 100 * failed / n, "late": 100 * late / n, "mean": mean(good), "loss": loss(losses),
		"p50": quantile(good, 0.5), "p90": quantile(good, 0.9), "p99": quantile(good, 0.99), "p99.9": quantile(good, 0.999),
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mean(all []float64) float64 {
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	return sum / float64(max(1, len(all)))
}

// loss is the mean and a tenth of the mean of the worst one of a hundred.
func loss(sorted []float64) float64 {
	worst := int(math.Ceil(tailShare * float64(len(sorted))))
	return mean(sorted) + tailWeight*mean(sorted[len(sorted)-worst:])
}

// quantile is the least value that a share q of all does not exceed, 0 of
// nothing.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// A Second is what happened to the requests that were due in one.
type Second struct {
	At       int     `json:"at"` // the first is 0
	Requests int     `json:"n"`
	Failed   int     `json:"failed,omitempty"`
	P50      float64 `json:"p50"` // ms
	P99      float64 `json:"p99"`
	Shares   []int   `json:"workers"` // requests that each endpoint answered
}

// seconds are all of them, warming up included.
func seconds(all []sample, workers int) (out []Second) {
	slices.SortFunc(all, func(a, b sample) int { return cmp.Compare(a.due, b.due) })
	for len(all) > 0 {
		at := int(all[0].due / time.Second)
		n := 0
		for n < len(all) && int(all[n].due/time.Second) == at {
			n++
		}
		out = append(out, second(at, all[:n], workers))
		all = all[n:]
	}
	return out
}

func second(at int, in []sample, workers int) Second {
	s := Second{At: at, Requests: len(in), Shares: make([]int, workers)}
	var good []float64
	for _, v := range in {
		if v.worker >= 0 && v.worker < workers {
			s.Shares[v.worker]++
		}
		if v.failed {
			s.Failed++
			continue
		}
		good = append(good, ms(v.latency))
	}
	slices.Sort(good)
	round := func(v float64) float64 { return math.Round(100*v) / 100 }
	s.P50, s.P99 = round(quantile(good, 0.5)), round(quantile(good, 0.99))
	return s
}

// busy is the share of its slots that each endpoint was at work over the span.
// Where there are caches it is too much.
func busy(in []sample, plan []load.Job, sc *Scenario, span time.Duration) []float64 {
	all := make([]float64, sc.number())
	for _, s := range in {
		if s.worker < 0 || s.worker >= len(all) || s.n >= len(plan) {
			continue
		}
		slowness := sc.slowness(s.worker, float64(s.due-warm)/float64(span))
		all[s.worker] += plan[s.n].Work.Seconds() * slowness / (float64(sc.class(s.worker).Slots) * span.Seconds())
	}
	for i := range all {
		all[i] = math.Round(1000*all[i]) / 1000
	}
	return all
}
