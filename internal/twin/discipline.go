package twin

import (
	"math"
	"slices"
)

// findSharing finds out which endpoints work on everything at once. One alone
// does if that explains its attempts distinctly better than a queue. Where
// queues of any capacity explain only most of it, an endpoint alone does not
// tell: but if queues leave something open at all of them, and sharing leaves
// less and needs but one capacity, it is sharing.
func (m *Model) findSharing(w []attempt) {
	asked, together := m.suspects()
	if len(asked) == 0 {
		return
	}
	found := make([]guess, len(asked))
	for i, s := range asked {
		m.in.Yield()
		found[i] = m.try(s, w, s.reach(w), m.in.Memory.of(s.address).Sharing[:], m.impliedSharing)
		found[i].service = nil // lent
	}
	slots := 0
	if together {
		slots = sharedSlots(asked, found)
	}
	for i, s := range asked {
		g := found[i]
		switch {
		case g.score < s.queue-unexplained:
		case slots > 0 && g.allows(slots) && g.score < s.queue:
			g.slots = slots
		default:
			continue
		}
		m.share(s, w, g)
	}
}

// suspects returns the stations that may share, and whether to ask them together.
func (m *Model) suspects() (asked []*station, together bool) {
	var score, attempts float64
	for i := range m.stations {
		if s := &m.stations[i]; len(s.own) >= 2*enough {
			asked = append(asked, s)
			score += min(s.queue, 1)
			attempts += float64(len(s.own))
		}
	}
	if n := float64(len(asked)); n >= witnesses && score/n > distinct+1/math.Sqrt(attempts/n) {
		return asked, true
	}
	return slices.DeleteFunc(asked, func(s *station) bool { return s.queue <= unexplained }), false
}

// sharedSlots is the capacity with which most of the stations share, 0 if they
// do not agree or if sharing explains them no better than queues.
func sharedSlots(asked []*station, found []guess) int {
	votes := map[int]int{}
	var better, attempts float64
	for i, s := range asked {
		votes[found[i].slots]++
		better += (min(s.queue, 1) - min(found[i].score, 1)) / float64(len(asked))
		attempts += float64(len(s.own))
	}
	if better < distinct+1/math.Sqrt(attempts) {
		return 0
	}
	best, most := 0, 0
	for _, slots := range hypotheses {
		n := 0
		for i := range found {
			if found[i].allows(slots) {
				n++
			}
		}
		if n > most || n == most && votes[slots] > votes[best] {
			best, most = slots, n
		}
	}
	if float64(most) < agreed*float64(len(asked)) {
		return 0
	}
	return best
}

// share takes a station for one that works on everything at once, if enough
// had to share for its capacity to be known.
func (m *Model) share(s *station, w []attempt, g guess) {
	was := *s
	if s.accept(g, w); !s.bounded {
		*s = was
		return
	}
	s.sharing = true
	s.raw = append(s.raw[:0], m.impliedSharing(s, w, s.slots)...)
}
