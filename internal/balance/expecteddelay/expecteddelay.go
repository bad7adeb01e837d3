// Package expecteddelay picks the endpoint at which a request is expected to
// take least, by what package learn found out: how long an endpoint works on
// one request, on how many at once, how often it fails, and whether it has
// seen the request's key just now. It descends from shortest expected delay
// (Banawan and Zeidat 1992; LVS calls it sed).
//
// Where keys matter, one that nobody has seen lately goes where maglev has it,
// unless waiting there takes longer than starting anew: so keys are parted
// among the endpoints, whose caches would else all hold the same.
//
// It is not quite selfish: waiting weighs more than it takes, for a request
// that waits also delays those behind it. With exact estimates and without
// that, fast endpoints fill until waiting there is as bad as being served by
// a slow one, and everybody waits.
//
// While nothing is learnt it is least-request.
package expecteddelay

import (
	"sync"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/maglev"
	"poise/internal/lb"
	"poise/internal/stats"
)

const (
	// sample is how many of a large set are compared.
	sample = 8
	// waitWeight is what waiting weighs against being served.
	waitWeight = 4
	// spreadWeight has endpoints fill evenly while nobody waits.
	spreadWeight = 0.1
	// capacity and service, in seconds, are assumed while nothing is learnt.
	// Which they are does not matter as long as they are the same for all.
	capacity = 4
	service  = 0.030
	// noise is the share of failures that counts as none, just above what a
	// single one makes of it.
	noise = 0.06

	// starved endpoints, idle and not chosen for so long, are tried now and then,
	// so that one that has recovered is found out; sooner when the last answers
	// looked better than what is known.
	starvedAfter = time.Second
	betterAfter  = 100 * time.Millisecond
	// probeShare is the most that is spent for that, of all picks. The dice
	// decide: there is nothing to count, and nothing to share.
	probeShare = 0.01
	// mostFailing endpoints are left to the guard's trials.
	mostFailing = 0.1
)

type picker struct {
	endpoints []*lb.Endpoint
	affinity  *lb.Affinity
	byID      map[uint32]*lb.Endpoint
	weight    float64               // the mean; 0 when all have the same
	failure   float64               // seconds
	places    func() balance.Picker // maglev
}

// New returns a picker over the eligible endpoints. Weights share the load out
// while nobody waits. They also say what an endpoint holds before others have
// to wait there, until it has shown that itself: a weight that claims more
// than the truth fills no queue for long.
func New(s balance.Set, o balance.Options) balance.Picker {
	p := &picker{endpoints: s.Eligible, affinity: s.Affinity, failure: o.WithDefaults().FailureCost.Seconds(), byID: map[uint32]*lb.Endpoint{}}
	alike := true
	for i, e := range s.Eligible {
		p.weight += float64(e.Weight) / float64(len(s.Eligible))
		p.byID[e.ID] = e
		alike = alike && e.Weight == s.Eligible[max(i-1, 0)].Weight
	}
	if alike {
		p.weight = 0
	}
	p.places = sync.OnceValue(func() balance.Picker { return maglev.New(s, o) })
	if _, _, near := p.affinity.Effect(); near > 0 { // no request is to wait for it
		p.places()
	}
	return p
}

// request is what one pick goes by. It lives on the stack.
type request struct {
	now       stats.Instant
	home      *lb.Endpoint // has just seen the key, or is its place; nil for none
	hit, miss float64      // multiples of the mean that the key makes at home, and elsewhere
	service   float64      // seconds, of an endpoint that nothing is known of
}

// Pick implements balance.Picker.
func (p *picker) Pick(info balance.PickInfo) (*lb.Endpoint, error) {
	var c balance.Candidates
	c.Draw(&info, p.endpoints, sample)
	r := p.request(&info)
	if r.home != nil && !info.Excluded(r.home) {
		c.Add(r.home)
	}
	if e := starved(&c, &info); e != nil {
		return e, nil
	}
	e, unknown := p.least(&c, &r, info.Dice)
	if unknown {
		r.service = usual(c.Of[:c.N])
		e, _ = p.least(&c, &r, info.Dice)
	}
	if e == nil {
		return nil, lb.ErrNoEndpoint
	}
	e.Live.Choose(e.Live.Chosen(), info.Now)
	return e, nil
}

