package sim

import (
	"math"
	"slices"
	"time"

	"poise/internal/decide"
	"poise/internal/scenario"
	"poise/internal/stats"
)

// FailureCost is what a failure counts in a loss.
const FailureCost = 2 * time.Second

// Result is what came of one scenario under one contender. Latencies are in
// seconds from the arrival of a request to its answer, retries and all.
type Result struct {
	Scenario  string
	Contender Contender
	Seed      uint64

	Requests             int     // measured, those of the warm-up are not
	Mean, P50, P99, P999 float64 // of those that were answered
	Failed               float64 // share
	Loss                 float64 // mean + 0.1 × mean of the worst 1 %, a failure counting FailureCost
	Switches             []Switch
	Decisions            []Told

	Took []float32 `json:"-"` // seconds of every job by its number, -1 for a failure, NaN for one from elsewhere
}

// Switch is a change of the policy while a scenario ran.
type Switch struct {
	At       time.Duration
	From, To string
	Undone   bool // it took an earlier one back
}

// Told is one decision of the engine, in words.
type Told struct {
	At         time.Duration
	Action     string // of decide, or outcome
	Gate       string // the first that did not let it pass
	Text       string
	Conditions []string // that were true
}

// Switched reports whether requests were picked otherwise from then on.
func (t *Told) Switched() bool { return t.Action == decide.Switch || t.Action == decide.Undo }

func summarise(s *scenario.Scenario, jobs []scenario.Job, took []float32) Result {
	res := Result{Scenario: s.Name, Took: took}
	costs := costs(jobs, took, s.Warm, s.Run)
	res.Requests = len(costs)
	if len(costs) == 0 {
		return res
	}
	res.Loss = Loss(costs)
	answered := costs[:0]
	for i := range jobs {
		if v := took[i]; v >= 0 && jobs[i].Balancer != scenario.Elsewhere && jobs[i].At >= s.Warm {
			answered = append(answered, v)
		}
	}
	res.Failed = 1 - float64(len(answered))/float64(res.Requests)
	slices.Sort(answered)
	sum := 0.0
	for _, v := range answered {
		sum += float64(v)
	}
	res.Mean = sum / float64(max(len(answered), 1))
	at := func(q float64) float64 { return float64(stats.Quantile(answered, q)) }
	res.P50, res.P99, res.P999 = at(0.5), at(0.99), at(0.999)
	return res
}

// costs are what the requests that arrived from one moment to another cost.
func costs(jobs []scenario.Job, took []float32, from, to time.Duration) []float32 {
	all := make([]float32, 0, len(jobs))
	for i := range jobs {
		if jobs[i].Balancer == scenario.Elsewhere || jobs[i].At < from || jobs[i].At >= to {
			continue
		}
		v := took[i]
		if v < 0 {
			v = float32(FailureCost.Seconds())
		}
		all = append(all, v)
	}
	return all
}

// LossBetween is the loss of the requests that arrived from one moment of the
// run to another; NaN of none.
func (r *Result) LossBetween(jobs []scenario.Job, from, to time.Duration) float64 {
	c := costs(jobs, r.Took, from, to)
	if len(c) == 0 {
		return math.NaN()
	}
	return Loss(c)
}

// Loss is mean + 0.1 × mean of the worst 1 %. It sorts what it is given.
func Loss(costs []float32) float64 {
	slices.Sort(costs)
	sum, worst := 0.0, 0.0
	k := max(len(costs)/100, 1)
	for i, v := range costs {
		sum += float64(v)
		if i >= len(costs)-k {
			worst += float64(v)
		}
	}
	return sum/float64(len(costs)) + 0.1*worst/float64(k)
}
