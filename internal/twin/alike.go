package twin

const (
	ambiguous = 2       // times the least capacity that explains the attempts, from which on the largest leaves it open
	agreed    = 2. / 3. // share of the endpoints that are known that must have one capacity
	witnesses = 3       // of them at the least
)

// agree has endpoints whose capacity is open take the one on which most of the
// others agree, if their own attempts do not refute it. One that is slow gets
// few requests before it is left out, all of them in its queue: those are as
// well explained by many slots that take long as by few that make wait, and a
// replay that believes the first has every request there take far too long.
func (m *Model) agree(w []attempt) {
	common := m.agreedSlots()
	if common == 0 {
		return
	}
	for i := range m.stations {
		s := &m.stations[i]
		if !s.open() || s.slots == common || common < s.least || s.limit > 0 && common > s.limit {
			continue
		}
		waited := s.waiting(w, common)
		if waited < leastWaited { // it shows nothing of its capacity
			continue
		}
		s.slots, s.waited, s.bounded = common, waited, true
		s.raw = append(s.raw[:0], m.impliedQueue(s, w, common)...)
	}
}

// open reports whether the attempts leave open what the capacity is.
func (s *station) open() bool {
	return len(s.own) > 0 && !s.sharing && s.least > 0 && (s.limit == 0 || s.limit > ambiguous*s.least)
}

// agreedSlots is the capacity of most of the endpoints of which it is known
// for sure; 0 if they do not agree.
func (m *Model) agreedSlots() int {
	votes, all := map[int]int{}, 0
	for i := range m.stations {
		if s := &m.stations[i]; s.bounded && !s.open() {
			all++
			if !s.sharing {
				votes[s.slots]++
			}
		}
	}
	for slots, n := range votes {
		if n >= witnesses && float64(n) >= agreed*float64(all) {
			return slots
		}
	}
	return 0
}
