package catalog

import (
	"container/heap"
	"container/list"
	"math"
	"slices"
	"sort"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/learn"
	"poise/internal/stats"
)

// server is the truth behind an endpoint in a simulation: slots that work
// first come, first served, with exponential service times.
type server struct {
	mean  time.Duration
	slots int
	fails float64       // share that is refused after 1 ms, without taking a slot
	heavy bool          // service times: 95 % half the mean, 5 % ten times it
	cache int           // keys that it remembers, the last used; 0 for no cache
	hit   time.Duration // mean when it remembers the key

	free  []stats.Instant // when each slot is free again
	order *list.List      // of keys, the last used first
	known map[uint64]*list.Element
}

// work is how long the server works on a job, given its size of mean 1.
func (s *server) work(size float64, key uint64) time.Duration {
	mean := s.mean
	if s.cache > 0 && s.remembers(key) {
		mean = s.hit
	}
	return time.Duration(size * float64(mean))
}

func (s *server) remembers(key uint64) bool {
	if s.known == nil {
		s.order, s.known = list.New(), map[uint64]*list.Element{}
	}
	if e, ok := s.known[key]; ok {
		s.order.MoveToFront(e)
		return true
	}
	s.known[key] = s.order.PushFront(key)
	if s.order.Len() > s.cache {
		delete(s.known, s.order.Remove(s.order.Back()).(uint64))
	}
	return false
}

// sim runs one picker against servers under Poisson arrivals. Everything in it
// comes from one seed, and arrivals, sizes and keys are the same for every
// policy.
type sim struct {
	policy    string
	endpoints []*lb.Endpoint
	servers   []server
	rate      float64   // requests a second
	keys      []float64 // cumulated share of each key; none for no keys
	each      func(now time.Duration, endpoint int)

	dice, jobs stats.Dice // of the policy, of the world
	pending    pending
	result     simResult
	learner    *learn.Learner
	affinity   lb.Affinity
	records    []lb.Record
	tick       stats.Instant // next one of the learner
}

type simResult struct {
	picked    []int
	failed    int
	latencies []time.Duration // of what was answered
}

// mean is the mean latency of what was answered.
func (r simResult) mean() time.Duration {
	sum := time.Duration(0)
	for _, l := range r.latencies {
		sum += l
	}
	return sum / time.Duration(max(len(r.latencies), 1))
}

// quantile is one of the latencies of what was answered.
func (r simResult) quantile(q float64) time.Duration {
	all := slices.Sorted(slices.Values(r.latencies))
	return all[int(q*float64(len(all)-1))]
}

// share is the part of all picks that went to endpoint i.
func (r simResult) share(i int) float64 {
	total := 0
	for _, n := range r.picked {
		total += n
	}
	return float64(r.picked[i]) / float64(total)
}

// simStart is when simulations begin: any time but 0, which means never.
const simStart = stats.Instant(time.Hour)

// learnEvery is how often the learner gets the records, as in a balancer.
const learnEvery = 100 * time.Millisecond

func newSim(policy string, n int, s server, load float64) *sim {
	m := &sim{policy: policy, endpoints: endpoints(n), dice: stats.NewDice(11), jobs: stats.NewDice(12), tick: simStart}
	for range n {
		m.servers = append(m.servers, s)
	}
	m.rate = load * float64(n*s.slots) / s.mean.Seconds()
	m.learner = learn.New(learn.Options{Affinity: &m.affinity})
	m.learner.Members(m.endpoints)
	return m
}

// zipf gives n keys shares as Zipf's law has them.
func (m *sim) zipf(n int, exponent float64) {
	sum := 0.0
	for i := range n {
		sum += math.Pow(float64(i+1), -exponent)
		m.keys = append(m.keys, sum)
	}
}

func (m *sim) key() uint64 {
	if len(m.keys) == 0 {
		return 0
	}
	at := m.jobs.Float64() * m.keys[len(m.keys)-1]
	return balance.Mix(uint64(sort.SearchFloat64s(m.keys, at)) + 1)
}

