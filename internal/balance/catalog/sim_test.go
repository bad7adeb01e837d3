package catalog

import (
	"container/heap"
	"math"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

// server is the truth behind an endpoint in a simulation: slots that work
// first come, first served, with exponential service times.
type server struct {
	mean  time.Duration
	slots int
	fails float64 // share that is refused after 1 ms, without taking a slot

	free []stats.Instant // when each slot is free again
}

// sim runs one picker against servers under Poisson arrivals. Everything in it
// comes from one seed.
type sim struct {
	policy    string
	endpoints []*lb.Endpoint
	servers   []server
	rate      float64 // requests a second
	each      func(now time.Duration, endpoint int)

	dice    stats.Dice
	pending pending
	result  simResult
}

type simResult struct {
	picked  []int
	failed  int
	waited  time.Duration
	answers int
}

// mean is the mean latency of what was answered.
func (r simResult) mean() time.Duration { return r.waited / time.Duration(max(r.answers, 1)) }

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

func newSim(policy string, n int, s server, load float64) *sim {
	m := &sim{policy: policy, endpoints: endpoints(n), dice: stats.NewDice(11)}
	for range n {
		m.servers = append(m.servers, s)
	}
	m.rate = load * float64(n*s.slots) / s.mean.Seconds()
	return m
}

// run goes from one moment to another, both counted from the start.
func (m *sim) run(from, to time.Duration) simResult {
	picker := Builders()[m.policy](set(m.endpoints), balance.Options{})
	m.result = simResult{picked: make([]int, len(m.endpoints))}
	now, end := simStart.Add(from), simStart.Add(to)
	for {
		now = now.Add(time.Duration(m.exponential(1e9 / m.rate)))
		if now >= end {
			return m.result
		}
		for len(m.pending) > 0 && m.pending[0].at <= now {
			m.finish(heap.Pop(&m.pending).(attempt))
		}
		e, err := picker.Pick(balance.PickInfo{Now: now, Dice: &m.dice})
		if err != nil {
			panic(err) // a simulation always has endpoints
		}
		for i := range m.endpoints {
			if m.endpoints[i] == e {
				m.begin(now, i)
			}
		}
	}
}

func (m *sim) begin(now stats.Instant, i int) {
	if m.result.picked[i]++; m.each != nil {
		m.each(now.Sub(simStart), i)
	}
	a := attempt{endpoint: i, begun: now, inflight: m.endpoints[i].Live.Begin(), at: now.Add(time.Millisecond)}
	s := &m.servers[i]
	if a.failed = m.dice.Float64() < s.fails; !a.failed {
		if s.free == nil {
			s.free = make([]stats.Instant, s.slots)
		}
		slot := 0
		for j := range s.free {
			if s.free[j] < s.free[slot] {
				slot = j
			}
		}
		a.at = max(now, s.free[slot]).Add(time.Duration(m.exponential(float64(s.mean))))
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
		m.result.waited += o.Latency
		m.result.answers++
	}
	e.Live.Observe(o)
}

func (m *sim) exponential(mean float64) float64 { return -mean * math.Log(1-m.dice.Float64()) }

// attempt is one that is under way in a simulation.
type attempt struct {
	at, begun stats.Instant
	endpoint  int
	inflight  int
	failed    bool
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
