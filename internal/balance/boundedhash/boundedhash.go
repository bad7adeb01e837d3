// Package boundedhash is consistent hashing with bounded loads (Mirrokni,
// Thorup, Zadimoghaddam 2018): a key goes to its endpoint on the ring unless
// that one has more than its part of what is under way, then to the next. Hot
// keys spill over; the others keep their caches.
package boundedhash

import (
	"math"

	"poise/internal/balance"
	"poise/internal/lb"
)

type picker struct {
	ring     *balance.Ring
	eligible []*lb.Endpoint
	weight   float64 // of all eligible endpoints
	factor   float64
}

// New returns a picker over a ring of all members.
func New(s balance.Set, o balance.Options) balance.Picker {
	p := &picker{ring: balance.NewRing(s), eligible: s.Eligible, factor: o.WithDefaults().HashBalance}
	for _, e := range s.Eligible {
		p.weight += float64(e.Weight)
	}
	return p
}

// Pick implements balance.Picker. A request without a key goes anywhere.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	key := info.Key
	if !info.HasKey {
		key = info.Dice.Uint64()
	}
	total := 1 // this attempt
	for _, e := range p.eligible {
		total += e.Live.Inflight()
	}
	perWeight := p.factor * float64(total) / p.weight
	e := p.ring.Walk(key, func(e *lb.Endpoint) bool {
		return !info.Excluded(e) && float64(e.Live.Inflight()) < math.Ceil(perWeight*float64(e.Weight))
	})
	if e == nil { // all below their bound were tried already
		e = p.ring.Walk(key, func(e *lb.Endpoint) bool { return !info.Excluded(e) })
	}
	if e == nil {
		return nil, lb.ErrNoEndpoint
	}
	return e, nil
}
