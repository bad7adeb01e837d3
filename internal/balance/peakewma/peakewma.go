// Package peakewma picks the endpoint whose peak latency times the attempts
// under way is least: Finagle's PeakEwma (lb.Estimates has it). Unlike there,
// failures weigh in with their cost, since an endpoint that fails fast would
// look attractive; and more than two endpoints are compared: a pair of two
// slow ones must be served by one of them, and on unequal endpoints with few
// slots that is unstable.
package peakewma

import (
	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

// sample is how many of a large set are compared.
const sample = 8

// guess is the latency of everybody until somebody has answered: Linkerd's.
const guess = 0.030

type picker struct {
	endpoints []*lb.Endpoint
	failure   float64 // seconds
}

// New returns a picker over the eligible endpoints.
func New(s balance.Set, o balance.Options) balance.Picker {
	return &picker{s.Eligible, o.WithDefaults().FailureCost.Seconds()}
}

// Pick implements balance.Picker.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	var c balance.Candidates
	c.Draw(&info, p.endpoints, sample)
	var costs [balance.MostScanned]float64
	least := floor(&c, &info, &costs)
	var choice balance.Least
	for i, e := range c.Of[:c.N] {
		choice.Offer(e, p.load(e, max(costs[i], least), info.Now), info.Dice)
	}
	return choice.Result()
}

// load is the cost of e, failures weighed in, times what would be under way.
func (p *picker) load(e *lb.Endpoint, cost float64, now stats.Instant) float64 {
	failing := e.Live.Failing(now)
	return ((1-failing)*cost + failing*p.failure/float64(e.Weight)) * float64(e.Live.Inflight()+1)
}

// Score implements balance.Scorer: the load in seconds. The floor is that of
// the first endpoints, where a pick looks at some of many.
func (p *picker) Score(info balance.PickInfo, e *lb.Endpoint) float64 {
	var c balance.Candidates
	c.N = copy(c.Of[:], p.endpoints)
	var costs [balance.MostScanned]float64
	least := floor(&c, &info, &costs)
	decayed, _ := e.Live.Peak(info.Now)
	return p.load(e, max(decayed/float64(e.Weight), least), info.Now)
}

// floor sets the cost of each candidate, its decayed latency per weight, and
// returns what none may be below: the least cost that any was last seen with.
// An endpoint that was silent for long, out for a minute say, decays until it
// ties with the best and is tried again. Without a floor it would decay to
// next to nothing and take every request until its first answer. One without a
// history counts as good as the best for the same reasons.
func floor(c *balance.Candidates, info *balance.PickInfo, costs *[balance.MostScanned]float64) float64 {
	least := 0.0
	for i, e := range c.Of[:c.N] {
		decayed, last := e.Live.Peak(info.Now)
		weight := float64(e.Weight)
		costs[i] = decayed / weight
		if last > 0 && (least == 0 || last/weight < least) {
			least = last / weight
		}
	}
	if least == 0 {
		return guess
	}
	return least
}
