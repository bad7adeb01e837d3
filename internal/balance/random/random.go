// Package random picks by weight alone.
package random

import (
	"sort"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

type picker struct {
	endpoints []*lb.Endpoint
	upTo      []int // running sums of the weights; nil when all are equal
}

// New returns a picker over the eligible endpoints.
func New(s balance.Set, _ balance.Options) balance.Picker {
	p := &picker{endpoints: s.Eligible}
	weights, total := balance.Weights(s.Eligible)
	if total == len(weights) {
		return p
	}
	running := 0
	for _, w := range weights {
		running += w
		p.upTo = append(p.upTo, running)
	}
	return p
}

// draws are tried before all endpoints are looked at: whoever comes with
// exclusions has few of them, and of many endpoints the first draw will do.
const draws = 8

// Pick implements balance.Picker.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	if len(p.endpoints) == 0 {
		return nil, lb.ErrNoEndpoint
	}
	if len(info.Exclude) == 0 {
		return p.draw(info.Dice), nil
	}
	for range draws {
		if e := p.draw(info.Dice); !info.Excluded(e) {
			return e, nil
		}
	}
	return p.among(&info)
}

func (p *picker) draw(dice *stats.Dice) *lb.Endpoint {
	if p.upTo == nil {
		return p.endpoints[dice.IntN(len(p.endpoints))]
	}
	return p.endpoints[sort.SearchInts(p.upTo, dice.IntN(p.upTo[len(p.upTo)-1])+1)]
}

// among draws from those that are not excluded, in proportion to their
// weights, as the draws before it did. It looks at all: drawing again until one
// is left would take long when the heaviest is excluded.
func (p *picker) among(info *balance.PickInfo) (*lb.Endpoint, error) {
	total := 0
	for _, e := range p.endpoints {
		if !info.Excluded(e) {
			total += e.Weight
		}
	}
	if total == 0 {
		return nil, lb.ErrNoEndpoint
	}
	left := info.Dice.IntN(total)
	for _, e := range p.endpoints {
		if info.Excluded(e) {
			continue
		}
		if left -= e.Weight; left < 0 {
			return e, nil
		}
	}
	return nil, lb.ErrNoEndpoint // not reached: left was below the sum
}
