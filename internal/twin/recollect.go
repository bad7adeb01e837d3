package twin

// recollect completes the capacities that did not show by what is remembered
// of them.
func (m *Model) recollect(w []attempt) {
	for i := range m.stations {
		s := &m.stations[i]
		switch r := m.in.Memory.of(s.address); {
		case s.bounded:
		case r.Slots > 0 && (s.waited < leastWaited || r.Slots >= s.slots) && m.recall(s, w, r):
		case s.waited >= leastWaited: // the best guess there is
		default: // as many as were seen, or a few: nobody is promised what nobody has shown
			s.slots = max(s.most, few)
		}
	}
}

// recall takes a remembered capacity. If attempts had to wait at it, or to
// share it, the window does tell of it: what it then refutes is forgotten.
func (m *Model) recall(s *station, w []attempt, r *Remembered) bool {
	if s.waiting(w, r.Slots) >= leastWaited {
		implied := m.impliedQueue
		if r.Shares {
			implied = m.impliedSharing
		}
		service := implied(s, w, r.Slots)
		if m.score(s, w, service) > s.queue+chanceOf(len(s.own)) {
			r.Slots, r.Shares = 0, false
			return false
		}
		s.raw = append(s.raw[:0], service...)
	}
	s.slots, s.bounded, s.sharing = r.Slots, true, r.Shares
	return true
}
