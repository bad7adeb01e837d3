// Package maglev sends a key to the same endpoint by one look into a table
// (Eisenbud et al.: "Maglev: A Fast and Reliable Software Network Load
// Balancer", NSDI 2016, section 3.4). The table is made from all members; an
// endpoint that is out is masked, so that no key moves but its own.
package maglev

import (
	"poise/internal/balance"
	"poise/internal/lb"
)

// size of the table: a prime, and over 100 times as large as common clusters.
const size = 65537

// mostTurns bounds how often a key whose endpoint is out is hashed again. Of
// half the members being out it is reached once in 2^16 picks.
const mostTurns = 16

type picker struct {
	table    []uint16 // index of a member
	members  []*lb.Endpoint
	eligible []bool
	any      bool
}

// New returns a picker over a table of all members, of which it takes the
// first 65536.
func New(s balance.Set, _ balance.Options) balance.Picker {
	members := s.Members[:min(len(s.Members), 1<<16)]
	return &picker{
		table: fill(members), members: members, eligible: balance.Eligibility(s), any: len(s.Eligible) > 0,
	}
}

// fill lets every member in turn take the next free slot of its own
// permutation; a member of twice the weight takes twice as many turns.
func fill(members []*lb.Endpoint) []uint16 {
	if len(members) == 0 {
		return nil
	}
	weights, _ := balance.Weights(members)
	heaviest := 0
	for _, w := range weights {
		heaviest = max(heaviest, w)
	}
	table := make([]uint16, size)
	taken := make([]bool, size)
	next := make([]uint64, len(members))
	credit := make([]int, len(members))
	for filled := 0; ; {
		for i, m := range members {
			if credit[i] += weights[i]; credit[i] < heaviest {
				continue
			}
			credit[i] -= heaviest
			offset, skip := balance.Mix(m.Hash)%size, balance.Mix(m.Hash+1)%(size-1)+1
			slot := (offset + next[i]*skip) % size
			for taken[slot] {
				next[i]++
				slot = (offset + next[i]*skip) % size
			}
			table[slot], taken[slot] = uint16(i), true
			next[i]++
			if filled++; filled == size {
				return table
			}
		}
	}
}

// Pick implements balance.Picker. A request without a key goes anywhere.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	if !p.any {
		return nil, lb.ErrNoEndpoint
	}
	key := info.Key
	if !info.HasKey {
		key = info.Dice.Uint64()
	}
	for range mostTurns {
		key = balance.Mix(key + 1)
		i := p.table[key%size]
		if e := p.members[i]; p.eligible[i] && !info.Excluded(e) {
			return e, nil
		}
	}
	return p.rendezvous(key, &info)
}

// rendezvous gives a key to the endpoint that together with it has the highest
// hash (Thaler, Ravishankar 1996). It looks at all members and leaves their
// weights aside, but finds the only one that is left, and moves no other key.
func (p *picker) rendezvous(key uint64, info *balance.PickInfo) (*lb.Endpoint, error) {
	var best *lb.Endpoint
	highest := uint64(0)
	for i, e := range p.members {
		if !p.eligible[i] || info.Excluded(e) {
			continue
		}
		if h := balance.Mix(key ^ balance.Mix(e.Hash+uint64(i))); best == nil || h > highest {
			best, highest = e, h
		}
	}
	if best == nil {
		return nil, lb.ErrNoEndpoint
	}
	return best, nil
}
