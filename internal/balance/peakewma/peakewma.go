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
)

// sample is how many of a large set are compared.
const sample = 8

type picker struct {
	endpoints []*lb.Endpoint
	failure   float64 // seconds
}

// New returns a picker over the eligible endpoints.
func New(s balance.Set, o balance.Options) balance.Picker {
	return &picker{s.Eligible, o.WithDefaults().FailureCost.Seconds()}
}

// Pick implements balance.Picker. An endpoint without a history counts as
// good as the best of the others: it gets its part while they are busy, but
// neither everything at once nor nothing for ever.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	var c balance.Candidates
	c.Draw(&info, p.endpoints, sample)
	var costs [balance.MostScanned]float64
	best := 0.0
	for i, e := range c.Of[:c.N] {
		latency, known := e.Live.Peak(info.Now)
		failing := e.Live.Failing(info.Now)
		if !known && failing == 0 {
			costs[i] = -1
			continue
		}
		costs[i] = (1-failing)*latency + failing*p.failure
		if best == 0 || costs[i] < best {
			best = costs[i]
		}
	}
	if best == 0 {
		best = 1 // nobody has a history: the attempts under way decide
	}
	var least balance.Least
	for i, e := range c.Of[:c.N] {
		if costs[i] < 0 {
			costs[i] = best
		}
		least.Offer(e, costs[i]*balance.Busy(e), info.Dice)
	}
	return least.Result()
}
