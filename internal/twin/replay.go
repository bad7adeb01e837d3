package twin

import (
	"fmt"
	"slices"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Scenario is how a replay differs from the window. Endpoints go by their ID.
type Scenario struct {
	Load    float64            // times the requests, within [0.01, 10]; 0: 1
	Without []uint32           // endpoints that are left out
	Add     []uint32           // endpoints of which one more is added, once for each mention
	Slow    map[uint32]float64 // by how many times the endpoint is slower than it was; above 0
	Room    Room               // what is assumed of the capacities
	// Past replays the window as it was in place of the requests to come: it
	// begins with what was under way then, at the endpoints where it was, and
	// leaves endpoints out while they were left out.
	Past bool
}

// tickEvery is how often what was learnt is published, as the engine does it.
const tickEvery = 100 * time.Millisecond

// yieldEvery is how many requests are replayed before the caller may let
// others run.
const yieldEvery = 64

// replay is one run of the window under one policy. Its time begins now: the
// requests come again as they came before, and the live state, which is of
// now, ages as it will.
type replay struct {
	m        *Model
	picker   balance.Picker
	dice     stats.Dice
	parts    []part
	ends     []*lb.Endpoint
	index    map[*lb.Endpoint]int32
	queues   []ends
	sharing  []shared
	jobs     []job
	out      []outcome
	met      []int32 // how many were under way where each job went
	went     []int32
	calendar calendar
	reused   []int32 // station × key: how many it had served when it served this key
	served   []int32
	learner  Learner
	ticked   time.Duration
	due      []float64 // failures, by station
	unseen   int       // requests that found more under way than was ever seen, where no capacity is known

	outages []outage // of a replay of the past, those to come
	left    []bool   // out, by station
	set     balance.Set
	build   func(balance.Set, balance.Options) balance.Picker
}

// Replay returns what the policy would have come to. It fails for a policy
// that nobody knows.
func (m *Model) Replay(policy string, sc Scenario) (Prediction, error) {
	r, err := m.newReplay(policy, sc)
	if err != nil {
		return Prediction{}, err
	}
	if !r.run() {
		return Prediction{Policy: policy, Abandoned: true}, nil
	}
	return m.predict(policy, r.out, r.jobs), nil
}

// run plays all jobs. It reports false when there was no endpoint for one.
func (r *replay) run() bool {
	for i := range r.jobs {
		if i%yieldEvery == 0 {
			r.m.in.Yield()
		}
		r.until(r.jobs[i].at)
		r.takeOutages(r.jobs[i].at)
		if !r.begin(int32(i)) {
			return false
		}
	}
	r.until(1 << 62)
	return true
}

func (m *Model) newReplay(policy string, sc Scenario) (*replay, error) {
	build := catalog.Builders()[policy]
	if build == nil {
		return nil, fmt.Errorf("no policy is named %q", policy)
	}
	parts := m.cast(&sc)
	n := len(parts)
	seed := m.in.Options.Seed
	if m.in.Options.Ablate.OwnDice {
		for _, c := range policy {
			seed = seed*31 + uint64(c)
		}
	}
	r := &replay{
		m: m, dice: stats.NewDice(balance.Mix(seed + 3)), jobs: m.scale(sc.Load),
		parts: parts, index: make(map[*lb.Endpoint]int32, n),
		queues: make([]ends, n), sharing: make([]shared, n), served: make([]int32, n),
		due: make([]float64, n),
	}
	for i := range r.due {
		r.due[i] = uniform(seed+2, uint64(i))
	}
	set := balance.Set{Cursor: &balance.Cursor{}}
	set.Cursor.MoveTo(m.in.Cursor)
	for i := range parts {
		p := &parts[i]
		c := m.clone(p.Endpoint.Endpoint)
		r.ends, r.index[c] = append(r.ends, c), int32(i)
		set.Members = append(set.Members, c)
		if (p.Eligible || sc.Past) && !p.without {
			set.Eligible = append(set.Eligible, c)
		}
		if p.sharing {
			r.sharing[i].slots = float64(p.room)
		}
	}
	if least := Floor(m.in.Now, r.ends); policy != m.in.Incumbent && !m.in.Options.Ablate.NoFloor {
		for _, e := range r.ends {
			e.Live.Floor(m.in.Now, least)
		}
	}
	if sc.Past {
		r.jobs, r.outages, r.left = slices.Concat(m.backlog, r.jobs), m.outages, make([]bool, n)
	}
	if m.in.Options.Ablate.OwnDice {
		r.jobs = slices.Clone(r.jobs)
		for i := range r.jobs {
			r.jobs[i].size = uniform(seed, uint64(i))
		}
	}
	r.teach(policy, &set)
	r.set, r.build = set, build
	r.picker = build(set, m.in.Options.Balance)
	r.out = make([]outcome, len(r.jobs))
	r.met, r.went = make([]int32, len(r.jobs)), make([]int32, len(r.jobs))
	if m.reuse.on {
		r.reused = make([]int32, n*m.keys)
	}
	return r, nil
}

// clone returns the endpoint with a live state of its own and nothing under
// way.
func (m *Model) clone(e *lb.Endpoint) *lb.Endpoint {
	c := &lb.Endpoint{
		ID: e.ID, Cluster: e.Cluster, Address: e.Address, Weight: max(e.Weight, 1),
		Zone: e.Zone, Priority: e.Priority, Hash: e.Hash, Live: &lb.Live{},
	}
	if !m.in.Options.Ablate.ColdStart && e.Live != nil {
		c.Live = e.Live.Clone()
	}
	return c
}

// Floor is what no latency estimate should be below when a policy takes over:
// half of the median of what the endpoints were last seen with.
func Floor(now stats.Instant, endpoints []*lb.Endpoint) time.Duration {
	known := make([]float64, 0, len(endpoints))
	for _, e := range endpoints {
		if _, last := e.Live.Peak(now); last > 0 {
			known = append(known, last)
		}
	}
	if len(known) == 0 {
		return 0
	}
	return time.Duration(stats.Median(known) / 2 * 1e9)
}

// begin sends job i where the policy says.
func (r *replay) begin(i int32) bool {
	j := &r.jobs[i]
	s := j.fixed
	if s < 0 || r.parts[s].without {
		e, err := r.picker.Pick(balance.PickInfo{
			Now: r.m.in.Now.Add(j.at), Dice: &r.dice, Key: j.key, HasKey: j.keyed >= 0, Idempotent: true,
		})
		if err != nil {
			return false
		}
		s = r.index[e]
	}
	r.went[i] = s
	r.met[i] = int32(r.ends[s].Live.Begin())
	st := &r.parts[s]
	if st.strange(int(r.met[i])) {
		r.unseen++
	}
	o := &r.out[i]
	switch {
	case j.stream:
		r.finishAt(j.at+j.after, i)
	case r.fails(s):
		o.failed, o.latency = true, max(st.failsAfter, 100*time.Microsecond)
		r.finishAt(j.at+o.latency, i)
	case st.sharing:
		r.sharing[s].begin(j.at, i, r.service(i, s))
		r.calendar.push(moment{r.sharing[s].next(), ^s, r.sharing[s].version})
	default:
		r.enqueue(i, s)
	}
	return true
}

// enqueue puts job i behind what waits at station s. A queue that takes
// requests in turn needs no events: when one ends is known when it comes.
func (r *replay) enqueue(i, s int32) {
	j, q := &r.jobs[i], &r.queues[s]
	start, slots := j.at, r.parts[s].room
	if len(*q) == slots && (*q)[0] > start {
		start = (*q)[0]
	}
	end := start + time.Duration(r.service(i, s)*1e9)
	if limit := r.m.in.Options.Timeout; limit > 0 && end-j.at > limit {
		r.out[i] = outcome{latency: limit, failed: true}
		r.finishAt(j.at+limit, i)
		if start-j.at > limit {
			return // it was gone before its turn came
		}
	} else {
		r.out[i].latency = end - j.at
		r.finishAt(end, i)
	}
	if len(*q) < slots {
		q.push(end)
	} else {
		q.replace(end)
	}
}

// service returns the seconds that station s works on job i.
func (r *replay) service(i, s int32) float64 {
	j, st := &r.jobs[i], &r.parts[s]
	v := 0.0
	if r.m.reuse.on && j.keyed >= 0 {
		at := &r.reused[int(s)*r.m.keys+int(j.keyed)]
		r.served[s]++
		distance := -1
		if *at > 0 {
			distance = int(r.served[s] - *at)
		}
		*at = r.served[s]
		if p := r.m.reuse.pooled[bin(distance)]; len(p) >= fewest {
			v = st.distance + stats.Quantile(p, j.size)*st.speed
		}
	}
	if v == 0 {
		v = stats.Quantile(st.service, j.size)
	}
	if v == 0 {
		v = r.m.typical(j.size)
	}
	if second := int(j.at / time.Second); second < len(st.slow) {
		v *= st.slow[second]
	}
	return v * st.slowness
}

// typical is the time of service at an endpoint that nothing is known of: that
// of the first that something is known of.
func (m *Model) typical(size float64) float64 {
	for i := range m.stations {
		if s := m.stations[i].service; len(s) > 0 {
			return stats.Quantile(s, size)
		}
	}
	return 0.02
}

// until lets everything end that ends by now.
func (r *replay) until(now time.Duration) {
	for len(r.calendar) > 0 && r.calendar[0].at <= now {
		c := r.calendar.pop()
		if c.job >= 0 {
			r.finish(c.at, c.job)
			continue
		}
		s := ^c.job
		sh := &r.sharing[s]
		if sh.version != c.version {
			continue
		}
		i := sh.end(c.at)
		r.out[i].latency = c.at - r.jobs[i].at
		if limit := r.m.in.Options.Timeout; limit > 0 && r.out[i].latency > limit {
			r.out[i] = outcome{latency: limit, failed: true}
		}
		r.finishAt(c.at, i)
		if len(sh.open) > 0 {
			r.calendar.push(moment{sh.next(), ^s, sh.version})
		}
	}
}

// finishAt lets job i end, seen from here, at the moment at; it may stay under
// way for a while for its client's sake.
func (r *replay) finishAt(at time.Duration, i int32) {
	r.calendar.push(moment{at: at + r.jobs[i].after, job: i})
}

func (r *replay) finish(at time.Duration, i int32) {
	e, j, o := r.ends[r.went[i]], &r.jobs[i], &r.out[i]
	e.Live.End()
	if j.stream {
		return
	}
	ob := lb.Observation{End: r.m.in.Now.Add(at), Latency: o.latency, Inflight: int(r.met[i]), Attempt: 1}
	if o.failed {
		ob.Outcome = lb.Status5xx
	}
	e.Live.Observe(ob)
	if r.learner != nil {
		r.learn(at, i, ob.Outcome)
	}
}
