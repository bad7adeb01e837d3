package guard

import (
	"container/heap"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/guard/admit"
	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/guard/retry"
	"poise/internal/lb"
	"poise/internal/stats"
)

// sim is a cluster in simulated time: requests arrive at random, endpoints
// have slots and a queue each, and a proxy makes attempts and retries them.
// With guarded false the same proxy runs without any guard but the budget.
type sim struct {
	now       stats.Instant
	seq       int
	events    events
	random    *rand.Rand
	dice      stats.Dice
	guard     *Guard
	guarded   bool
	policy    string
	picker    balance.Picker
	cursor    balance.Cursor
	usual     *flight.Usual
	endpoints []*simEndpoint
	rate      float64 // requests a second
	queueing  bool

	requests  []*request
	attempts  int
	actions   []journal.Action
	mostEject int
}

type event struct {
	at  stats.Instant
	seq int
	run func()
}

type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// fault is how an endpoint treats an attempt, decided when it arrives.
type fault func(s *sim, e *simEndpoint, a *try)

type simEndpoint struct {
	*lb.Endpoint
	fault fault
	times float64 // slower
	busy  int
	queue []*try
	took  int
}

const simSlots = 8

// request is one request with its ticket, as a proxy keeps it.
type request struct {
	at      stats.Instant
	ended   stats.Instant
	failed  bool
	shed    bool
	tried   [8]*lb.Endpoint
	triedN  int
	retries int
	ticket  Ticket
	waiter  admit.Waiter
	current *try
}

// try is one attempt.
type try struct {
	r        *request
	e        *simEndpoint
	began    stats.Instant
	inflight int
	flags    lb.Flags
	over     bool
}

func newSim(seed uint64, policy string, n int, guarded bool, o Options) *sim {
	s := &sim{random: rand.New(rand.NewPCG(seed, 1)), dice: stats.NewDice(seed), guarded: guarded, policy: policy, rate: 240 * float64(n), now: 1}
	s.guard = New(o, retry.NewBudget(0.2))
	s.usual = s.guard.Usuals([]string{"all"})[0]
	for i := range n {
		e := &lb.Endpoint{Address: fmt.Sprintf("10.0.0.%d:80", i+1), Weight: 1, Hash: uint64(i+1) * 0x9e3779b97f4a7c15, Live: &lb.Live{}, Stats: &lb.Stats{}}
		Attach(e)
		s.endpoints = append(s.endpoints, &simEndpoint{Endpoint: e, fault: works, times: 1})
	}
	s.publish()
	s.guard.Watch(s.members(), s.now)
	s.after(0, s.arrive)
	s.after(TickEvery, s.tick)
	return s
}

func (s *sim) members() (all []Member) {
	for _, e := range s.endpoints {
		all = append(all, Member{Endpoint: e.Endpoint, Usable: true})
	}
	return all
}

func (s *sim) publish() {
	var set balance.Set
	set.Cursor = &s.cursor
	for _, e := range s.endpoints {
		set.Members = append(set.Members, e.Endpoint)
		if !s.guard.Ejected(e.Endpoint) {
			set.Eligible = append(set.Eligible, e.Endpoint)
		}
	}
	s.picker = catalog.Builders()[s.policy](set, balance.Options{})
}

func (s *sim) after(d time.Duration, f func()) {
	s.seq++
	heap.Push(&s.events, event{s.now.Add(d), s.seq, f})
}

func (s *sim) run(d time.Duration) {
	end := s.now.Add(d)
	for len(s.events) > 0 && s.events[0].at <= end {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.run()
	}
	s.now = end
}

func (s *sim) exponential(mean time.Duration) time.Duration {
	return time.Duration(-math.Log(1-s.random.Float64()) * float64(mean))
}

func (s *sim) arrive() {
	s.after(s.exponential(time.Duration(1e9/s.rate)), s.arrive)
	r := &request{at: s.now}
	r.ticket.Take = func() {
		if a := r.current; a != nil && r.ticket.Taken() {
			s.after(0, func() { s.finish(a, 0, lb.Timeout) })
		}
	}
	r.waiter.Wake = func(v admit.Verdict) {
		if v == admit.Go {
			s.after(0, func() { s.dispatch(r) })
			return
		}
		s.end(r, true)
		r.shed = true
	}
	s.requests = append(s.requests, r)
	s.guard.Request()
	s.dispatch(r)
}

func (s *sim) tick() {
	s.after(TickEvery, s.tick)
	if !s.guarded {
		return
	}
	report := s.guard.Tick(s.now)
	for _, t := range report.TakeBack {
		t.Take()
	}
	if report.Changed {
		s.publish()
	}
	list, lost := s.guard.Journal().Drain(nil)
	if lost > 0 {
		panic("the journal overflowed between two ticks")
	}
	s.actions = append(s.actions, list...)
	_, ejected, _ := s.guard.count()
	s.mostEject = max(s.mostEject, ejected)
}

func (s *sim) pick(r *request) (*lb.Endpoint, lb.Flags, error) {
	info := balance.PickInfo{Now: s.now, Dice: &s.dice, Exclude: r.tried[:r.triedN]}
	if !s.guarded {
		e, err := s.picker.Pick(info)
		return e, 0, err
	}
	return s.guard.Pick(s.picker, info, Want{Replayable: true, Retry: r.retries > 0})
}

