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

// Pick implements balance.Picker. After a few draws of endpoints that were
// tried already it takes the next one that was not.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	if len(p.endpoints) == 0 {
		return nil, lb.ErrNoEndpoint
	}
	i := 0
	for range 4 {
		i = p.draw(&info)
		if !info.Excluded(p.endpoints[i]) {
			return p.endpoints[i], nil
		}
	}
	for n := range p.endpoints {
		if e := p.endpoints[(i+n)%len(p.endpoints)]; !info.Excluded(e) {
			return e, nil
		}
	}
	return nil, lb.ErrNoEndpoint
}

func (p *picker) draw(info *balance.PickInfo) int {
	if p.upTo == nil {
		return info.Dice.IntN(len(p.endpoints))
	}
	return sort.SearchInts(p.upTo, info.Dice.IntN(p.upTo[len(p.upTo)-1])+1)
}
