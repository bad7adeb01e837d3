// Package twintest is a small world to try the twin and the judge on: servers
// whose truth is known, requests that are the same under every policy, and the
// loop that the engine runs around a judge. It is for tests; the simulator
// that people use is package sim.
package twintest

import (
	"fmt"
	"math"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/lb"
	"poise/internal/learn"
	"poise/internal/stats"
)

// Begin is when worlds begin: any time but 0, which means never.
const Begin = stats.Instant(time.Hour)

// Server is the truth behind an endpoint.
type Server struct {
	Slots   int
	Mean    time.Duration
	Heavy   bool // 95 % short, 5 % twenty times as long
	Steady  bool // all the same
	Sharing bool // works on everything at once
	Far     time.Duration
	Fails   float64 // share that fails after 1 ms
	Cache   int     // keys; 0: keys do not matter
	Hit     float64 // times Mean for a key in the cache
	Miss    float64 // and for any other
	Hangs   bool

	free  []stats.Instant
	cache lru
	share sharing
}

// World is a cluster under load.
type World struct {
	Servers  []*Server
	Rate     float64 // requests a second
	Batch    float64 // mean size of a batch; 0: one at a time
	Keys     int
	Skew     float64 // of Zipf's law
	Timeout  time.Duration
	Policy   string // the incumbent
	Trial    string // the challenger
	Share    float64
	Without  int // so many servers, the last ones, are left out
	OnRecord func(*lb.Record)

	Now       stats.Instant
	Endpoints []*lb.Endpoint
	Learner   *learn.Learner
	Affinity  *lb.Affinity
	Cursor    *balance.Cursor
	Records   []lb.Record // since the last Drain

	arrivals, dice, luck stats.Dice
	picker, other        balance.Picker
	built, builtOther    string
	left                 int // as built
	calendar             calendar
	open                 []attempt
	vacant               []int32
	zipf                 []float64
	batch                int
	next                 stats.Instant
	jobs                 uint64
	losses               []float64
}

type attempt struct {
	record lb.Record
	server int
}

// New returns a world of these servers.
func New(seed uint64, servers ...*Server) *World {
	w := &World{
		Servers: servers, Now: Begin, Affinity: &lb.Affinity{}, Cursor: &balance.Cursor{}, Timeout: 2 * time.Second,
		arrivals: stats.NewDice(seed), dice: stats.NewDice(seed + 1e9), luck: stats.NewDice(seed + 2e9),
	}
	w.jobs = seed << 40
	w.Learner = learn.New(learn.Options{Affinity: w.Affinity})
	for i := range servers {
		address := fmt.Sprintf("127.0.0.1:%d", 9001+i)
		w.Endpoints = append(w.Endpoints, &lb.Endpoint{
			ID: uint32(i + 1), Address: address, Weight: 1, Hash: balance.Mix(uint64(i) + 77), Live: &lb.Live{}, Stats: &lb.Stats{},
		})
	}
	w.Learner.Members(w.Endpoints)
	return w
}

// Fleet returns n servers alike.
func Fleet(n int, s Server) []*Server {
	out := make([]*Server, n)
	for i := range out {
		c := s
		out[i] = &c
	}
	return out
}

// Run goes on for a while.
func (w *World) Run(d time.Duration) {
	end := w.Now.Add(d)
	if w.next == 0 {
		w.next = w.Now
		w.arrive()
	}
	w.build()
	tick := w.Now.Add(100 * time.Millisecond)
	for {
		at := min(w.next, tick)
		for len(w.calendar) > 0 && w.calendar[0].at <= min(at, end) {
			w.Now = w.calendar[0].at
			w.happen(w.calendar.pop())
		}
		if at > end {
			w.Now = end
			return
		}
		w.Now = at
		if tick <= w.next {
			w.Learner.Tick(w.Now)
			tick = tick.Add(100 * time.Millisecond)
			continue
		}
		w.send()
		w.arrive()
	}
}

// arrive draws when the next request comes.
func (w *World) arrive() {
	if w.batch > 0 {
		w.batch--
		return
	}
	size := max(w.Batch, 1)
	w.next = w.next.Add(time.Duration(-math.Log(1-w.arrivals.Float64()) * size / w.Rate * 1e9))
	if w.Batch > 1 {
		w.batch = int(math.Log(1-w.arrivals.Float64()) / math.Log(1-1/w.Batch))
	}
}

func (w *World) build() {
	if w.left != w.Without {
		w.left, w.built, w.builtOther = w.Without, "", ""
	}
	set := balance.Set{Members: w.Endpoints, Eligible: w.Endpoints[:len(w.Endpoints)-w.left], Cursor: w.Cursor, Affinity: w.Affinity}
	if w.built != w.Policy {
		w.built, w.picker = w.Policy, catalog.Builders()[w.Policy](set, balance.Options{})
	}
	if w.builtOther != w.Trial && w.Trial != "" {
		w.builtOther, w.other = w.Trial, catalog.Builders()[w.Trial](set, balance.Options{})
	}
}

