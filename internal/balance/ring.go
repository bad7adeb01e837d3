package balance

import (
	"cmp"
	"slices"

	"poise/internal/lb"
)

// Ring places every member of a cluster at many points of a circle (Karger et
// al. 1997, with the many points of ketama). It stands over all members and
// not only over those that are eligible, so that a key moves only while its
// own endpoint is out.
type Ring struct {
	points   []point
	members  []*lb.Endpoint
	eligible []bool
}

type point struct {
	at     uint64
	member int32
}

// pointsPerWeight points of an endpoint of the least weight even the shares
// out to about ±10 %; mostPoints bounds the memory of large clusters.
const (
	pointsPerWeight = 128
	mostPoints      = 1 << 18
)

// NewRing returns the ring of a set.
func NewRing(s Set) *Ring {
	r := &Ring{members: s.Members, eligible: Eligibility(s)}
	weights, total := Weights(s.Members)
	per := pointsPerWeight
	if total > 0 {
		per = max(1, min(per, mostPoints/total))
	}
	for i, m := range s.Members {
		for n := range per * weights[i] {
			r.points = append(r.points, point{at: Mix(m.Hash + uint64(n)*golden), member: int32(i)})
		}
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.member, b.member))
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
		if p.member == refused || !r.eligible[p.member] {
			continue
		}
		if e := r.members[p.member]; accept(e) {
			return e
		}
		refused = p.member
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
