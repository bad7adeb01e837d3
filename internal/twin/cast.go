package twin

import (
	"cmp"
	"fmt"
	"slices"

	"poise/internal/balance"
	"poise/internal/lb"
)

// part is what an endpoint is in a replay: a station of the model, or one more
// like it.
type part struct {
	Endpoint
	*station
	room     int     // requests worked on at once
	slowness float64 // times the time of service
	without  bool    // nothing is sent to it
	like     uint32  // ID of the endpoint that this is one more of; 0: it is of the window
}

// Room is what is assumed of the capacities.
type Room uint8

// The assumptions. All but Own have endpoints that differ little, which is more
// often an error of the fit than the truth, share what is typical.
const (
	Own     Room = iota // each has the one that was found, or guessed
	Likely              // one that never showed is typical, or else twice what was seen there
	Seen                // one that never showed is no larger than what was seen there
	Endless             // where it never showed nobody ever waits
)

// endless is more than will ever be under way.
const endless = 1 << 16

// From alikeFrom to alikeTo is the range of capacities that share what is typical.
const alikeFrom, alikeTo = 0.6, 1.7

// typicalSlots is the median of the capacities that showed, and of what was seen
// elsewhere where that is more: one that was taken for small by chance is
// outvoted by those that did more without letting anybody wait. 0: none showed.
func (m *Model) typicalSlots() int {
	known := make([]int, 0, len(m.stations))
	for i := range m.stations {
		if s := &m.stations[i]; s.shown > 0 && m.eligible(i) {
			known = append(known, s.shown)
		}
	}
	if len(known) == 0 {
		return 0
	}
	slices.Sort(known)
	typical := known[(len(known)-1)/2]
	for i := range m.stations {
		if s := &m.stations[i]; s.shown == 0 && s.most > typical && m.eligible(i) {
			known = append(known, s.most)
		}
	}
	slices.Sort(known)
	return known[(len(known)-1)/2]
}

// of is the capacity of a station under the assumption.
func (r Room) of(s *station, typical int) int {
	if r == Own {
		return max(s.slots, 1)
	}
	ratio := float64(max(cmp.Or(s.shown, s.slots), 1)) / float64(max(typical, 1))
	alike := ratio > alikeFrom && ratio < alikeTo
	shares := typical > 0 && alike && !s.sure && (s.shown > 0 || typical >= s.most)
	known := s.sure || s.shown > 0 && r != Endless
	switch {
	case shares && (known || r == Likely):
		return typical
	case known:
		return s.shown
	case r == Likely:
		return 2 * max(s.most, 1) // of all sizes that are no smaller than what was seen, a middle one
	case r == Endless:
		return endless
	}
	return max(s.most, 1)
}

// strange reports whether nobody knows what the station does with one more
// beside so many.
func (s *station) strange(met int) bool { return !s.sure && met >= cmp.Or(s.shown, s.most) }

// cast says who plays in a scenario: the endpoints of the window in their
// order, and then those that are added.
func (m *Model) cast(sc *Scenario) []part {
	all := make([]part, 0, len(m.stations)+len(sc.Add))
	last, typical := uint32(0), m.typicalSlots()
	for i, e := range m.in.Endpoints {
		p := part{Endpoint: e, station: &m.stations[i], slowness: 1, without: slices.Contains(sc.Without, e.ID)}
		p.Eligible = m.eligible(i)
		p.room = sc.Room.of(p.station, typical)
		if times := sc.Slow[e.ID]; times > 0 {
			p.slowness = times
		}
		all, last = append(all, p), max(last, e.ID)
	}
	for n, id := range sc.Add {
		at := slices.IndexFunc(m.in.Endpoints, func(e Endpoint) bool { return e.ID == id })
		if at < 0 {
			continue
		}
		p := all[at] // as slow as that one is made
		of := p.Endpoint.Endpoint
		p.Endpoint = Endpoint{Eligible: true, Endpoint: &lb.Endpoint{
			ID: last + uint32(n) + 1, Cluster: of.Cluster, Address: fmt.Sprintf("%s+%d", of.Address, n+1), Weight: of.Weight,
			Zone: of.Zone, Priority: of.Priority, Hash: balance.Mix(of.Hash + uint64(n) + 1), Live: of.Live,
		}}
		p.without, p.like = false, id
		all = append(all, p)
	}
	return all
}

// capacity is how many requests the parts can work on in a second.
func capacity(all []part) float64 {
	sum := 0.0
	for i := range all {
		if p := &all[i]; p.Eligible && !p.without && p.mean > 0 {
			sum += float64(p.room) / (p.mean * p.slowness)
		}
	}
	return sum
}
