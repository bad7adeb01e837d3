package twin

import (
	"cmp"
	"slices"
	"time"
)

// impliedSharing is what the times of service were if the endpoint works on
// everything at once: each of n gets min(1, slots/n) of a slot's speed.
// Progress at full share is a clock that runs by that speed, so the time of
// service is the progress from the start to the end.
func (m *Model) impliedSharing(s *station, w []attempt, slots int) []float64 {
	events := m.scratch.events[:0]
	for n, i := range s.own {
		events = append(events, event{w[i].from, int32(n), true}, event{w[i].until, int32(n), false})
	}
	slices.SortFunc(events, func(a, b event) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		return cmp.Compare(a.place, b.place)
	})
	m.scratch.events = events
	out := slices.Grow(m.scratch.implied[:0], len(s.own))[:len(s.own)]
	m.scratch.implied = out
	var progress float64
	var last time.Duration
	under := 0
	for _, e := range events {
		if under > 0 {
			progress += (e.at - last).Seconds() * min(1, float64(slots)/float64(under))
		}
		last = e.at
		if e.begins {
			out[e.place] = progress
			under++
		} else {
			out[e.place] = progress - out[e.place]
			under--
		}
	}
	return out
}

type event struct {
	at     time.Duration
	place  int32
	begins bool
}

// shared is a station of that kind in a replay.
type shared struct {
	progress float64 // seconds at full share
	last     time.Duration
	slots    float64
	open     []due // heap by the progress at which each ends
	version  int32
}

type due struct {
	at  float64
	job int32
}

func (s *shared) advance(now time.Duration) {
	if n := len(s.open); n > 0 {
		s.progress += (now - s.last).Seconds() * min(1, s.slots/float64(n))
	}
	s.last = now
}

func (s *shared) begin(now time.Duration, job int32, service float64) {
	s.advance(now)
	s.open = append(s.open, due{s.progress + service, job})
	for i := len(s.open) - 1; i > 0 && s.open[(i-1)/2].at > s.open[i].at; i = (i - 1) / 2 {
		s.open[i], s.open[(i-1)/2] = s.open[(i-1)/2], s.open[i]
	}
	s.version++
}

// next is when the first of the open ones ends if nothing else begins.
func (s *shared) next() time.Duration {
	n := float64(len(s.open))
	left := max(s.open[0].at-s.progress, 0) / min(1, s.slots/n)
	return s.last + time.Duration(left*1e9) + 1
}

// end takes out the one that ends first.
func (s *shared) end(now time.Duration) int32 {
	s.advance(now)
	first, last := s.open[0].job, len(s.open)-1
	s.open[0] = s.open[last]
	s.open = s.open[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && s.open[c+1].at < s.open[c].at {
			c++
		}
		if s.open[i].at <= s.open[c].at {
			break
		}
		s.open[i], s.open[c] = s.open[c], s.open[i]
		i = c
	}
	s.version++
	return first
}