func (s *sim) dispatch(r *request) {
	picked, flags, err := s.pick(r)
	if errors.Is(err, ErrSaturated) && s.queueing {
		r.waiter.Since = r.at
		if s.guard.Queue().Push(&r.waiter, s.now) {
			return
		}
		r.shed = true
	}
	if err != nil {
		r.shed = r.shed || errors.Is(err, ErrSaturated)
		s.end(r, true)
		return
	}
	s.attempts++
	i := slices.IndexFunc(s.endpoints, func(e *simEndpoint) bool { return e.Endpoint == picked })
	a := &try{r: r, e: s.endpoints[i], began: s.now, inflight: picked.Live.Begin(), flags: flags}
	a.e.took++
	r.current = a
	if s.guarded {
		s.guard.Open(&r.ticket, picked, Entry{Now: s.now, Flags: flags, Replayable: r.retries < 1, Usual: s.usual})
	}
	a.e.fault(s, a.e, a)
}

// finish ends an attempt as a proxy does.
func (s *sim) finish(a *try, latency time.Duration, o lb.Outcome) {
	if a.over {
		return
	}
	a.over = true
	e, r := a.e, a.r
	r.current = nil
	e.Live.End()
	e.Stats.Outcomes[o].Add(1)
	if latency > 0 {
		e.Stats.Latency.Observe(latency)
	}
	e.Live.Observe(lb.Observation{End: s.now, Latency: latency, Inflight: a.inflight, Outcome: o, Flags: a.flags})
	taken := false
	if s.guarded {
		if latency > 0 {
			r.ticket.Answered(s.now)
		}
		taken = s.guard.Close(&r.ticket, End{Now: s.now, Latency: latency, Outcome: o})
	}
	if !o.Failed() {
		s.end(r, false)
		return
	}
	if r.retries >= 1 || !taken && !s.guard.Budget().Spend(s.now) {
		s.end(r, true)
		return
	}
	r.retries++
	r.tried[r.triedN] = e.Endpoint
	r.triedN++
	s.dispatch(r)
}

func (s *sim) end(r *request, failed bool) { r.ended, r.failed = s.now, failed }

// The faults.

func works(s *sim, e *simEndpoint, a *try) {
	if e.busy >= simSlots {
		e.queue = append(e.queue, a)
		return
	}
	e.start(s, a)
}

func (e *simEndpoint) start(s *sim, a *try) {
	e.busy++
	s.after(time.Duration(float64(s.exponential(20*time.Millisecond))*e.times), func() {
		e.busy--
		for len(e.queue) > 0 {
			next := e.queue[0]
			e.queue = e.queue[1:]
			if !next.over { // its client has not left
				e.start(s, next)
				break
			}
		}
		s.finish(a, s.now.Sub(a.began), lb.Success)
	})
}

func failsFast(share float64) fault {
	return func(s *sim, e *simEndpoint, a *try) {
		if s.random.Float64() >= share {
			works(s, e, a)
			return
		}
		s.after(time.Millisecond, func() { s.finish(a, time.Millisecond, lb.Status5xx) })
	}
}

func ends(after time.Duration, o lb.Outcome) fault {
	return func(s *sim, _ *simEndpoint, a *try) { s.after(after, func() { s.finish(a, 0, o) }) }
}

var refuses = ends(100*time.Microsecond, lb.Connect)

func hangs(s *sim, _ *simEndpoint, a *try) {
	s.after(30*time.Second, func() { s.finish(a, 0, lb.Timeout) })
}

// outcome is what clients saw from an instant on.
type outcome struct {
	requests, failed, shed, over1s int
	p99                            time.Duration
}

func (o outcome) failedShare() float64 { return float64(o.failed) / float64(max(o.requests, 1)) }

func (s *sim) seen(from, to stats.Instant) (o outcome) {
	var good []time.Duration
	for _, r := range s.requests {
		if r.at < from || r.at >= to {
			continue
		}
		o.requests++
		end := r.ended
		if end == 0 {
			end = s.now
		}
		d := end.Sub(r.at)
		if d > time.Second {
			o.over1s++
		}
		switch {
		case r.shed:
			o.shed++
		case r.failed:
			o.failed++
		case r.ended != 0:
			good = append(good, d)
		}
	}
	slices.Sort(good)
	if len(good) > 0 {
		o.p99 = good[len(good)*99/100]
	}
	return o
}

func (s *sim) did(k journal.Kind, c journal.Cause) (n int) {
	for _, a := range s.actions {
		if a.Kind == k && (c == 0 || a.Cause == c) {
			n++
		}
	}
	return n
}

func (s *sim) dump(t *testing.T) {
	t.Helper()
	for _, a := range s.actions[:min(len(s.actions), 40)] {
		if a.Kind == journal.HoldBack || a.Kind == journal.Serve {
			continue
		}
		t.Logf("%8.3fs %-18s %-10s %-8s %-14s %v %+v", float64(a.At)/1e9, a.Endpoint, a.Kind, a.Cause, a.Gate, a.For, a.Evidence)
	}
}
