package twin

import (
	"math"
	"slices"
	"time"
)

// findSlots sets slots to the capacity for which the implied time of service
// has least to do with how many were under way, if the endpoint is a queue.
func (m *Model) findSlots(s *station, w []attempt) {
	most := s.reach(w)
	s.most = s.common(w, most)
	queue := m.try(s, w, most, m.in.Memory.of(s.address).Queue[:], m.impliedQueue)
	s.queue = queue.score
	s.accept(queue, w)
	if s.waited < leastWaited { // nobody waited, as far as can be told
		queue.service = m.impliedQueue(s, w, most)
	}
	s.raw = append(s.raw[:0], queue.service...)
	if m.in.Options.Ablate.NoQueue {
		s.slots = most
		for n, i := range s.own {
			s.raw[n] = (w[i].until - w[i].from).Seconds()
		}
	}
}

// reach is how many were under way at once.
func (s *station) reach(w []attempt) (most int) {
	for _, i := range s.own {
		most = max(most, int(w[i].Inflight)+1)
	}
	return most
}

// common is how many were under way at once but for a few times.
func (s *station) common(w []attempt, most int) int {
	met := make([]int, most+1)
	for _, i := range s.own {
		met[w[i].Inflight]++
	}
	for above := 0; most > 1; most-- {
		if above += met[most-1]; above >= leastWaited {
			break
		}
	}
	return most
}

// accept takes a capacity for known if enough attempts had to wait at it, and
// if it explains them distinctly better than that nobody waited. Of a few that
// met each other by chance it may be anything.
func (s *station) accept(g guess, w []attempt) {
	s.waited = s.waiting(w, g.slots)
	s.slots, s.least, s.limit = g.slots, g.least, g.limit
	n := float64(len(s.own))
	s.bounded = s.waited >= leastWaited && (n >= plenty || g.unlimited-g.score > 1/math.Sqrt(n))
}

// waiting is how many attempts found so many under way.
func (s *station) waiting(w []attempt, slots int) (n int) {
	for _, i := range s.own {
		if int(w[i].Inflight) >= slots {
			n++
		}
	}
	return n
}

const (
	leastWaited = 8   // attempts that must have waited for a capacity to be known
	plenty      = 200 // attempts after which chance is left out of account
)

// unexplained is a correlation of service and load above which a model does
// not explain the endpoint.
const unexplained = 0.1

// score is how badly a hypothesis explains the attempts: the rank correlation
// of the times of service that it implies with how many were under way
// (Spearman's, since times of service may have a heavy tail), and one more if
// over 2 % of the times are impossible.
func (m *Model) score(s *station, w []attempt, service []float64) float64 {
	impossible := 0
	for _, v := range service {
		if v <= leastService {
			impossible++
		}
	}
	score := math.Abs(m.spearman(s, w, service))
	if impossible*50 > len(service) {
		score++
	}
	return score
}

type ranked struct {
	value float64
	place int32
}

func (m *Model) spearman(s *station, w []attempt, service []float64) float64 {
	n := len(service)
	if n < 10 {
		return 0
	}
	order := m.scratch.order[:0]
	for i, v := range service {
		order = append(order, ranked{v, int32(i)})
	}
	m.scratch.order = order
	slices.SortFunc(order, func(a, b ranked) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return int(a.place - b.place)
	})
	var x, y moments
	var xy float64
	for i := 0; i < n; {
		j := i
		for j < n && order[j].value-order[i].value < 1e-6 {
			j++
		}
		rank := float64(i+j) / 2 // ties share the middle of their ranks
		for ; i < j; i++ {
			k := float64(w[s.own[order[i].place]].Inflight)
			x.add(rank)
			y.add(k)
			xy += rank * k
		}
	}
	sd := x.sd() * y.sd()
	if sd == 0 {
		return 0
	}
	return (xy/x.n - x.mean()*y.mean()) / sd
}

// impliedQueue is what the times of service were if the endpoint takes
// requests in turn, slots at a time: one starts when it came, or when the
// slots-th largest end among those before it is reached.
func (m *Model) impliedQueue(s *station, w []attempt, slots int) []float64 {
	out, busy := m.scratch.implied[:0], m.scratch.busy[:0]
	for _, i := range s.own {
		a := &w[i]
		start := a.from
		if len(busy) == slots && busy[0] > start {
			start = busy[0]
		}
		out = append(out, (a.until - start).Seconds())
		if len(busy) < slots {
			busy.push(a.until)
		} else if a.until > busy[0] {
			busy.replace(a.until)
		}
	}
	m.scratch.implied, m.scratch.busy = out, busy
	return out
}

// ends is a heap of moments, the earliest first.
type ends []time.Duration

func (h *ends) push(t time.Duration) {
	*h = append(*h, t)
	a := *h
	for i := len(a) - 1; i > 0 && a[(i-1)/2] > a[i]; i = (i - 1) / 2 {
		a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
	}
}

// replace puts t in the place of the earliest.
func (h ends) replace(t time.Duration) {
	h[0] = t
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[i] <= h[c] {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}
