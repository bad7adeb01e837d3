package twin

import (
	"math"
	"sort"
)

// scratch is memory that is used again.
type scratch struct {
	order   []ranked
	implied []float64
	best    []float64
	busy    ends
	events  []event
	bins    []int8
	sizes   []float64 // of each attempt of the window
}

const (
	tie     = 1e-7 // seconds within which times of service are the same
	highest = 0.999999
)

// rank gives every attempt its size: the rank of its time of service among
// those of its own endpoint. A replay keeps the rank and takes the time that
// has this rank where the request goes: a large request stays large, at
// whatever speed. Of the same time each has a rank of its own, by chance, or
// a replay of constant times would be a replay of one of them.
func (m *Model) rank(w []attempt) {
	m.scratch.sizes = make([]float64, len(w))
	for i := range w {
		a, chance := &w[i], uniform(m.in.Options.Seed+1, uint64(i))
		m.scratch.sizes[i] = chance
		if m.in.Options.Ablate.MeanSizes {
			m.scratch.sizes[i] = 0.5
			continue
		}
		if a.place < 0 {
			continue
		}
		s := &m.stations[a.station]
		sorted, value := s.service, s.raw[a.place]
		if m.reuse.on && m.scratch.bins[i] >= 0 {
			if p := m.reuse.pooled[m.scratch.bins[i]]; len(p) >= fewest {
				sorted, value = p, (value-s.distance)/s.speed
			}
		}
		m.scratch.sizes[i] = rankOf(sorted, value, chance)
	}
}

func rankOf(sorted []float64, value, chance float64) float64 {
	low := sort.SearchFloat64s(sorted, value-tie)
	high := sort.SearchFloat64s(sorted, value+tie)
	return math.Min((float64(low)+chance*float64(max(high-low, 1)))/float64(max(len(sorted), 1)), highest)
}
