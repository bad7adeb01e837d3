package learn

import (
	"cmp"
	"math"
	"slices"
)

// group is a run of endpoints whose speeds cannot be told apart.
type group struct {
	log, weight float64 // log mean, and one over its variance
	first, last int     // of the order
	gap         float64 // to the next group; infinite when the two can be told apart
	next        int     // index of the next group; 0 for none
}

// groups is memory that merging and fitting use again.
type groups struct {
	order []*endpoint
	means []measured
	all   []group
	fits  []likelihood
}

type measured struct {
	e             *endpoint
	log, variance float64
}

func (g *groups) likelihoods(n int) []likelihood {
	if cap(g.fits) < n {
		g.fits = make([]likelihood, n)
	}
	return g.fits[:n]
}

const (
	// leastGap is how far two speeds must be apart, in logs, to be told apart at
	// all, and gapSigma in standard errors of their difference.
	leastGap = 0.35
	gapSigma = 2.5
)

// merge makes endpoints equal whose speeds do not differ beyond doubt. One
// that looks slower by chance would get no request, and nothing to prove that
// it is not; equal endpoints are best served by counting alone.
//
// Groups grow from the closest neighbours on.
func (l *Learner) merge() {
	g := &l.groups
	g.means = g.means[:0]
	for _, m := range l.members {
		if m.service = 0; m.speed.known() {
			g.means = append(g.means, m.measure())
		}
	}
	if len(g.means) == 0 {
		return
	}
	slices.SortStableFunc(g.means, func(a, b measured) int { return cmp.Compare(a.log, b.log) })
	g.all = g.all[:0]
	for i, m := range g.means {
		g.all = append(g.all, group{log: m.log, weight: 1 / m.variance, first: i, last: i, next: i + 1})
	}
	g.all[len(g.all)-1].next = 0
	for i := range g.all {
		g.apart(i)
	}
	g.join()
	for i := 0; ; i = g.all[i].next {
		a := &g.all[i]
		for k := a.first; k <= a.last; k++ {
			g.means[k].e.service = math.Exp(a.log)
		}
		if a.next == 0 {
			break
		}
	}
	median := g.means[len(g.means)/2].e.service
	for _, m := range l.members {
		if m.service == 0 {
			m.service = median
		}
	}
}

// measure is the log mean of an endpoint with its variance. Attempts that wait
// unusually long count as if they ended now.
func (m *endpoint) measure() measured {
	s := m.speed
	if len(m.waits) > 0 {
		load := m.work.logLoad(m.to.Live.Inflight())
		for _, age := range m.waits {
			s.observe(s.last, age*math.Exp(-load), math.Log(age)-load)
		}
		s.mean = max(s.mean, m.speed.mean)
	}
	return measured{m, math.Log(s.mean), max(leastVar, s.meanVar) * s.slowVar}
}

// apart sets the gap behind group i.
func (g *groups) apart(i int) {
	a := &g.all[i]
	if a.next == 0 {
		a.gap = math.Inf(1)
		return
	}
	b := &g.all[a.next]
	a.gap = b.log - a.log
	if a.gap >= max(leastGap, gapSigma*math.Sqrt(1/a.weight+1/b.weight)) {
		a.gap = math.Inf(1)
	}
}

// join merges neighbours, the closest first, while any cannot be told apart.
func (g *groups) join() {
	for {
		closest, before, gap := -1, -1, math.Inf(1)
		for i, last := 0, -1; ; i, last = g.all[i].next, i {
			if g.all[i].gap < gap {
				closest, before, gap = i, last, g.all[i].gap
			}
			if g.all[i].next == 0 {
				break
			}
		}
		if closest < 0 {
			return
		}
		a := &g.all[closest]
		b := &g.all[a.next]
		w := a.weight + b.weight
		a.log = (a.log*a.weight + b.log*b.weight) / w
		a.weight, a.last, a.next = w, b.last, b.next
		g.apart(closest)
		if before >= 0 {
			g.apart(before)
		}
	}
}
