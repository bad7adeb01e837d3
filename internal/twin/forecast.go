package twin

import (
	"cmp"
	"slices"
	"time"
)

// Forecast is a replay with what is needed to say how sure its figures are.
type Forecast struct {
	Prediction
	P50s, P99s [Blocks]float64 // seconds, with one block of the window left out
	Failed     [Blocks]float64 // share, the same way
	Load       float64         // share of the capacity in use
	Unseen     float64         // share of requests that found more under way than was ever seen, where no capacity is known
}

// Forecast replays the window as Replay does. What it tells beyond that is
// what a leave-one-out estimate of errors needs (the jackknife: Tukey, 1958),
// by blocks since requests that follow each other are not independent.
func (m *Model) Forecast(policy string, sc Scenario) (Forecast, error) {
	r, err := m.newReplay(policy, sc)
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Load: m.loadOf(&sc, r.parts)}
	if !r.run() {
		f.Prediction = Prediction{Policy: policy, Abandoned: true}
		return f, nil
	}
	f.Prediction = m.predict(policy, r.out, r.jobs)
	f.leaveOut(m, r.out, r.jobs)
	if len(r.jobs) > 0 {
		f.Unseen = float64(r.unseen) / float64(len(r.jobs))
	}
	return f, nil
}

// Observed is the same of what happened.
func (m *Model) Observed() Forecast {
	f := Forecast{Prediction: m.Measured(), Load: m.Load()}
	f.leaveOut(m, m.measured, m.jobs)
	return f
}

// LoadIn returns the share of the capacity that a scenario would have in use.
func (m *Model) LoadIn(sc Scenario) float64 { return m.loadOf(&sc, m.cast(&sc)) }

func (m *Model) loadOf(sc *Scenario, parts []part) float64 {
	c := capacity(parts)
	if c == 0 {
		return 0
	}
	return m.Rate() * cmp.Or(sc.Load, 1) / c
}

// answer is the latency of one that was not a failure, and its block.
type answer struct {
	latency time.Duration
	block   int
}

// leaveOut computes the figures once without each block. Blocks are of the
// requests that count, as those of Loss are.
func (f *Forecast) leaveOut(m *Model, outcomes []outcome, jobs []job) {
	counted := make([]int, 0, len(outcomes))
	skip := m.warm()
	for i := range outcomes {
		if !jobs[i].silent && jobs[i].at >= skip {
			counted = append(counted, i)
		}
	}
	var failed, all [Blocks]int
	answers := make([]answer, 0, len(counted))
	for n, i := range counted {
		b := n * Blocks / len(counted)
		all[b]++
		if outcomes[i].failed {
			failed[b]++
		} else {
			answers = append(answers, answer{outcomes[i].latency, b})
		}
	}
	slices.SortFunc(answers, func(a, b answer) int { return cmp.Compare(a.latency, b.latency) })
	fails := 0
	for _, n := range failed {
		fails += n
	}
	for b := range Blocks {
		if rest := len(counted) - all[b]; rest > 0 {
			f.Failed[b] = float64(fails-failed[b]) / float64(rest)
		}
		rest := len(answers) - (all[b] - failed[b])
		f.P50s[b], f.P99s[b] = without(answers, b, rest/2), without(answers, b, rest*99/100)
	}
}

// without returns the latency, in seconds, of the answer at a rank of those of
// other blocks.
func without(sorted []answer, block, rank int) float64 {
	for _, a := range sorted {
		if a.block == block {
			continue
		}
		if rank == 0 {
			return a.latency.Seconds()
		}
		rank--
	}
	return 0
}
