package twin

import (
	"math"
	"slices"

	"poise/internal/lb"
)

// bins are of the reuse distance: how many requests an endpoint served since
// it served this key last. The last one is of keys that it never had.
const (
	bins   = 6
	first  = bins - 1
	fewest = 20 // times of service for a bin to count
)

func bin(distance int) int {
	switch {
	case distance < 0:
		return first
	case distance <= 16:
		return 0
	case distance <= 64:
		return 1
	case distance <= 256:
		return 2
	case distance <= 1024:
		return 3
	}
	return 4
}

// reuse is how the time of service depends on the reuse distance. All
// endpoints have that in common and differ by their speed alone, so that a
// starved one, or a rare distance, is known from the others.
type reuse struct {
	on        bool
	pooled    [bins][]float64 // sorted; seconds at an endpoint of speed 1
	fresh     [bins]int
	level     [bins]float64 // of the logarithms
	near, far float64       // mean time of service of keys seen within 64 requests, and of new ones
}

// sample is one time of service with the bin it belongs to.
type sample struct {
	value   float64
	log     float64
	station int32
	bin     int8
}

// fitAffinity finds out whether keys matter.
func (m *Model) fitAffinity(w []attempt) {
	samples := m.distances(w)
	if len(samples) == 0 && !m.in.Memory.Effect {
		return
	}
	m.speeds(samples)
	m.takeDistances(samples)
	var near, far moments
	for i := range samples {
		s := &samples[i]
		v := s.value / m.stations[s.station].speed
		m.reuse.pooled[s.bin] = append(m.reuse.pooled[s.bin], v)
		switch s.bin {
		case 0, 1:
			near.add(v)
		case first:
			far.add(v)
		}
	}
	m.reuse.near, m.reuse.far = near.mean(), far.mean()
	if near.n >= enough && far.n >= enough {
		se := math.Sqrt(near.sd()*near.sd()/near.n + far.sd()*far.sd()/far.n)
		m.reuse.on = near.mean() < 0.8*far.mean() && far.mean()-near.mean() > 4*se
	} else {
		m.reuse.on = m.recallEffect(near, far)
	}
	for b := range m.reuse.pooled {
		p := m.reuse.pooled[b]
		slices.Sort(p)
		m.reuse.fresh[b] = len(p)
		if old := m.in.Memory.Bins[b]; m.reuse.on && len(p) < fewest && recent(m.in.Now, m.in.Memory.BinsAt[b]) {
			m.reuse.pooled[b] = slices.Clone(old)
		}
	}
	if !m.reuse.on {
		for i := range m.stations {
			m.stations[i].speed, m.stations[i].distance = 1, 0
		}
	}
}

// recallEffect believes in a remembered effect while the window is unable to
// tell: routing by key leaves few keys that are new somewhere.
func (m *Model) recallEffect(near, far moments) bool {
	mem := m.in.Memory
	if !mem.Effect || !recent(m.in.Now, mem.BinsAt[first]) {
		return false
	}
	if far.n == 0 {
		m.reuse.far = average(mem.Bins[first])
	}
	if near.n == 0 {
		m.reuse.near = average(mem.Bins[0])
	}
	return true
}

func average(sample []float64) float64 {
	var all moments
	for _, v := range sample {
		all.add(v)
	}
	return all.mean()
}

// distances pairs every time of service of a request with a key with its
// reuse distance. What looks new in the first half of an endpoint's attempts
// may only be older than the window, and is left out.
func (m *Model) distances(w []attempt) []sample {
	type place struct {
		key     uint64
		station int32
	}
	last := map[place]int{}
	var samples []sample
	m.scratch.bins = slices.Grow(m.scratch.bins[:0], len(w))[:len(w)]
	for i := range w {
		a := &w[i]
		m.scratch.bins[i] = -1
		if a.station < 0 {
			continue
		}
		s := &m.stations[a.station]
		s.served++
		if a.Flags&lb.Keyed == 0 {
			continue
		}
		p := place{a.Key, a.station}
		distance := -1
		if at, known := last[p]; known {
			distance = s.served - at
		}
		last[p] = s.served
		m.scratch.bins[i] = int8(bin(distance))
		if a.place >= 0 && (distance >= 0 || 2*s.served > s.attempts) {
			v := s.raw[a.place]
			samples = append(samples, sample{v, math.Log(v), a.station, int8(bin(distance))})
		}
	}
	return samples
}

// speeds fits log(time of service) = speed of the endpoint + effect of the
// bin, by turns. Without that a slow endpoint looks like one that misses.
func (m *Model) speeds(samples []sample) {
	var effect [bins]moments
	var level [bins]float64
	speed := make([]float64, len(m.stations))
	count := make([]moments, len(m.stations))
	for range 4 {
		clearAll(effect[:])
		clearAll(count)
		for i := range samples {
			s := &samples[i]
			effect[s.bin].add(s.log - speed[s.station])
		}
		for b := range effect {
			level[b] = effect[b].mean()
		}
		for i := range samples {
			s := &samples[i]
			count[s.station].add(s.log - level[s.bin])
		}
		for i := range speed {
			speed[i] = count[i].mean()
		}
	}
	for i := range m.stations {
		s := &m.stations[i]
		s.speed = math.Exp(speed[i])
		r := m.in.Memory.of(s.address)
		if s.remembered = count[i].n < starved && r.Speed > 0 && recent(m.in.Now, r.At); s.remembered {
			s.speed = r.Speed
		}
	}
	m.reuse.level = level
}

func clearAll(m []moments) {
	for i := range m {
		m[i] = moments{}
	}
}
