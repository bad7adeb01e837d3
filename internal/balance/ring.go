package balance

import (
	"cmp"
	"slices"

	"poise/internal/lb"
)

// Ring places the endpoints of a cluster at many points of a circle (Karger et
// al. 1997, with the many points of ketama). A key goes to the first point
// behind it, so it moves only while its own endpoint is out.
type Ring struct {
	points   []point
	eligible []*lb.Endpoint
}

type point struct {
	at       uint64
	endpoint int32 // index into eligible
}

// mostPoints are those of the heaviest member; the others have their part of
// them, at least one. They even the shares of equal endpoints out to about
// ±6 %. The number is fixed, and the weights are not reduced by what divides
// them all, so that a weight that changes a little moves few keys.
const mostPoints = 256

// NewRing returns the ring of a set. Where a point is depends on all members;
// those that are not eligible have none. That is the same as stepping over
// theirs, and a pick costs the same however many are out.
func NewRing(s Set) *Ring {
	r := &Ring{eligible: s.Eligible}
	heaviest := 1
	for _, m := range s.Members {
		heaviest = max(heaviest, m.Weight)
	}
	index := int32(0)
	mask, twins := Eligibility(s), map[uint64]uint64{}
	for i, m := range s.Members {
		seed := m.Hash ^ Mix(twins[m.Hash]) // a second member with one hash needs points of its own
		twins[m.Hash]++
		if !mask[i] {
			continue
		}
		for n := range max(1, (mostPoints*m.Weight+heaviest/2)/heaviest) {
			r.points = append(r.points, point{at: Mix(seed + uint64(n)*golden), endpoint: index})
		}
		index++
	}
	slices.SortFunc(r.points, func(a, b point) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(a.endpoint, b.endpoint)
	})
	return r
}

// Walk returns the first endpoint behind key that accept takes, nil for none.
// It goes round once at most.
func (r *Ring) Walk(key uint64, accept func(*lb.Endpoint) bool) *lb.Endpoint {
	start, _ := slices.BinarySearchFunc(r.points, Mix(key), func(p point, at uint64) int { return cmp.Compare(p.at, at) })
	refused := int32(-1) // the last one, which often follows itself
	for i := range r.points {
		p := r.points[(start+i)%len(r.points)]
		if p.endpoint == refused {
			continue
		}
		if e := r.eligible[p.endpoint]; accept(e) {
			return e
		}
		refused = p.endpoint
	}
	return nil
}

// golden is 2^64 over the golden ratio: multiples of it are spread evenly.
const golden = 0x9e3779b97f4a7c15

// Mix spreads the bits of x (the finaliser of MurmurHash3).
func Mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Eligibility says of each member whether it may be picked.
func Eligibility(s Set) []bool {
	in := make(map[*lb.Endpoint]bool, len(s.Eligible))
	for _, e := range s.Eligible {
		in[e] = true
	}
	mask := make([]bool, len(s.Members))
	for i, m := range s.Members {
		mask[i] = in[m]
	}
	return mask
}

// Weights returns the weights of endpoints, reduced by what divides them all,
// and their sum.
func Weights(endpoints []*lb.Endpoint) (weights []int, total int) {
	divisor := 0
	for _, e := range endpoints {
		divisor = gcd(divisor, e.Weight)
	}
	for _, e := range endpoints {
		w := e.Weight / max(divisor, 1)
		weights = append(weights, w)
		total += w
	}
	return weights, total
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
