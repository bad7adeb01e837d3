// Package ringhash sends a key to the same endpoint as long as that one is
// there: consistent hashing on a ring (Karger et al. 1997; ketama).
package ringhash

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

type picker struct{ ring *balance.Ring }

// New returns a picker over a ring of all members.
func New(s balance.Set, _ balance.Options) balance.Picker { return &picker{balance.NewRing(s)} }

// Pick implements balance.Picker. A request without a key goes anywhere.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	key := info.Key
	if !info.HasKey {
		key = info.Dice.Uint64()
	}
	e := p.ring.Walk(key, func(e *lb.Endpoint) bool { return !info.Excluded(e) })
	if e == nil {
		return nil, lb.ErrNoEndpoint
	}
	return e, nil
}
