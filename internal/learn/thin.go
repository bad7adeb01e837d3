package learn

import (
	"math"
	"time"
)

// mostLearnt is how many answers of an endpoint are learnt from, a second. An
// average of so many is as good as one of all: the slow one of speed then looks
// back half a second, with all of 8000 it would be 25 ms. What is counted, or
// is about single requests, takes every record: failures, keys, what was
// served.
const mostLearnt = 400

// thinning has every answer of an endpoint learnt from, every second, or every
// third: which ones depends on nothing but their order, so the times of those
// are as those of all.
type thinning struct {
	answers uint32 // since the last tick
	every   uint32 // of so many one is learnt from; 0 stands for 1
	turn    uint32
}

// takes reports whether the answer that came is one to learn from.
func (t *thinning) takes() bool {
	t.answers++
	if t.turn++; t.turn < t.every {
		return false
	}
	t.turn = 0
	return true
}

// retune goes by how many answers came in the time that has passed.
func (t *thinning) retune(age time.Duration) {
	most := max(mostLearnt*age.Seconds(), 1)
	t.every = uint32(min(math.Ceil(float64(t.answers)/most), math.MaxUint16))
	t.answers = 0
}

// share counts how much of what came was learnt from.
type share struct{ came, learnt, last float64 }

func (s *share) add(t *thinning) {
	s.came += float64(t.answers)
	s.learnt += float64(t.answers) / float64(max(t.every, 1))
}

// turn begins another second.
func (s *share) turn() {
	s.last = 1
	if s.came > 0 {
		s.last = s.learnt / s.came
	}
	s.came, s.learnt = 0, 0
}

// Share returns what share of the answers of the last second was learnt from,
// (0, 1]. It is below 1 where endpoints answer more than 400 times a second.
func (l *Learner) Share() float64 {
	if l.share.last == 0 {
		return 1
	}
	return l.share.last
}

// thin retunes what is learnt from since the tick before.
func (l *Learner) thin(age time.Duration) {
	if age <= 0 {
		return
	}
	for _, m := range l.members {
		l.share.add(&m.thinning)
		m.retune(age)
	}
}
