// Package leastrequest picks the endpoint with the fewest attempts under way
// for its weight (join the shortest queue; HAProxy and nginx call it
// leastconn). It is optimal for equal endpoints (Winston 1977).
package leastrequest

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

type picker struct{ endpoints []*lb.Endpoint }

// New returns a picker over the eligible endpoints. Of more than
// balance.MostScanned it compares a sample of that many, which for large sets
// comes very close to comparing all.
func New(s balance.Set, _ balance.Options) balance.Picker { return &picker{s.Eligible} }

// Pick implements balance.Picker.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	var c balance.Candidates
	c.Draw(&info, p.endpoints, balance.MostScanned)
	var least balance.Least
	for _, e := range c.Of[:c.N] {
		least.Offer(e, balance.Busy(e), info.Dice)
	}
	return least.Result()
}

// Score implements balance.Scorer: attempts per weight with one more.
func (p *picker) Score(_ balance.PickInfo, e *lb.Endpoint) float64 { return balance.Busy(e) }