// send sends one request. What it is depends on its number alone.
func (w *World) send() {
	w.build()
	w.jobs++
	size := stats.NewDice(balance.Mix(w.jobs))
	work, fate, keyAt := size.Float64(), size.Float64(), size.Float64()
	info := balance.PickInfo{Now: w.Now, Dice: &w.dice, Idempotent: true}
	if w.Keys > 0 {
		info.Key, info.HasKey = balance.Mix(uint64(w.key(keyAt))+1), true
	}
	r := lb.Record{Sent: w.Now, Key: info.Key, Attempt: 1}
	if info.HasKey {
		r.Flags |= lb.Keyed
	}
	p := w.picker
	if w.Trial != "" && w.luck.Float64() < w.Share {
		p = w.other
		r.Flags |= lb.Canary
	}
	e, err := p.Pick(info)
	if err != nil {
		panic(err) // a world always has endpoints
	}
	i := int(e.ID) - 1
	s := w.Servers[i]
	r.Endpoint, r.Inflight = e.ID, uint16(e.Live.Begin())
	id := w.attempt(attempt{r, i})
	switch {
	case fate < s.Fails:
		w.open[id].record.Outcome = lb.Status5xx
		w.calendar.push(happening{at: w.Now.Add(time.Millisecond), job: id})
	case s.Hangs:
		w.open[id].record.Outcome = lb.Timeout
		w.calendar.push(happening{at: w.Now.Add(w.Timeout), job: id})
	case s.Sharing:
		s.share.begin(w.Now, id, s.service(work, r.Key), float64(s.Slots))
		w.calendar.push(happening{at: s.share.next(float64(s.Slots)), job: ^int32(i), version: s.share.version})
	default:
		w.enqueue(id, s, s.service(work, r.Key))
	}
}

func (w *World) enqueue(id int32, s *Server, service float64) {
	if s.free == nil {
		s.free = make([]stats.Instant, s.Slots)
	}
	slot := 0
	for j := range s.free {
		if s.free[j] < s.free[slot] {
			slot = j
		}
	}
	begin := max(w.Now, s.free[slot])
	end := begin.Add(time.Duration(service * 1e9))
	if end.Add(s.Far).Sub(w.Now) > w.Timeout {
		w.open[id].record.Outcome = lb.Timeout
		if begin.Sub(w.Now) < w.Timeout {
			s.free[slot] = end
		}
		w.calendar.push(happening{at: w.Now.Add(w.Timeout), job: id})
		return
	}
	s.free[slot] = end
	w.calendar.push(happening{at: end.Add(s.Far), job: id})
}

// service is how long the server works on a request, in seconds.
func (s *Server) service(u float64, key uint64) float64 {
	v := -math.Log(1 - u)
	switch {
	case s.Steady:
		v = 1
	case s.Heavy:
		v = 1 / (0.95 + 0.05*20)
		if u < 0.05 {
			v *= 20
		}
	}
	if s.Cache > 0 {
		if s.cache.touch(key, s.Cache) {
			v *= s.Hit
		} else {
			v *= s.Miss
		}
	}
	return v * s.Mean.Seconds()
}

func (w *World) attempt(a attempt) int32 {
	if n := len(w.vacant); n > 0 {
		id := w.vacant[n-1]
		w.vacant = w.vacant[:n-1]
		w.open[id] = a
		return id
	}
	w.open = append(w.open, a)
	return int32(len(w.open) - 1)
}

func (w *World) happen(h happening) {
	if h.job >= 0 {
		w.finish(h.job)
		return
	}
	s := w.Servers[^h.job]
	if s.share.version != h.version {
		return
	}
	id := s.share.end(w.Now, float64(s.Slots))
	w.calendar.push(happening{at: w.Now.Add(s.Far), job: id})
	if len(s.share.open) > 0 {
		w.calendar.push(happening{at: s.share.next(float64(s.Slots)), job: h.job, version: s.share.version})
	}
}

func (w *World) finish(id int32) {
	a := &w.open[id]
	r := &a.record
	w.vacant = append(w.vacant, id)
	e := w.Endpoints[a.server]
	r.Took = w.Now.Sub(r.Sent)
	if r.Took > w.Timeout {
		r.Outcome = lb.Timeout
	}
	if !r.Outcome.Failed() {
		r.Latency = r.Took
	}
	e.Live.End()
	e.Live.Observe(lb.Observation{End: w.Now, Latency: r.Latency, Inflight: int(r.Inflight), Outcome: r.Outcome, Attempt: 1, Flags: r.Flags})
	w.Learner.Observe(r)
	w.Records = append(w.Records, *r)
	if w.OnRecord != nil {
		w.OnRecord(r)
	}
	if r.Outcome.Failed() {
		w.losses = append(w.losses, 2)
	} else {
		w.losses = append(w.losses, r.Latency.Seconds())
	}
}

// Drain returns the records since the last call.
func (w *World) Drain() []lb.Record {
	out := w.Records
	w.Records = nil
	return out
}

// Losses returns what each request since the last call lost, in seconds.
func (w *World) Losses() []float64 {
	out := w.losses
	w.losses = nil
	return out
}

// Pending returns what is under way.
func (w *World) Pending() (out []lb.Pending) {
	vacant := map[int32]bool{}
	for _, id := range w.vacant {
		vacant[id] = true
	}
	for id := range w.open {
		if a := &w.open[id]; !vacant[int32(id)] {
			out = append(out, lb.Pending{Endpoint: a.record.Endpoint, Age: w.Now.Sub(a.record.Sent)})
		}
	}
	return out
}

// key draws a key by Zipf's law.
func (w *World) key(u float64) int {
	if len(w.zipf) != w.Keys {
		w.zipf = make([]float64, w.Keys)
		total := 0.0
		for i := range w.zipf {
			total += math.Pow(float64(i+1), -w.Skew)
			w.zipf[i] = total
		}
		for i := range w.zipf {
			w.zipf[i] /= total
		}
	}
	low, high := 0, w.Keys-1
	for low < high {
		if m := (low + high) / 2; w.zipf[m] < u {
			low = m + 1
		} else {
			high = m
		}
	}
	return low
}
