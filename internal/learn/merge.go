package learn

import (
	"cmp"
	"math"
	"slices"
)

// group is a run of endpoints whose speeds cannot be told apart.
type group struct {
	log, weight float64 // log mean, and one over its variance
	single      float64 // mean variance of its members' own
	first, last int     // of the order
	next, prev  int     // indexes of the neighbours; -1 for none
	version     int     // of the gap; a group that is gone has -1
}

// groups is memory that merging and fitting use again.
type groups struct {
	means []measured
	all   []group
	heap  []gap
	least float64 // gap of two speeds that can be told apart
	fits  []likelihood
}

// gap is how far a group was from its next one at a version of it.
type gap struct {
	size    float64
	group   int
	version int
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
	// idleGap is what is left of leastGap where next to nothing is in flight.
	// There nobody queues at an endpoint that looks faster by chance, and what
	// one differs by is the load of other balancers, which counting cannot see.
	idleGap = 0.25
)

// merge makes endpoints equal whose speeds do not differ beyond doubt. One
// that looks slower by chance would get no request, and nothing to prove that
// it is not; equal endpoints are best served by counting alone.
//
// Groups grow from the closest neighbours on. What can be told apart goes by
// the variance of single endpoints, not by that of a group's mean: groups are
// made of what is close, so equal endpoints with few answers each would fall
// into a lower and an upper half that differ beyond doubt.
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
	g.least = leastGap * min(max(l.load, idleGap), 1)
	g.all, g.heap = g.all[:0], g.heap[:0]
	for i, m := range g.means {
		g.all = append(g.all, group{log: m.log, weight: 1 / m.variance, single: m.variance, first: i, last: i, next: i + 1, prev: i - 1})
	}
	g.all[len(g.all)-1].next = -1
	for i := range g.all {
		g.offer(i)
	}
	g.join()
	for i := 0; i >= 0; i = g.all[i].next {
		a := &g.all[i]
		for k := a.first; k <= a.last; k++ {
			g.means[k].e.service = math.Exp(a.log)
		}
	}
	g.humble()
	median := g.means[len(g.means)/2].e.service
	for _, m := range l.members {
		if m.service == 0 {
			m.service = median
		}
	}
}

// fewAnswers is the variance of a speed that rests on fewer than five answers.
const fewAnswers = 0.2

// humble keeps those of whom little is known from looking better than the best
// of whom enough is: one lucky answer must not draw a herd. If it is true more
// will follow.
func (g *groups) humble() {
	best := 0.0
	for i := range g.means {
		if e := g.means[i].e; e.speed.slowVar <= fewAnswers && (best == 0 || e.service < best) {
			best = e.service
		}
	}
	for i := range g.means {
		if e := g.means[i].e; e.speed.slowVar > fewAnswers {
			e.service = max(e.service, best)
		}
	}
}

// measure is the log mean of an endpoint with its variance. Attempts that wait
// unusually long count as if they ended now.
func (e *endpoint) measure() measured {
	s := e.speed
	if len(e.waits) > 0 {
		bin := loadBin(e.to.Live.Inflight())
		for _, age := range e.waits {
			s.observe(s.last, age*e.work.invLoad(bin), math.Log(age)-e.work.logLoad(bin))
		}
		s.mean = max(s.mean, e.speed.mean)
	}
	return measured{e, math.Log(s.mean), max(leastVar, s.meanVar) * s.slowVar}
}

// offer puts the gap behind group i into the heap, when the two groups cannot
// be told apart.
func (g *groups) offer(i int) {
	a := &g.all[i]
	a.version++
	if a.next < 0 {
		return
	}
	b := &g.all[a.next]
	size := b.log - a.log
	if size >= max(g.least, gapSigma*math.Sqrt(a.single+b.single)) {
		return
	}
	g.heap = append(g.heap, gap{size, i, a.version})
	for i := len(g.heap) - 1; i > 0; { // up
		parent := (i - 1) / 2
		if !g.heap[i].less(&g.heap[parent]) {
			return
		}
		g.heap[i], g.heap[parent] = g.heap[parent], g.heap[i]
		i = parent
	}
}

// less orders gaps; of equal ones the first.
func (g *gap) less(o *gap) bool { return g.size < o.size || g.size == o.size && g.group < o.group }

// closest takes the smallest gap out of the heap.
func (g *groups) closest() gap {
	least, last := g.heap[0], len(g.heap)-1
	g.heap[0] = g.heap[last]
	g.heap = g.heap[:last]
	for i := 0; ; { // down
		child := 2*i + 1
		if child >= last {
			return least
		}
		if child+1 < last && g.heap[child+1].less(&g.heap[child]) {
			child++
		}
		if !g.heap[child].less(&g.heap[i]) {
			return least
		}
		g.heap[i], g.heap[child] = g.heap[child], g.heap[i]
		i = child
	}
}

// join merges neighbours, the closest first, while any cannot be told apart.
func (g *groups) join() {
	for len(g.heap) > 0 {
		c := g.closest()
		a := &g.all[c.group]
		if a.version != c.version {
			continue
		}
		b := &g.all[a.next]
		w := a.weight + b.weight
		m, n := float64(a.last-a.first+1), float64(b.last-b.first+1)
		a.single = (m*a.single + n*b.single) / (m + n)
		a.log = (a.log*a.weight + b.log*b.weight) / w
		a.weight, a.last, a.next = w, b.last, b.next
		b.version = -1
		if a.next >= 0 {
			g.all[a.next].prev = c.group
		}
		g.offer(c.group)
		if a.prev >= 0 {
			g.offer(a.prev)
		}
	}
}