// Score implements balance.Scorer: the delay in seconds that e is expected to
// cause, its own waiting weighed.
func (p *picker) Score(info balance.PickInfo, e *lb.Endpoint) float64 {
	r := p.request(&info)
	r.service = usual(p.endpoints)
	score, _ := p.delay(e, &r)
	return score
}

// request finds out where the key of a request is at home.
func (p *picker) request(info *balance.PickInfo) request {
	r := request{now: info.Now, hit: 1, miss: 1, service: service}
	if !info.HasKey || p.affinity == nil {
		return r
	}
	var near int
	if r.hit, r.miss, near = p.affinity.Effect(); near == 0 {
		return r
	}
	home := p.affinity.Home(info.Key)
	if e := p.byID[home.ID()]; e != nil && home.At(e.ID) && home.Distance(e.Live.Served()) <= near {
		r.home = e
	} else {
		r.home, _ = p.places().Pick(*info)
	}
	return r
}

// least returns the candidate with the least delay, and whether anything had
// to be assumed of one.
func (p *picker) least(c *balance.Candidates, r *request, dice *stats.Dice) (_ *lb.Endpoint, unknown bool) {
	var least balance.Least
	for _, e := range c.Of[:c.N] {
		delay, known := p.delay(e, r)
		unknown = unknown || !known
		least.Offer(e, delay, dice)
	}
	return least.Endpoint, unknown
}

// delay is what one request more at e is expected to cost.
func (p *picker) delay(e *lb.Endpoint, r *request) (delay float64, known bool) {
	alone, slots, shown := e.Live.Work()
	if known = alone > 0; !known {
		alone, slots = r.service, capacity
	}
	waiting := float64(e.Live.Inflight()+1) / slots
	load := waiting
	if p.weight > 0 {
		if load *= p.weight / float64(e.Weight); !shown {
			waiting = load
		}
	}
	delay = r.miss + spreadWeight*load
	if e == r.home {
		delay += r.hit - r.miss
	}
	if waiting > 1 {
		delay += waitWeight * (waiting - 1)
	}
	delay *= alone
	if f := e.Live.Failing(r.now); f > noise {
		f = beyond(f, e)
		delay = (1-f)*delay + f*p.failure
	}
	return delay, known
}

// beyond is a share of failures less what is usual. It goes by the quick
// average that every attempt updates: what is learnt comes later.
func beyond(failing float64, e *lb.Endpoint) float64 {
	return max(0, failing-noise-2*e.Live.Learnt().Usual)
}

// usual is the service time, in seconds, that endpoints get of which nothing
// is known: that of the best.
func usual(endpoints []*lb.Endpoint) (least float64) {
	for _, e := range endpoints {
		if s, _, _ := e.Live.Work(); s > 0 && (least == 0 || s < least) {
			least = s
		}
	}
	if least == 0 {
		return service
	}
	return least
}

// starved returns the idle candidate that was not chosen for longest, when
// that is long and the request is one to try it with.
func starved(c *balance.Candidates, info *balance.PickInfo) (longest *lb.Endpoint) {
	if !info.Idempotent {
		return nil
	}
	var was uint32
	var age time.Duration
	for _, e := range c.Of[:c.N] {
		if e.Live.Inflight() > 0 {
			continue
		}
		chosen := e.Live.Chosen()
		if chosen == 0 { // its time begins now
			e.Live.Choose(0, info.Now)
			continue
		}
		a := lb.SinceChosen(chosen, info.Now)
		if a <= max(age, betterAfter) {
			continue
		}
		if l := e.Live.Learnt(); l.Service > 0 && (a > starvedAfter || l.Better) && beyond(e.Live.Failing(info.Now), e) < mostFailing {
			longest, was, age = e, chosen, a
		}
	}
	if longest == nil || info.Dice.Float64() >= probeShare || !longest.Live.Choose(was, info.Now) {
		return nil
	}
	return longest
}
