package bench

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"poise/internal/load"
	"poise/internal/report"
)

// Sample is one request of the load.
type Sample struct {
	N            int           // of the plan
	Due, Latency time.Duration // Due since the load began
	Worker       int           // -1 when nobody answered
	Failed, Late bool
}

// SampleOf makes one of a finished request.
func SampleOf(r load.Result, began time.Time) Sample {
	w, err := strconv.Atoi(r.Worker)
	if err != nil {
		w = -1
	}
	return Sample{r.N, r.Due.Sub(began), r.Latency, w, r.Fault != load.None, r.Late}
}

// FailureCost is what a failed request counts in the loss. The rest of the
// loss is the mean and a tenth of the mean of the worst one of a hundred.
const (
	FailureCost = 2 * time.Second
	tailWeight  = 0.1
	tailShare   = 0.01
)

// Values computes what samples say. Times are in milliseconds; those that
// failed are in the loss and in no percentile.
func Values(in []Sample) map[string]float64 {
	var good, losses []float64
	failed, late := 0.0, 0.0
	for _, s := range in {
		l := ms(s.Latency)
		if s.Failed {
			failed++
			l = ms(FailureCost)
		} else {
			good = append(good, l)
		}
		losses = append(losses, l)
		if s.Late {
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

// Seconds are all of them, warming up included.
func Seconds(all []Sample, workers int) (out []report.Second) {
	flights := underWay(all, workers)
	slices.SortFunc(all, func(a, b Sample) int { return cmp.Compare(a.Due, b.Due) })
	for len(all) > 0 {
		at := int(all[0].Due / time.Second)
		n := 0
		for n < len(all) && int(all[n].Due/time.Second) == at {
			n++
		}
		s := second(at, all[:n], workers)
		if at < len(flights) {
			s.InFlight = flights[at]
		}
		out = append(out, s)
		all = all[n:]
	}
	return out
}

func second(at int, in []Sample, workers int) report.Second {
	s := report.Second{At: at, Requests: len(in), Shares: make([]int, workers)}
	var good []float64
	for _, v := range in {
		if v.Worker >= 0 && v.Worker < workers {
			s.Shares[v.Worker]++
		}
		if v.Failed {
			s.Failed++
			continue
		}
		good = append(good, ms(v.Latency))
	}
	slices.Sort(good)
	s.P50, s.P99 = rounded(quantile(good, 0.5)), rounded(quantile(good, 0.99))
	return s
}

func rounded(v float64) float64 { return math.Round(100*v) / 100 }

// underWay is how many requests each endpoint had on average in each second, as
// the client sees it: from when a request was due to its answer, whoever
// answered. Those that nobody answered are in none.
func underWay(all []Sample, workers int) (out [][]float64) {
	for _, s := range all {
		if s.Worker < 0 || s.Worker >= workers {
			continue
		}
		from, to := s.Due.Seconds(), (s.Due + s.Latency).Seconds()
		for at := int(from); float64(at) < to; at++ {
			for len(out) <= at {
				out = append(out, make([]float64, workers))
			}
			out[at][s.Worker] += min(to, float64(at+1)) - max(from, float64(at))
		}
	}
	for _, row := range out {
		for i := range row {
			row[i] = rounded(row[i])
		}
	}
	return out
}
