// Package p2c draws two different endpoints and takes the one with fewer
// attempts under way for its weight: the power of two choices (Mitzenmacher
// 1996; Azar et al. 1994).
package p2c

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

type picker struct{ endpoints []*lb.Endpoint }

// New returns a picker over the eligible endpoints.
func New(s balance.Set, _ balance.Options) balance.Picker { return &picker{s.Eligible} }

// Pick implements balance.Picker.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	if len(info.Exclude) > 0 || len(p.endpoints) < 2 {
		return p.among(&info)
	}
	a, b := distinct(info.Dice.IntN(len(p.endpoints)), info.Dice.IntN(len(p.endpoints)-1))
	return better(p.endpoints[a], p.endpoints[b], &info)
}

// distinct makes two draws, from n and from n-1, a pair of different indexes,
// every pair with the same probability. Moving only the collision would make
// neighbours meet half again as often.
func distinct(a, b int) (int, int) {
	if b >= a {
		b++
	}
	return a, b
}

func better(a, b *lb.Endpoint, info *balance.PickInfo) (*lb.Endpoint, error) {
	var least balance.Least
	least.Offer(a, balance.Busy(a), info.Dice)
	least.Offer(b, balance.Busy(b), info.Dice)
	return least.Result()
}

// among draws from those that were not tried yet.
func (p *picker) among(info *balance.PickInfo) (*lb.Endpoint, error) {
	var c balance.Candidates
	c.Draw(info, p.endpoints, balance.MostScanned)
	switch c.N {
	case 0:
		return nil, lb.ErrNoEndpoint
	case 1:
		return c.Of[0], nil
	}
	a, b := distinct(info.Dice.IntN(c.N), info.Dice.IntN(c.N-1))
	return better(c.Of[a], c.Of[b], info)
}

// Score implements balance.Scorer: attempts per weight with one more.
func (p *picker) Score(_ balance.PickInfo, e *lb.Endpoint) float64 { return balance.Busy(e) }
