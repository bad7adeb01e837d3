package twin

import (
	"slices"
	"time"

	"poise/internal/stats"
)

// Memory is what earlier windows taught. A policy that does well sends little
// to slow endpoints, so the window says little of them; without a memory they
// would look average, and the replay would recommend to use them again.
//
// It is plain data: a recording and the state directory keep it as JSON.
type Memory struct {
	Stations map[string]*Remembered `json:"stations"` // by address
	Effect   bool                   `json:"effect"`   // keys matter
	Bins     [bins][]float64        `json:"bins"`     // times of service by reuse distance, speeds evened out
	BinsAt   [bins]stats.Instant    `json:"bins_at"`
}

// Remembered is what is known of one endpoint.
type Remembered struct {
	Queue      [len(hypotheses)]float64 `json:"queue"`   // smoothed scores of capacities
	Sharing    [len(hypotheses)]float64 `json:"sharing"` // the same if it works on everything at once
	Slots      int                      `json:"slots"`   // 0: never identified
	Shares     bool                     `json:"shares"`
	Shown      int                      `json:"shown,omitzero"` // slots that showed for sure
	Service    []float64                `json:"service"`        // quantiles, sorted
	Speed      float64                  `json:"speed"`
	Distance   float64                  `json:"distance"`
	Failing    float64                  `json:"failing"`
	FailsAfter time.Duration            `json:"fails_after"`
	At         stats.Instant            `json:"at"`
}

const (
	few       = 4 // requests that an endpoint is believed to work on at once
	remembers = 300 * time.Second
	keeps     = 128 // quantiles
)

// Clone returns a copy that shares nothing with m.
func (m *Memory) Clone() *Memory {
	c := *m
	c.Stations = make(map[string]*Remembered, len(m.Stations))
	for address, r := range m.Stations {
		own := *r
		own.Service = slices.Clone(r.Service)
		c.Stations[address] = &own
	}
	for b := range c.Bins {
		c.Bins[b] = slices.Clone(m.Bins[b])
	}
	return &c
}

func (m *Memory) of(address string) *Remembered {
	if m.Stations == nil {
		m.Stations = map[string]*Remembered{}
	}
	r := m.Stations[address]
	if r == nil {
		r = &Remembered{}
		m.Stations[address] = r
	}
	return r
}

// recent reports whether something of at is still believed at now. A clock
// that jumped back makes everything old.
func recent(now, at stats.Instant) bool {
	return at != 0 && at <= now && now.Sub(at) < remembers
}

// fill completes the times of service by what is remembered of them.
func (m *Memory) fill(model *Model) {
	for i := range model.stations {
		s := &model.stations[i]
		r := m.of(s.address)
		if s.fresh < starved && recent(model.in.Now, r.At) {
			s.topUp(r)
		}
	}
	if len(m.Stations) == len(model.stations) {
		return
	}
	here := make(map[string]bool, len(model.stations))
	for i := range model.stations {
		here[model.stations[i].address] = true
	}
	for address, r := range m.Stations { // of those that left
		if !recent(model.in.Now, r.At) && !here[address] {
			delete(m.Stations, address)
		}
	}
}

// topUp fills the times of service up to as many as count.
func (s *station) topUp(r *Remembered) {
	missing := starved - s.fresh
	for i := range missing {
		s.service = append(s.service, stats.Quantile(r.Service, (float64(i)+0.5)/float64(missing)))
	}
	slices.Sort(s.service)
	s.slow = nil
	if s.attempts < starved {
		s.failing = (s.failing*float64(s.attempts) + r.Failing*float64(starved-s.attempts)) / starved
		s.failsAfter = max(s.failsAfter, r.FailsAfter)
	}
}

// store keeps what this window taught.
func (m *Memory) store(model *Model) {
	for i := range model.stations {
		s := &model.stations[i]
		r := m.of(s.address)
		if s.bounded {
			r.Slots, r.Shares = s.slots, s.sharing
		}
		if s.sure && !s.sharing {
			r.Shown = s.shown
		}
		if s.attempts >= starved {
			r.Failing, r.FailsAfter = s.failing, s.failsAfter
		}
		if s.fresh < starved {
			continue
		}
		r.At, r.Speed, r.Distance = model.in.Now, s.speed, s.distance
		r.Service = r.Service[:0]
		n := min(keeps, len(s.service))
		for q := range n {
			r.Service = append(r.Service, stats.Quantile(s.service, (float64(q)+0.5)/float64(n)))
		}
	}
	m.storeBins(model)
}

func (m *Memory) storeBins(model *Model) {
	m.Effect = model.reuse.on
	for b := range model.reuse.pooled {
		p := model.reuse.pooled[b]
		if !m.Effect {
			m.Bins[b], m.BinsAt[b] = nil, 0
			continue
		}
		if model.reuse.fresh[b] < fewest {
			continue
		}
		m.BinsAt[b] = model.in.Now
		m.Bins[b] = m.Bins[b][:0]
		n := min(4*keeps, len(p))
		for q := range n {
			m.Bins[b] = append(m.Bins[b], stats.Quantile(p, (float64(q)+0.5)/float64(n)))
		}
	}
}

// Move shifts every time by d: the clock is another one.
func (m *Memory) Move(d time.Duration) {
	at := func(t *stats.Instant) {
		if *t != 0 {
			*t = max(t.Add(d), 1)
		}
	}
	for _, r := range m.Stations {
		at(&r.At)
	}
	for i := range m.BinsAt {
		at(&m.BinsAt[i])
	}
}
