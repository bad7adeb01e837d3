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
	bounded bool    // more than slots were under way: slots is known, not only bounded from below
	least   int     // fewer slots are refuted; 0: nothing is known
	limit   int     // and more than these; 0: nothing is
	sharing bool    // all that is under way is worked on at once (processor sharing), slots of it at full speed
	queue   float64 // how badly a queue explains the attempts
	shown   int     // the capacity that showed by what had to wait, 0 for none; questions go by it
	sure    bool    // beyond doubt

	service []float64 // seconds, sorted: times of service, slow seconds evened out
	slow    []float64 // slowness in each second of the window; nil: 1
	speed   float64   // with affinity: times of service over those that all have in common

	distance   float64 // with affinity: seconds of them that are no work
	remembered bool    // both are, for the window has too few of its requests

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

// fitStations infers each endpoint for itself, then fills in from the others
// and from memory what could not be seen.
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
		if s := &m.stations[i]; len(s.own) > 0 {
			m.findSlots(s, w)
		}
	}
	if !m.in.Options.Ablate.NoQueue {
		if !m.in.Options.Ablate.NoSharing {
			m.findSharing(w)
		}
		m.agree(w)
	}
	m.weigh(w)
	m.recollect(w)
	for i := range m.stations {
		m.service(&m.stations[i], w)
	}
	m.countFailures(w)
	m.in.Memory.fill(m)
	for i := range m.stations {
		m.stations[i].summarise()
	}
}

// service completes the times of service once the capacity is known.
func (m *Model) service(s *station, w []attempt) {
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
