package admit

import (
	"math/bits"
	"sync/atomic"
	"time"

	"poise/internal/stats"
)

// Rate limits how often each key may come: GCRA, the virtual schedule of ATM,
// which is a token bucket in one number. It remembers a bounded number of keys
// by their hash and takes no lock.
//
// A key's set has eight places. When it is full, the key forgotten is the one
// nearest to having its whole burst again; nearly always it has it already and
// nothing is lost. Only when more keys are limited at a time than the table
// holds may one get a burst more than it should. Two keys of which the bits
// kept are the same share a limit: with the whole table in use, one in about a
// million.
type Rate struct {
	interval int64 // µs between two, at the sustained rate
	burst    int64 // µs that a key may be ahead
	mask     uint64
	places   []atomic.Uint64 // tag (24 bits), then the µs at which the key is level (40)
}

const (
	ratePlaces = 8 // in a set
	timeBits   = 40
	timeMask   = 1<<timeBits - 1 // 12 days of µs, of which differences are taken

	// MostPerSecond is the highest rate that can be told apart from no limit.
	MostPerSecond = 100_000
)

// NewRate returns a limit of perSecond, in (0, MostPerSecond], with bursts of
// up to burst, at least 1, for about keys keys at a time.
func NewRate(perSecond float64, burst, keys int) *Rate {
	sets := 1 << bits.Len(uint(max(keys, ratePlaces)/ratePlaces-1))
	interval := int64(float64(time.Second/time.Microsecond)/perSecond + 0.5)
	interval = max(interval, 1)
	return &Rate{
		interval: interval,
		burst:    min(interval*int64(max(burst, 1)), timeMask/4),
		mask:     uint64(sets - 1),
		places:   make([]atomic.Uint64, sets*ratePlaces),
	}
}

// Take counts one of a key whose hash is even in all its bits and not to be
// guessed by clients. When it is one too many, wait says after how long the
// next is not.
func (r *Rate) Take(hash uint64, now stats.Instant) (wait time.Duration, ok bool) {
	at := uint64(now/stats.Instant(time.Microsecond)) & timeMask
	set := r.places[(hash&r.mask)*ratePlaces:][:ratePlaces]
	tag := hash>>timeBits | 1 // never 0, which an empty place has
	for {
		place, old := r.find(set, tag, at)
		ahead := int64(0)
		if old>>timeBits == tag {
			ahead = r.ahead(old, at)
		}
		if ahead+r.interval > r.burst {
			return time.Duration(ahead+r.interval-r.burst) * time.Microsecond, false
		}
		next := tag<<timeBits | (at+uint64(ahead+r.interval))&timeMask
		if place.CompareAndSwap(old, next) {
			return 0, true
		}
	}
}

// find returns the key's place, or the one to give up for it.
func (r *Rate) find(set []atomic.Uint64, tag, at uint64) (*atomic.Uint64, uint64) {
	best, word, least := 0, uint64(0), int64(1)<<62
	for i := range set {
		w := set[i].Load()
		if w>>timeBits == tag {
			return &set[i], w
		}
		ahead := int64(-1)
		if w != 0 {
			ahead = r.ahead(w, at)
		}
		if ahead < least {
			best, word, least = i, w, ahead
		}
	}
	return &set[best], word
}

// ahead is by how many µs a key is ahead of its rate, 0 when it is not. No key
// is ever further ahead than a burst: what looks like it is from days ago.
func (r *Rate) ahead(word, at uint64) int64 {
	ahead := int64(word&timeMask-at) << (64 - timeBits) >> (64 - timeBits)
	if ahead < 0 || ahead > r.burst {
		return 0
	}
	return ahead
}
