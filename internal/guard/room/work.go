package room

import (
	"slices"

	"poise/internal/lb"
)

const workOver = 3 // seconds that answers are counted over

// Work is what an endpoint did lately: readings of its counters, one a second.
type Work struct {
	readings [workOver + 1]Did
	n        int // of them that count
}

// Did is how many attempts ended how.
type Did struct{ Answers, Failures, Timeouts uint64 }

func didOf(s *lb.Stats) (d Did) {
	for o := range s.Outcomes {
		n := s.Outcomes[o].Load()
		if lb.Outcome(o).Failed() {
			d.Failures += n
		}
	}
	d.Answers = s.Outcomes[lb.Success].Load()
	d.Timeouts = s.Outcomes[lb.Timeout].Load()
	return d
}

// Read takes a reading.
func (w *Work) Read(s *lb.Stats) {
	copy(w.readings[1:], w.readings[:workOver])
	w.readings[0] = didOf(s)
	w.n = min(w.n+1, len(w.readings))
}

// Lately is what was done since the oldest reading, false when there is none of
// a second ago.
func (w *Work) Lately(s *lb.Stats) (d Did, known bool) {
	if w.n < 2 {
		return Did{}, false
	}
	now, then := didOf(s), w.readings[w.n-1]
	return Did{now.Answers - then.Answers, now.Failures - then.Failures, now.Timeouts - then.Timeouts}, true
}

// Rate is how many answers there were a second.
func (w *Work) Rate(s *lb.Stats) (rate float64, known bool) {
	did, known := w.Lately(s)
	if !known {
		return 0, false
	}
	return float64(did.Answers) / float64(w.n-1), true
}

// Share is a rate over that of the typical peer, false when there is none. It
// changes the order of the peers.
func Share(own float64, peers []float64) (share float64, known bool) {
	if len(peers) == 0 {
		return 0, false
	}
	slices.Sort(peers)
	typical := peers[(len(peers)-1)/2]
	return own / max(typical, 1e-9), typical > 0
}
