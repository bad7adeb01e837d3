package twin

import (
	"math"
	"slices"

	"poise/internal/stats"
)

const (
	quickest  = 0.02 // share of the times of service that are taken for next to no work
	leastWay  = 0.1  // of the mean, below which a distance does not matter
	explained = 16.0 // by which a distance must lessen the misfit, in squares of standard errors
)

// takeDistances finds out which endpoints are far rather than slow, and takes
// the way there and back out of their samples. A slow one makes a hit of the
// cache slower in proportion, a far one by as much as a miss: taken for slow, it
// would be believed to be overloaded by the misses that it gets.
func (m *Model) takeDistances(samples []sample) {
	nearest, way := m.ways(samples)
	far := func(way float64) bool { return way > 0 }
	remembered := func(s station) bool { return s.remembered }
	if !slices.ContainsFunc(way, far) && !slices.ContainsFunc(m.stations, remembered) {
		return
	}
	m.in.Yield()
	before := m.misfits(samples)
	shifted := slices.Clone(samples)
	for i := range shifted {
		shifted[i].nearer(way[shifted[i].station], nearest)
	}
	m.speeds(shifted)
	after := m.misfits(shifted)
	for i := range m.stations {
		s := &m.stations[i]
		r := m.in.Memory.of(s.address)
		known := r.Distance > 0 && recent(m.in.Now, r.At)
		switch {
		case s.remembered:
			s.distance = r.Distance
		case before[i]-after[i] > explained && after[i] < before[i]/2, known && after[i] <= before[i]:
			s.distance = way[i]
		}
	}
	for i := range samples {
		samples[i].nearer(m.stations[samples[i].station].distance, nearest)
	}
	m.speeds(samples)
}

// nearer takes the way out of the sample.
func (s *sample) nearer(way, least float64) {
	if way > 0 {
		s.value = max(s.value-way, least)
		s.log = math.Log(s.value)
	}
}

// ways returns the least time that any endpoint takes, and by how much more
// each of them takes at the least.
func (m *Model) ways(samples []sample) (nearest float64, way []float64) {
	values := make([][]float64, len(m.stations))
	for i := range samples {
		s := &samples[i]
		values[s.station] = append(values[s.station], s.value)
	}
	way = make([]float64, len(m.stations))
	nearest = math.Inf(1)
	for i, v := range values {
		if len(v) >= starved {
			slices.Sort(v)
			way[i] = stats.Quantile(v, quickest)
			nearest = min(nearest, way[i])
		}
	}
	for i, v := range values {
		if way[i] -= nearest; !(way[i] > leastWay*average(v)) {
			way[i] = 0
		}
	}
	if math.IsInf(nearest, 1) {
		nearest = 0
	}
	return max(nearest, leastService), way
}

// misfits is, of each station, how far the mean of each bin is from what its
// speed and the bin's level make of it: the sum of the squares, in standard
// errors.
func (m *Model) misfits(samples []sample) []float64 {
	cells := make([][bins]moments, len(m.stations))
	var all moments
	for i := range samples {
		s := &samples[i]
		d := s.log - m.reuse.level[s.bin] - math.Log(m.stations[s.station].speed)
		cells[s.station][s.bin].add(d)
		all.add(d)
	}
	out := make([]float64, len(m.stations))
	for i := range cells {
		for _, c := range cells[i] {
			if c.n > 0 && all.sd() > 0 {
				out[i] += c.n * math.Pow(c.mean()/all.sd(), 2)
			}
		}
	}
	return out
}
