package learn

import (
	"math"
	"time"

	"poise/internal/lb"
)

// Bins of reuse distances: how many requests an endpoint has served since it
// last saw a key.
const (
	reuseBins = 6
	firstTime = reuseBins - 1 // never, as far as is remembered
)

var reuseEdges = [reuseBins - 2]int{16, 64, 256, 1024} // beyond the last is a bin of its own

func reuseBin(distance uint32) int {
	for i, edge := range reuseEdges {
		if int(distance) <= edge {
			return i
		}
	}
	return len(reuseEdges)
}

// keys is what is known of keys: when each endpoint saw which, and what that
// does to the time that it works.
type keys struct {
	to     *lb.Affinity
	visits *[visitSlots]uint64 // a tag of key and endpoint, and the endpoint's number of the request
	n      [reuseBins]float64  // answers, pooled over the endpoints
	y, yy  [reuseBins]float64  // their time relative to the endpoint's speed
	effect effect
}

const (
	visitSlots = 1 << 16
	reuseTau   = 20 * time.Second
	// warmVisits is how many requests an endpoint must have served before a key
	// that is not remembered counts as new.
	warmVisits = 256
	// leastReuse answers of each kind are needed, the times must differ by a
	// fifth, and by four standard errors. An effect that is known ends at less.
	leastReuse   = 50
	effectAtMost = 0.8
	effectSigma  = 4
	effectEnds   = 0.9
	endsSigma    = 2
	leastHit     = 0.01
)

// effect is what a key does, relative to a request whose key is new.
type effect struct {
	hit     float64 // at most 1; 1 for none
	hitLog  float64
	near    int     // longest reuse distance of a hit; 0 for none
	mean    float64 // over the recent requests
	meanLog float64

	hitInv, meanInv float64 // exp(-hitLog) and exp(-meanLog)
}

var noEffect = effect{hit: 1, mean: 1, hitInv: 1, meanInv: 1}

// invert sets what follows from the logs.
func (e *effect) invert() { e.hitInv, e.meanInv = math.Exp(-e.hitLog), math.Exp(-e.meanLog) }

// factor is the time of a request by its bin.
func (e *effect) factor(bin int) float64 {
	if bin < len(reuseEdges) && reuseEdges[bin] <= e.near {
		return e.hit
	}
	return 1
}

func (e *effect) log(bin int) float64 {
	if bin < len(reuseEdges) && reuseEdges[bin] <= e.near {
		return e.hitLog
	}
	return 0
}

// inv is one over the exponential of log.
func (e *effect) inv(bin int) float64 {
	if bin < len(reuseEdges) && reuseEdges[bin] <= e.near {
		return e.hitInv
	}
	return 1
}

// visit notes that e served key, and returns the bin of how long ago it did
// before.
func (k *keys) visit(e *endpoint, key uint64) int {
	if k.visits == nil {
		k.visits = &[visitSlots]uint64{}
	}
	h := (key ^ uint64(e.to.ID)*0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	slot, tag := &k.visits[h%visitSlots], h>>32|1
	bin := firstTime
	if *slot>>32 == tag {
		bin = reuseBin(e.served - uint32(*slot))
	}
	*slot = tag<<32 | uint64(e.served)
	e.reuse[bin]++
	return bin
}

// observe takes in the time of a request of bin, alone at the endpoint.
func (k *keys) observe(bin int, alone float64, e *endpoint) {
	if !e.speed.known() || bin == firstTime && e.served < warmVisits {
		return
	}
	v := min(alone/e.speed.mean, 100) // one outlier must not decide
	k.n[bin]++
	k.y[bin] += v
	k.yy[bin] += v * v
}

// moments are the mean of some bins, and its variance.
func (k *keys) moments(bins ...int) (n, mean, variance float64) {
	var y, yy float64
	for _, b := range bins {
		n, y, yy = n+k.n[b], y+k.y[b], yy+k.yy[b]
	}
	if n < 1 {
		return n, 0, 0
	}
	mean = y / n
	return n, mean, max(0, yy/n-mean*mean) / n
}

// fit judges whether there is an effect.
func (k *keys) fit(age time.Duration) {
	was := k.effect
	near, hit, hitVar := k.moments(0, 1)
	first, miss, missVar := k.moments(firstTime)
	most, sigma := effectAtMost, float64(effectSigma)
	if was.near > 0 {
		most, sigma = effectEnds, endsSigma
	}
	switch {
	case near < leastReuse || first < leastReuse: // where keys stay, few are new: what was known stays
	case hit < most*miss && miss-hit > sigma*math.Sqrt(hitVar+missVar):
		k.effect.hit = max(hit/miss, leastHit)
		k.effect.hitLog = math.Log(k.effect.hit)
		k.effect.near = k.reach((hit+miss)/2, was.near)
	default:
		k.effect = noEffect
	}
	k.setMean()
	d := decay(age, reuseTau)
	for i := range k.n {
		k.n[i] *= d
		k.y[i] *= d
		k.yy[i] *= d
	}
}

// reach is the longest distance at which requests are nearer to a hit than to
// a miss. It shrinks only while it was shown to be too long.
func (k *keys) reach(middle float64, was int) int {
	near := reuseEdges[1]
	for i, edge := range reuseEdges {
		n, mean, _ := k.moments(i)
		if n >= 30 && mean < middle || n < 30 && edge <= was {
			near = max(near, edge)
		}
	}
	return near
}

// setMean averages the effect over the recent requests.
func (k *keys) setMean() {
	var n, sum, log float64
	for bin, c := range k.n {
		n += c
		sum += c * k.effect.factor(bin)
		log += c * k.effect.log(bin)
	}
	k.effect.mean, k.effect.meanLog = 1, 0
	if n > 0 {
		k.effect.mean, k.effect.meanLog = sum/n, log/n
	}
	k.effect.invert()
}

func (k *keys) publish() {
	if k.to == nil {
		return
	}
	e := &k.effect
	k.to.SetEffect(e.hit/e.mean, 1/e.mean, e.near)
}

func (k *keys) clone(to *lb.Affinity) keys {
	c := *k
	c.to = to
	if k.visits != nil {
		v := *k.visits
		c.visits = &v
	}
	return c
}

// rebaseForKeys moves the speeds, which are those of requests whose key is
// new: what counts as that has changed.
func (l *Learner) rebaseForKeys(was *effect) {
	now := &l.keys.effect
	for _, m := range l.members {
		var n, log, mean float64
		for bin, c := range m.reuse {
			n += c
			log += c * (was.log(bin) - now.log(bin))
			mean += c * now.factor(bin) / was.factor(bin)
		}
		if n > 0 && m.speed.known() {
			m.speed.rebase(log / n)
			m.speed.scale(-math.Log(mean/n) - log/n)
		}
	}
}

// settle notes where a key is at home. A request that only went elsewhere
// since its home was busy does not move it.
func (l *Learner) settle(e *endpoint, key uint64) {
	to := l.keys.to
	if to == nil {
		return
	}
	if near := l.keys.effect.near; near > 0 {
		h := to.Home(key)
		if !h.At(e.to.ID) && h.Known() {
			if at := l.find(h.ID()); at != nil && at.left == 0 && h.Distance(at.served) <= near {
				return
			}
		}
	}
	to.SetHome(key, e.to.ID, e.served)
}
