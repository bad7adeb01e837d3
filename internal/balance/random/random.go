// Package random picks by weight alone.
package random

import (
	"sort"

	"poise/internal/balance"
	"poise/internal/lb"
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

// Pick implements balance.Picker.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	switch {
	case len(p.endpoints) == 0:
		return nil, lb.ErrNoEndpoint
	case len(info.Exclude) > 0:
		return p.among(&info)
	case p.upTo == nil:
		return p.endpoints[info.Dice.IntN(len(p.endpoints))], nil
	}
	i := sort.SearchInts(p.upTo, info.Dice.IntN(p.upTo[len(p.upTo)-1])+1)
	return p.endpoints[i], nil
}

// among draws from those that were not tried yet, in proportion to their
// weights. It looks at all: only a retry comes here, and drawing again until
// one is left would take long when the heaviest was tried.
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