// run goes from one moment to another, both counted from the start.
func (m *sim) run(from, to time.Duration) simResult {
	s := set(m.endpoints)
	s.Affinity = &m.affinity
	picker := Builders()[m.policy](s, balance.Options{})
	m.result = simResult{picked: make([]int, len(m.endpoints))}
	now, end := simStart.Add(from), simStart.Add(to)
	for {
		now = now.Add(time.Duration(m.exponential() * 1e9 / m.rate))
		if now >= end {
			return m.result
		}
		m.until(now)
		info := balance.PickInfo{Now: now, Dice: &m.dice, Key: m.key(), HasKey: len(m.keys) > 0, Idempotent: true}
		e, err := picker.Pick(info)
		if err != nil {
			panic(err) // a simulation always has endpoints
		}
		m.begin(now, int(e.ID-1), info)
	}
}

// until lets everything happen that comes before now.
func (m *sim) until(now stats.Instant) {
	for len(m.pending) > 0 && m.pending[0].at <= now || m.tick <= now {
		if len(m.pending) > 0 && m.pending[0].at <= m.tick {
			m.finish(heap.Pop(&m.pending).(attempt))
			continue
		}
		for i := range m.records {
			m.learner.Observe(&m.records[i])
		}
		m.records = m.records[:0]
		m.learner.Tick(m.tick)
		m.tick = m.tick.Add(learnEvery)
	}
}

func (m *sim) begin(now stats.Instant, i int, info balance.PickInfo) {
	if m.result.picked[i]++; m.each != nil {
		m.each(now.Sub(simStart), i)
	}
	a := attempt{endpoint: i, begun: now, inflight: m.endpoints[i].Live.Begin(), at: now.Add(time.Millisecond), key: info.Key, keyed: info.HasKey}
	s := &m.servers[i]
	size, fate := m.exponential(), m.jobs.Float64()
	if s.heavy {
		size = 0.526
		if fate > 0.95 {
			size = 10
		}
		fate = m.jobs.Float64()
	}
	if a.failed = fate < s.fails; !a.failed {
		if s.free == nil {
			s.free = make([]stats.Instant, s.slots)
		}
		slot := 0
		for j := range s.free {
			if s.free[j] < s.free[slot] {
				slot = j
			}
		}
		a.at = max(now, s.free[slot]).Add(s.work(size, info.Key))
		s.free[slot] = a.at
	}
	heap.Push(&m.pending, a)
}

func (m *sim) finish(a attempt) {
	e := m.endpoints[a.endpoint]
	e.Live.End()
	o := lb.Observation{End: a.at, Latency: a.at.Sub(a.begun), Inflight: a.inflight, Attempt: 1}
	if a.failed {
		o.Outcome = lb.Status5xx
		m.result.failed++
	} else {
		m.result.latencies = append(m.result.latencies, o.Latency)
	}
	e.Live.Observe(o)
	m.records = append(m.records, recordOf(e, o, a.key, a.keyed))
}

// recordOf is an observation as the learner gets it.
func recordOf(e *lb.Endpoint, o lb.Observation, key uint64, keyed bool) lb.Record {
	r := lb.Record{
		Sent: o.End.Add(-o.Latency), Took: o.Latency, Latency: o.Latency, Key: key, Endpoint: e.ID,
		Inflight: uint16(o.Inflight), Outcome: o.Outcome, Attempt: 1, Flags: o.Flags,
	}
	if keyed {
		r.Flags |= lb.Keyed
	}
	return r
}

func (m *sim) exponential() float64 { return -math.Log(1 - m.jobs.Float64()) }

// attempt is one that is under way in a simulation.
type attempt struct {
	at, begun stats.Instant
	endpoint  int
	inflight  int
	failed    bool
	key       uint64
	keyed     bool
}

// pending orders attempts by when they end.
type pending []attempt

func (p pending) Len() int           { return len(p) }
func (p pending) Less(i, j int) bool { return p[i].at < p[j].at }
func (p pending) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *pending) Push(x any)        { *p = append(*p, x.(attempt)) }
func (p *pending) Pop() any {
	last := len(*p) - 1
	a := (*p)[last]
	*p = (*p)[:last]
	return a
}
