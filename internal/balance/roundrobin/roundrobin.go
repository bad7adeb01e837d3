// Package roundrobin takes the endpoints in turn, weighted and smooth: of
// weights 5, 1, 1 the turn is a a b a c a a, not a a a a a b c.
//
// It is nginx's smooth weighted round-robin
// (github.com/nginx/nginx, commit 52327e0627f49dbda1e8db695e63a4b0af4448b1),
// computed once for a set instead of once for a request.
package roundrobin

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

// longest bounds the sequence. Weights whose sum is larger are scaled down, so
// a share is then off by up to one place in longest: half of one by rounding,
// and nobody has less than one.
const longest = 4096

type picker struct {
	sequence []*lb.Endpoint
	cursor   *balance.Cursor
}

// New returns a picker over the eligible endpoints. The cursor goes on where
// the picker before it stood.
func New(s balance.Set, _ balance.Options) balance.Picker {
	return &picker{sequence: sequence(s.Eligible), cursor: s.Cursor}
}

// Pick implements balance.Picker. An endpoint that was tried already is
// stepped over.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	if len(p.sequence) == 0 {
		return nil, lb.ErrNoEndpoint
	}
	at := int(p.cursor.Next() % uint64(len(p.sequence)))
	for i := range p.sequence {
		if e := p.sequence[(at+i)%len(p.sequence)]; !info.Excluded(e) {
			return e, nil
		}
	}
	return nil, lb.ErrNoEndpoint
}

func sequence(endpoints []*lb.Endpoint) []*lb.Endpoint {
	weights, total := balance.Weights(endpoints)
	if total > longest {
		total = 0
		scale := float64(longest) / float64(sum(weights))
		for i, w := range weights {
			weights[i] = max(1, int(float64(w)*scale+0.5))
			total += weights[i]
		}
	}
	if total == len(endpoints) {
		return endpoints
	}
	turn := make([]*lb.Endpoint, 0, total)
	current := make([]int, len(weights))
	for range total {
		best := 0
		for i, w := range weights {
			if current[i] += w; current[i] > current[best] {
				best = i
			}
		}
		current[best] -= total
		turn = append(turn, endpoints[best])
	}
	return turn
}

func sum(weights []int) (total int) {
	for _, w := range weights {
		total += w
	}
	return total
}
