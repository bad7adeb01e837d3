// Package hotcold is the rule of Prequal (Wydrowski, Kleinberg, Rumble,
// Archer: "Load is not what you should balance", NSDI 2024): endpoints with
// many attempts under way compared to the others are hot and left out; of the
// cold ones the one with the lowest latency at its present load is taken.
//
// Prequal asks its servers for their load. A proxy that sends all of it knows
// the number under way itself, so there are no probes, no pool and nothing to
// age. Failures weigh in with their cost, since one that fails fast would look
// attractive otherwise.
package hotcold

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

type picker struct {
	endpoints []*lb.Endpoint
	quantile  float64
	failure   float64 // seconds
}

// noise is the share of failures that counts as none, just above what a single
// one makes of it. Without it each failure of endpoints that all fail now and
// then would empty one for seconds, and the rest would queue.
const noise = 0.06

// New returns a picker over the eligible endpoints. The rule needs a
// distribution: of two endpoints the busier one is always hot, so latency only
// decides when they are equally busy.
func New(s balance.Set, o balance.Options) balance.Picker {
	o = o.WithDefaults()
	return &picker{s.Eligible, o.HotQuantile, o.FailureCost.Seconds()}
}

// Pick implements balance.Picker.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	var c balance.Candidates
	c.Draw(&info, p.endpoints, balance.MostScanned)
	if c.N == 0 {
		return nil, lb.ErrNoEndpoint
	}
	var busy, scores [balance.MostScanned]float64
	for i, e := range c.Of[:c.N] {
		busy[i] = balance.Busy(e)
	}
	limit := threshold(busy, c.N, p.quantile)
	p.score(&c, &info, &scores)
	var coolest choice
	for i, e := range c.Of[:c.N] {
		if busy[i] <= limit {
			coolest.offer(e, scores[i], busy[i], &info)
		}
	}
	return coolest.endpoint, nil
}

// threshold returns the load that a quantile of the endpoints do not exceed.
// At least one is always at or below it.
func threshold(busy [balance.MostScanned]float64, n int, quantile float64) float64 {
	for i := 1; i < n; i++ { // insertion: few, and mostly in order
		for j := i; j > 0 && busy[j] < busy[j-1]; j-- {
			busy[j], busy[j-1] = busy[j-1], busy[j]
		}
	}
	return busy[int(quantile*float64(n-1))]
}

// score estimates the latency that each candidate has at its present load. One
// without a history counts as good as the best: it is tried while the best is
// busier, and not by everybody at once.
func (p *picker) score(c *balance.Candidates, info *balance.PickInfo, scores *[balance.MostScanned]float64) {
	best := 0.0
	for i, e := range c.Of[:c.N] {
		scores[i], _ = e.Live.LatencyAt(info.Now, e.Live.Inflight())
		if best == 0 || scores[i] > 0 && scores[i] < best {
			best = scores[i]
		}
	}
	for i, e := range c.Of[:c.N] {
		failing := max(0, e.Live.Failing(info.Now)-noise)
		scores[i] = (1-failing)*max(scores[i], best) + failing*p.failure
	}
}

// choice is the lowest score; the fewer under way decide a tie, then the dice.
type choice struct {
	endpoint *lb.Endpoint
	score    float64
	busy     float64
	ties     int
}

func (c *choice) offer(e *lb.Endpoint, score, busy float64, info *balance.PickInfo) {
	switch {
	case c.endpoint == nil || score < c.score || score == c.score && busy < c.busy:
		c.endpoint, c.score, c.busy, c.ties = e, score, busy, 1
	case score == c.score && busy == c.busy:
		if c.ties++; info.Dice.IntN(c.ties) == 0 {
			c.endpoint = e
		}
	}
}

// Score implements balance.Scorer: the latency in seconds that e is expected
// to have, and for a hot one what a failure costs on top of it. Where a pick
// looks at some of many, it compares e with the first.
func (p *picker) Score(info balance.PickInfo, e *lb.Endpoint) float64 {
	var c balance.Candidates
	c.N = copy(c.Of[:], p.endpoints)
	c.Add(e)
	var busy, scores [balance.MostScanned]float64
	at := 0
	for i, o := range c.Of[:c.N] {
		busy[i] = balance.Busy(o)
		if o == e {
			at = i
		}
	}
	if c.Of[at] != e { // of so many that there was no room for it
		c.Of[at], busy[at] = e, balance.Busy(e)
	}
	p.score(&c, &info, &scores)
	if busy[at] > threshold(busy, c.N, p.quantile) {
		return scores[at] + p.failure
	}
	return scores[at]
}
