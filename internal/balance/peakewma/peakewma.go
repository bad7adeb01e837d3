// Package peakewma picks the endpoint whose peak latency times the attempts
// under way is least: Finagle's PeakEwma, with Linkerd's penalty for failures
// (lb.Estimates has both). Unlike theirs it compares more than two endpoints:
// a pair of two slow ones must be served by one of them, and on unequal
// endpoints with few slots that is unstable.
package peakewma

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

// sample is how many of a large set are compared.
const sample = 8

type picker struct{ endpoints []*lb.Endpoint }

// New returns a picker over the eligible endpoints.
func New(s balance.Set, _ balance.Options) balance.Picker { return &picker{s.Eligible} }

// Pick implements balance.Picker. An endpoint without a history counts as
// good as the best of the others: it gets its part while they are busy, but
// neither everything at once nor nothing for ever.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	var c balance.Candidates
	c.Draw(&info, p.endpoints, sample)
	var costs [balance.MostScanned]float64
	best := 0.0
	for i, e := range c.Of[:c.N] {
		cost, known := e.Live.Peak(info.Now)
		if !known {
			costs[i] = -1
			continue
		}
		costs[i] = cost
		if best == 0 || cost < best {
			best = cost
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
