package lb

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Estimates are what the latency-aware policies know of an endpoint, updated
// by every attempt whatever policy is active. The zero value knows nothing.
//
// Each estimate is one word, a float32 and the millisecond it was last
// touched, so that it is read whole and changed without a lock.
type Estimates struct {
	failing atomic.Uint64 // read by every pick, written while there are failures
	_       [40]byte      // what every answer writes stays off the line of failing and of what was learnt
	peak    atomic.Uint64
	byLoad  [loadBins]atomic.Uint64
}

const (
	// peakTau is the decay of the peak EWMA: Finagle's and Linkerd's default.
	peakTau = 10 * time.Second
	// silentTau is how a latency estimate decays once nothing has confirmed it
	// for silentAfter, so that an endpoint that was slow once is tried again.
	silentTau   = 10 * time.Second
	silentAfter = 5 * time.Second
	// failingTau and failingAfter are the same for the share of failures. They
	// are short: a failure weighs so much that with the constants of a latency
	// an endpoint that failed for two seconds stayed without a request for
	// fifty after it had recovered.
	failingTau   = 2 * time.Second
	failingAfter = 500 * time.Millisecond

	loadGain    = 0.2  // weight of a new latency in its bin
	failingGain = 0.05 // weight of a new outcome in the share of failures
	noFailing   = 1e-6 // share of failures that is none
	loadBins    = 20

	// leastLatency stands for an answer within one tick of the clock: a latency
	// of 0 would make any number under way look free.
	leastLatency = time.Microsecond
)

// Observe learns from a finished attempt. A failure has no latency that says
// anything: one that fails fast must not look fast. It counts in the share of
// failures, which the policies weigh by what a failure costs.
func (e *Estimates) Observe(o Observation) {
	if o.Outcome == Canceled {
		return
	}
	bad := o.Outcome.Failed() || o.Outcome == Pressure
	e.observeFailing(o.End, bad)
	if !bad {
		latency := max(o.Latency, leastLatency).Seconds()
		e.observePeak(o.End, latency)
		e.observeLoad(o.End, latency, o.Inflight)
	}
}

// observePeak is Finagle's PeakEwma: a latency above the estimate replaces it,
// one below it is averaged in with the weight of the time that has passed.
func (e *Estimates) observePeak(now stats.Instant, sample float64) {
	for {
		w := e.peak.Load()
		next := sample
		if old, age, known := unpack(w, now); known {
			if d := decay(age, peakTau); sample <= old*d {
				next = old*d + sample*(1-d)
			}
		}
		// Within a tick of the clock a latency below the peak changes nothing, and
		// to write nothing costs nothing.
		if v := pack(next, now); v == w || e.peak.CompareAndSwap(w, v) {
			return
		}
	}
}

// Peak returns the peak EWMA in seconds: decayed to now, and as it was when an
// answer last changed it. Both are 0 when there never was one.
func (e *Estimates) Peak(now stats.Instant) (decayed, last float64) {
	last, age, _ := read(&e.peak, now)
	return last * decay(age, peakTau), last
}

func (e *Estimates) observeFailing(now stats.Instant, bad bool) {
	sample := 0.0
	switch {
	case bad:
		sample = 1
	case e.failing.Load()>>32 == 0: // nearly always: no share stays none
		return
	}
	update(&e.failing, now, func(old float64, age time.Duration, _ bool) float64 {
		old *= silence(age, failingAfter, failingTau)
		if old += failingGain * (sample - old); old < noFailing {
			return 0
		}
		return old
	})
}

// Failing returns the recent share of failures, in [0, 1]. It fades when
// nothing is sent.
func (e *Estimates) Failing(now stats.Instant) float64 {
	w := e.failing.Load()
	if w>>32 == 0 { // nearly always, and the exponential is most of what a pick costs
		return 0
	}
	v, age, _ := unpack(w, now)
	return v * silence(age, failingAfter, failingTau)
}

func (e *Estimates) observeLoad(now stats.Instant, sample float64, inflight int) {
	for b := &e.byLoad[bin(inflight)]; ; {
		w := b.Load()
		next := sample
		if old, age, known := unpack(w, now); known && age < silentAfter { // one answer must not make fresh what nobody believed any more
			next = old + loadGain*(sample-old)
		}
		if b.CompareAndSwap(w, pack(next, now)) {
			return
		}
	}
}

// LatencyAt returns the latency in seconds of requests that met about so many
// others at the endpoint (Prequal's RIF-conditioned latency): that of the
// nearest number for which it is fresh, else the freshest there is, decayed.
func (e *Estimates) LatencyAt(now stats.Instant, inflight int) (latency float64, known bool) {
	if e.peak.Load() == 0 { // no answer yet
		return 0, false
	}
	var youngest time.Duration
	middle := bin(inflight)
	for d := range loadBins {
		for _, i := range [...]int{middle - d, middle + d} {
			if i < 0 || i >= loadBins {
				continue
			}
			v, age, ok := read(&e.byLoad[i], now)
			if ok && age < silentAfter {
				return v, true
			}
			if ok && (!known || age < youngest) {
				latency, youngest, known = v, age, true
			}
		}
	}
	return latency * silence(youngest, silentAfter, silentTau), known
}

// bin is exact up to 7 in flight and then has two bins an octave.
func bin(inflight int) int {
	if inflight < 8 {
		return max(inflight, 0)
	}
	octave := bits.Len(uint(inflight)) - 1 // 3 for 8 to 15
	half := inflight >> (octave - 1) & 1
	return min(8+2*(octave-3)+half, loadBins-1)
}

// silence is how much of an estimate is left after so long without news.
func silence(age, after, tau time.Duration) float64 {
	if age <= after {
		return 1
	}
	return decay(age-after, tau)
}

// decays holds exp(-ms/10 s) for the ages that are common.
var decays = func() (t [1024]float64) {
	for ms := range t {
		t[ms] = math.Exp(-float64(ms) / 1e4)
	}
	return t
}()

func decay(age, tau time.Duration) float64 {
	if ms := int64(age / time.Millisecond); tau == 10*time.Second && ms < int64(len(decays)) {
		return decays[max(ms, 0)]
	}
	return math.Exp(-age.Seconds() / tau.Seconds())
}

// read unpacks an estimate; of none it returns zeros.
func read(word *atomic.Uint64, now stats.Instant) (value float64, age time.Duration, known bool) {
	return unpack(word.Load(), now)
}

// unpack takes a word apart. Stamps wrap after 49 days and ages, which are
// differences, do not mind. The last minute before that is taken for what a
// race makes of it, an estimate a little newer than now.
func unpack(word uint64, now stats.Instant) (value float64, age time.Duration, known bool) {
	if word == 0 {
		return 0, 0, false
	}
	ms := stamp(now) - uint32(word)
	if ms > math.MaxUint32-60_000 {
		ms = 0
	}
	return float64(math.Float32frombits(uint32(word >> 32))), time.Duration(ms) * time.Millisecond, true
}

// update replaces an estimate by what next makes of it.
func update(word *atomic.Uint64, now stats.Instant, next func(old float64, age time.Duration, known bool) float64) {
	for {
		w := word.Load()
		if word.CompareAndSwap(w, pack(next(unpack(w, now)), now)) {
			return
		}
	}
}

// pack is the word of an estimate.
func pack(value float64, now stats.Instant) uint64 {
	return uint64(math.Float32bits(float32(value)))<<32 | uint64(stamp(now))
}

// stamp is the millisecond of an instant, never 0: a word of 0 means that
// nothing is known.
func stamp(now stats.Instant) uint32 { return uint32(now/stats.Instant(time.Millisecond)) | 1 }
