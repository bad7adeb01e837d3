package twin

import (
	"math"
	"slices"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// station is an endpoint as the model sees it.
type station struct {
	id      uint32
	address string

	slots   int
	bounded bool // more than slots were under way: slots is known, not only bounded from below
	least   int  // fewer slots are refuted; 0: nothing is known
	limit   int  // and more than these; 0: nothing is
	sharing bool // all that is under way is worked on at once (processor sharing), slots of it at full speed

	service []float64 // seconds, sorted: times of service, slow seconds evened out
	slow    []float64 // slowness in each second of the window; nil: 1
	speed   float64   // with affinity: times of service over those that all have in common

	attempts, failures int
	failing            float64       // share of attempts that fail
	failsAfter         time.Duration // their mean time
	fresh              int           // of service: from this window, not remembered
	most               int           // under way at once, but for a few times

	mean, cv         float64 // of service
	logMean, logSE   float64
	quick            float64 // 5 % of the times of service are below
	waited           int     // attempts that found all slots taken
	arrivals, served int
	own              []int32 // places in the window of the attempts that tell the time of service
	raw              []float64
	hung             []int32 // attempts that are still under way and should not be
}

func (s *station) init(e *lb.Endpoint) {
	s.id, s.address, s.slots, s.speed = e.ID, e.Address, 1, 1
}

// hypotheses are the capacities that are tried.
var hypotheses = [...]int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128}

const (
	leastService = 1e-6 // seconds; what is below is taken for impossible
	enough       = 50   // attempts for a fit to count
	starved      = 40   // times of service below which those of earlier are taken
	distinct     = 0.02 // by which a larger capacity must be better
)

// fitStations infers each endpoint for itself, then fills in from memory and
// from the others what could not be seen.
func (m *Model) fitStations(w []attempt) {
	for i := range w {
		a := &w[i]
		if a.station < 0 {
			continue
		}
		s := &m.stations[a.station]
		s.attempts++
		if a.aged {
			s.hung = append(s.hung, int32(i))
		} else if a.tells() {
			a.place = int32(len(s.own))
			s.own = append(s.own, int32(i))
		}
		if a.arrival {
			s.arrivals++
		}
	}
	for i := range m.stations {
		m.in.Yield()
		m.fitStation(&m.stations[i], w)
	}
	m.countFailures(w)
	m.in.Memory.fill(m)
	for i := range m.stations {
		m.stations[i].summarise()
	}
}

func (m *Model) fitStation(s *station, w []attempt) {
	if len(s.own) > 0 {
		m.findSlots(s, w)
	}
	for _, i := range s.hung { // they say how long it takes, and nothing of slots
		w[i].place = int32(len(s.own))
		s.own = append(s.own, i)
		s.raw = append(s.raw, w[i].Took.Seconds())
	}
	if len(s.own) > 0 {
		m.evenOut(s, w)
	}
}

// countFailures needs to know the capacities.
func (m *Model) countFailures(w []attempt) {
	for i := range w {
		a := &w[i]
		if a.station < 0 {
			continue
		}
		if s := &m.stations[a.station]; a.fails(s.slots) {
			s.failures++
			s.failsAfter += a.Took // their sum, for now
		}
	}
	for i := range m.stations {
		if s := &m.stations[i]; s.failures > 0 {
			s.failing = float64(s.failures) / float64(s.attempts)
			s.failsAfter /= time.Duration(s.failures)
		}
	}
}

// findSlots sets slots to the capacity for which the implied time of service
// has least to do with how many were under way, and sharing if sharing
// explains them distinctly better than a queue.
func (m *Model) findSlots(s *station, w []attempt) {
	most := 0
	for _, i := range s.own {
		most = max(most, int(w[i].Inflight)+1)
	}
	s.most = s.common(w, most)
	memory := m.in.Memory.of(s.address)
	queue := m.try(s, w, most, memory.Queue[:], m.impliedQueue)
	s.accept(queue, w)
	if s.waited < leastWaited { // nobody waited, as far as can be told
		queue.service = m.impliedQueue(s, w, most)
	}
	s.raw = append(s.raw[:0], queue.service...)
	if !m.in.Options.Ablate.NoSharing && len(s.own) >= 2*enough && queue.score > unexplained {
		shared := m.try(s, w, most, memory.Sharing[:], m.impliedSharing)
		if shared.score < queue.score-unexplained {
			if s.accept(shared, w); s.bounded {
				s.sharing = true
				s.raw = append(s.raw[:0], shared.service...)
			}
		}
	}
	if m.in.Options.Ablate.NoQueue {
		s.slots, s.sharing = most, false
		for n, i := range s.own {
			s.raw[n] = (w[i].until - w[i].from).Seconds()
		}
	}
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
	s.waited = 0
	for _, i := range s.own {
		if int(w[i].Inflight) >= g.slots {
			s.waited++
		}
	}
	s.slots, s.least, s.limit = g.slots, g.least, g.limit
	n := float64(len(s.own))
	s.bounded = s.waited >= leastWaited && (n >= plenty || g.unlimited-g.score > 1/math.Sqrt(n))
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

// evenOut finds the seconds in which the endpoint was distinctly slower or
// faster than on the whole and takes that out of the times of service: it
// must not be both in their spread and in the second when they are replayed.
func (m *Model) evenOut(s *station, w []attempt) {
	var all moments
	for i, v := range s.raw {
		s.raw[i] = max(v, leastService)
		all.add(s.raw[i])
	}
	seconds := int(m.span/time.Second) + 1
	per := make([]moments, seconds)
	for n, i := range s.own {
		per[min(int(w[i].from/time.Second), seconds-1)].add(s.raw[n])
	}
	s.slow = make([]float64, seconds)
	last, cv := 1.0, all.sd()/all.mean()
	for i := range s.slow {
		if p := &per[i]; p.n >= 3 {
			last = p.mean() / all.mean()
			if math.Abs(last-1) < 3*cv/math.Sqrt(p.n) {
				last = 1
			}
			last = min(max(last, 0.1), 20)
		}
		s.slow[i] = last
	}
	if !m.in.Options.Ablate.SlowTwice {
		for n, i := range s.own {
			s.raw[n] /= s.slow[min(int(w[i].from/time.Second), seconds-1)]
		}
	}
	s.service = slices.Clone(s.raw)
	slices.Sort(s.service)
	s.fresh = len(s.service)
}

// summarise computes what conditions are made of.
func (s *station) summarise() {
	var all, logs moments
	for _, v := range s.service {
		all.add(v)
		logs.add(math.Log(v))
	}
	if all.n == 0 {
		return
	}
	s.mean, s.logMean = all.mean(), logs.mean()
	s.logSE = logs.sd() / math.Sqrt(all.n)
	if s.mean > 0 {
		s.cv = all.sd() / s.mean
	}
	s.quick = stats.Quantile(s.service, 0.05)
}

// moments are sums for a mean and a deviation.
type moments struct{ n, sum, squares float64 }

func (m *moments) add(v float64) { m.n++; m.sum += v; m.squares += v * v }

func (m *moments) mean() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum / m.n
}

func (m *moments) sd() float64 {
	if m.n < 2 {
		return 0
	}
	mean := m.sum / m.n
	return math.Sqrt(max(m.squares/m.n-mean*mean, 0))
}
