package lb

import (
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// LiveState is all of a Live as plain numbers, for a recording: what a replay
// must begin with to come to the same end. The words of the estimates are
// opaque; their stamps are of the clock that wrote them.
type LiveState struct {
	Inflight      int32
	Peak, Failing uint64
	ByLoad        [loadBins]uint64
	Work, Health  uint64
	Served        uint32
	Chosen        uint32
}

// State returns l as it is now.
func (l *Live) State() (s LiveState) {
	s.Inflight = l.inflight.Load()
	s.Peak, s.Failing = l.peak.Load(), l.failing.Load()
	for i := range l.byLoad {
		s.ByLoad[i] = l.byLoad[i].Load()
	}
	s.Work, s.Health = l.learnt.work.Load(), l.learnt.health.Load()
	s.Served, s.Chosen = l.served.Load(), l.chosen.Load()
	return s
}

// SetState makes l what it was when State returned s.
func (l *Live) SetState(s LiveState) {
	l.inflight.Store(s.Inflight)
	l.peak.Store(s.Peak)
	l.failing.Store(s.Failing)
	for i := range l.byLoad {
		l.byLoad[i].Store(s.ByLoad[i])
	}
	l.learnt.work.Store(s.Work)
	l.learnt.health.Store(s.Health)
	l.served.Store(s.Served)
	l.chosen.Store(s.Chosen)
}

// Floor raises every latency that is known and below least to it, as of now.
// A policy that takes over finds endpoints whose latencies have decayed to
// next to nothing because nothing was sent there; it would send everything to
// them until their first answer.
func (e *Estimates) Floor(now stats.Instant, least time.Duration) {
	seconds := least.Seconds()
	if decayed, last := e.Peak(now); last > 0 && decayed < seconds {
		update(&e.peak, now, func(old float64, age time.Duration, _ bool) float64 {
			return max(old*decay(age, peakTau), seconds)
		})
	}
	for i := range e.byLoad {
		raise(&e.byLoad[i], now, seconds)
	}
}

// raise makes an estimate at least so much as of now. One of long ago is
// not believed for being raised: what it decayed to counts, if that is more.
func raise(word *atomic.Uint64, now stats.Instant, least float64) {
	w := word.Load()
	v, age, known := unpack(w, now)
	if !known || v*silence(age, silentAfter, silentTau) >= least {
		return
	}
	update(word, now, func(old float64, age time.Duration, _ bool) float64 {
		return max(old*silence(age, silentAfter, silentTau), least)
	})
}
