package twin

import "math"

// claim is what the attempts at a station say of the capacity that was found:
// sums of a regression of how long they took on how long each must have waited
// if that is the capacity, in deviations of the time of service. The slope is
// one if it is, and zero if nobody waited.
type claim struct{ squares, products float64 }

const (
	likelier = 0.0      // standard errors by which the slope must be on the side of one for the capacity to be taken
	beyond   = 2.0      // and for it to be beyond doubt
	crowded  = 9. / 10. // share that waited beyond which there are none to compare with
)

// claimOf needs the times of service as the capacity implies them. What was
// before the first attempts is not known, so they do not count.
func (s *station) claimOf(w []attempt) (c claim) {
	if !s.bounded || s.sharing || len(s.own) <= s.slots {
		return c
	}
	var waits, service moments
	own, raw := s.own[s.slots:], s.raw[s.slots:]
	for n, i := range own {
		waits.add((w[i].until - w[i].from).Seconds() - raw[n])
		service.add(raw[n])
	}
	sd := service.sd()
	if sd == 0 {
		return c
	}
	for n, i := range own {
		took := (w[i].until - w[i].from).Seconds()
		apart := (took - raw[n] - waits.mean()) / sd
		c.squares += apart * apart
		c.products += apart * took / sd
	}
	return c
}

// weigh says of each endpoint whether its capacity showed. Of a few that met
// each other the smallest capacity that is not refuted is the best guess, and
// mostly too small; endpoints of which the same is guessed are asked together.
func (m *Model) weigh(w []attempt) {
	claims := map[int]claim{}
	for i := range m.stations {
		s := &m.stations[i]
		if s.full() {
			continue
		}
		c, all := s.claimOf(w), claims[s.slots]
		claims[s.slots] = claim{all.squares + c.squares, all.products + c.products}
	}
	for i := range m.stations {
		s := &m.stations[i]
		c := claims[s.slots]
		errors := (c.products/c.squares - 0.5) * math.Sqrt(c.squares)
		switch r := m.in.Memory.of(s.address); {
		case s.sharing, s.full():
			s.shown, s.sure = s.slots, s.bounded
		case s.bounded && errors > likelier: // not a number where there is nothing
			s.shown, s.sure = s.slots, errors > beyond
		case r.Shown > 0:
			s.shown, s.sure = r.Shown, true
		}
	}
}

// full reports whether nearly all had to wait: then there is no doubt that it
// is full, and the best guess is a good one.
func (s *station) full() bool {
	return s.bounded && float64(s.waited) > crowded*float64(len(s.own))
}

// Showed reports whether the capacity of any endpoint did.
func (m *Model) Showed() bool { return m.typicalSlots() > 0 }
