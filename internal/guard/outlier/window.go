// Package outlier holds the statistics by which an endpoint stands out from the
// others: its share of failures over several horizons, its latency, and whether
// either could be chance. It is pure but for counting, which takes no lock.
package outlier

import (
	"math"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Tally is how many attempts ended and how many of them failed. Both are
// fractions, since what is older counts less.
type Tally struct{ N, Failed float64 }

// Share is that of the failures, 0 of nothing.
func (t Tally) Share() float64 {
	if t.N <= 0 {
		return 0
	}
	return t.Failed / t.N
}

// Add sums up.
func (t *Tally) Add(o Tally) { t.N += o.N; t.Failed += o.Failed }

// Horizon is how far a tally looks back. A long one sees a small share of
// failures, a short one sees a large share at once: it is not diluted by the
// seconds before in which all was well. The shorter it is, the surer it has to
// be, for it is asked more often.
type Horizon uint8

// The horizons.
const (
	Short Horizon = iota
	Middle
	Long
	Horizons
)

var (
	horizonTau = [Horizons]time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 5 * time.Second}
	horizonZ   = [Horizons]float64{3, 2.5, 2}
	// horizonFailed are the failures without which nothing is judged: of ten
	// attempts two fail by chance somewhere, every few minutes.
	horizonFailed = [Horizons]float64{4, 4, 2.5}
)

// Tau is the time in which an attempt comes to count a third.
func (h Horizon) Tau() time.Duration { return horizonTau[h] }

// Tallies are what one look at a window gives, by horizon.
type Tallies [Horizons]Tally

// Add sums up.
func (t *Tallies) Add(o *Tallies) {
	for h := range t {
		t[h].Add(o[h])
	}
}

const (
	sliceWidth = 500 * time.Millisecond
	sliceCount = 32 // 16 s, after which the longest horizon has decayed to 4 %
)

// fading is what an attempt in a slice of that age counts.
var fading = func() (t [Horizons][sliceCount]float64) {
	for h := range t {
		for age := range t[h] {
			t[h][age] = math.Exp(-float64(age) * sliceWidth.Seconds() / horizonTau[h].Seconds())
		}
	}
	return t
}()

// Window counts attempts in slices of time. Its zero value works; counting
// takes no lock and nothing has to turn it: a slice that is too old is
// overwritten by the first attempt of the next one.
//
// A slice is one word: the number of its lap round the ring (16 bits), the
// failures (24) and the attempts (24). More than 16 million attempts in half a
// second at one endpoint would overflow it.
type Window struct{ slices [sliceCount]atomic.Uint64 }

const (
	lapShift    = 48
	failedShift = 24
	countMask   = 1<<failedShift - 1
)

func place(now stats.Instant) (slot int, lap uint64) {
	number := uint64(now) / uint64(sliceWidth)
	return int(number % sliceCount), number / sliceCount & 0xffff
}

// Add counts an attempt.
func (w *Window) Add(now stats.Instant, failed bool) {
	slot, lap := place(now)
	one := uint64(1)
	if failed {
		one |= 1 << failedShift
	}
	s := &w.slices[slot]
	old := s.Load()
	if old>>lapShift != lap && s.CompareAndSwap(old, lap<<lapShift|one) {
		return
	}
	s.Add(one) // of this lap, or another goroutine has just begun it
}

// Tallies sums the slices up.
func (w *Window) Tallies(now stats.Instant) (t Tallies) {
	newest, lap := place(now)
	for age := range sliceCount {
		slot, of := newest-age, lap
		if slot < 0 {
			slot += sliceCount
			of = (lap - 1) & 0xffff
		}
		word := w.slices[slot].Load()
		if word>>lapShift != of || word&countMask == 0 {
			continue
		}
		n, failed := float64(word&countMask), float64(word>>failedShift&countMask)
		for h := range t {
			t[h].N += fading[h][age] * n
			t[h].Failed += fading[h][age] * failed
		}
	}
	return t
}

// Clear forgets everything. An attempt that is counted at the same moment may
// survive.
func (w *Window) Clear() {
	for i := range w.slices {
		w.slices[i].Store(0)
	}
}

// Span is how many seconds of attempts a horizon's tally stands for.
func Span(h Horizon, now stats.Instant) float64 {
	seconds := (time.Duration(now) % sliceWidth).Seconds() // of the slice that is being filled
	for age := 1; age < sliceCount; age++ {
		seconds += fading[h][age] * sliceWidth.Seconds()
	}
	return seconds
}
