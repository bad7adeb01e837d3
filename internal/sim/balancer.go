package sim

import (
	"fmt"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/guard"
	"poise/internal/guard/retry"
	"poise/internal/lb"
	"poise/internal/scenario"
	"poise/internal/stats"
)

// balancer is one proxy as far as choosing goes: the real pickers over real
// live counters, and the real guard.
type balancer struct {
	index     int32
	endpoints []*lb.Endpoint // by number; their ID is one more
	guard     *guard.Guard   // nil when there is none
	budget    *retry.Budget
	cursor    balance.Cursor
	dice      stats.Dice
	policy    string
	picker    balance.Picker
	mind      *mind // nil when the policy needs none
}

// place is where an attempt is.
type place uint8

const (
	travelling place = iota // on its way
	queued
	working
	gone // the endpoint has done with it
)

// attempt is one try at one endpoint. The endpoint and the balancer may have
// done with it at different times; it is used again after both have.
type attempt struct {
	job      *scenario.Job
	request  *request // nil for one from elsewhere
	endpoint int32
	number   int
	sent     stats.Instant
	inflight int
	flags    lb.Flags
	open     bool // the balancer waits for it
	hung     bool // there will be no answer
	place    place
	outcome  lb.Outcome
	here     int           // requests at the endpoint when it answered, this one among them
	end      stats.Instant // of the work in a slot
	work     float64       // the endpoint's common progress at which it is done
	version  uint32
}

// request is one request under way, with its attempts one after another.
type request struct {
	job     *scenario.Job
	number  int // of the job
	lives   uint32
	at      *balancer
	current *attempt
	tried   [8]*lb.Endpoint
	retries int
	ticket  guard.Ticket
}

// deadline is when a request that is still the same has had its time.
type deadline struct {
	at    stats.Instant
	of    *request
	lives uint32
}

var builders = catalog.Builders()

func (r *run) newBalancer(i int) *balancer {
	b := &balancer{index: int32(i), dice: stats.NewDice(scenario.Mix(r.seed ^ uint64(i+1)<<20)), budget: retry.NewBudget(0.2)}
	var members []guard.Member
	for n := range r.s.Endpoints {
		e := &lb.Endpoint{
			ID: uint32(n + 1), Cluster: "sim", Address: fmt.Sprintf("%s[%d]", r.s.Endpoints[n].Group, r.s.Endpoints[n].Index),
			Weight: r.s.Endpoints[n].Weight, Hash: scenario.Mix(uint64(n + 1)), Live: &lb.Live{}, Stats: &lb.Stats{},
		}
		guard.Attach(e)
		b.endpoints = append(b.endpoints, e)
		members = append(members, guard.Member{Endpoint: e, Usable: true})
	}
	if r.s.Guard {
		b.guard = guard.New(guard.Defaults(), b.budget)
		b.guard.Watch(members, r.now)
	}
	return b
}

// use makes policy what the balancer picks by, over the endpoints that are
// not ejected.
func (b *balancer) use(policy string) {
	b.policy = policy
	b.picker = builders[policy](b.set(), balance.Options{})
}

func (b *balancer) set() balance.Set {
	s := balance.Set{Members: b.endpoints, Cursor: &b.cursor}
	if b.mind != nil {
		s.Affinity = b.mind.affinity
	}
	for _, e := range b.endpoints {
		if b.guard == nil || !b.guard.Ejected(e) {
			s.Eligible = append(s.Eligible, e)
		}
	}
	return s
}

// arrive takes a request in.
func (r *run) arrive(number int) {
	j := &r.jobs[number]
	if j.Balancer == scenario.Elsewhere {
		a := r.attempt(j)
		a.endpoint = j.Endpoint
		r.reach(a)
		return
	}
	q := r.request()
	q.job, q.number, q.at, q.retries = j, number, r.balancers[j.Balancer], 0
	if q.at.guard != nil {
		q.at.guard.Request()
	} else {
		q.at.budget.Request()
	}
	r.deadlines = append(r.deadlines, deadline{r.now.Add(r.s.Timeout), q, q.lives})
	r.send(q)
}

// send makes an attempt.
func (r *run) send(q *request) {
	b := q.at
	picked, flags, err := r.pick(q)
	if err != nil {
		r.end(q, true)
		return
	}
	if q.retries > 0 {
		flags |= lb.Retry
	}
	if q.job.Keyed {
		flags |= lb.Keyed
	}
	a := r.attempt(q.job)
	a.request, a.endpoint, a.number, a.sent, a.flags, a.open = q, int32(picked.ID-1), q.retries, r.now, flags, true
	a.inflight = picked.Live.Begin()
	q.current = a
	if b.guard != nil {
		b.guard.Open(&q.ticket, picked, guard.Entry{Now: r.now, Flags: flags, Replayable: true})
	}
	if half := r.endpoints[a.endpoint].set.Network / 2; half > 0 {
		r.calendar.add(event{at: r.now.Add(half), kind: reaches, attempt: a})
		return
	}
	r.reach(a)
}

func (r *run) pick(q *request) (*lb.Endpoint, lb.Flags, error) {
	b := q.at
	info := balance.PickInfo{Now: r.now, Dice: &b.dice, Idempotent: true, Exclude: q.tried[:q.retries]}
	if q.job.Keyed {
		info.Key, info.HasKey = q.job.Hash(), true
	}
	picker, flags := b.picker, lb.Flags(0)
	if b.mind != nil {
		picker, flags = b.mind.picker()
	}
	if b.guard == nil {
		e, err := picker.Pick(info)
		return e, flags, err
	}
	e, more, err := b.guard.Pick(picker, info, guard.Want{Replayable: true, Retry: q.retries > 0})
	return e, flags | more, err
}

// answered takes an answer at the balancer.
func (r *run) answered(a *attempt) {
	if a.open {
		latency := r.now.Sub(a.sent)
		if a.outcome == lb.Connect {
			latency = 0
		}
		if r.endpoints[a.endpoint].set.Reports {
			e := a.request.at.endpoints[a.endpoint]
			e.Stats.Reports.Add(a.here, e.Live.Inflight())
		}
		r.close(a, latency, a.outcome, false)
	}
	r.forget(a)
}

// close ends an attempt as a proxy does. A request that is out of time gets
// no retry.
func (r *run) close(a *attempt, latency time.Duration, o lb.Outcome, late bool) {
	q := a.request
	b := q.at
	e := b.endpoints[a.endpoint]
	a.open, q.current = false, nil
	e.Live.End()
	e.Stats.Outcomes[o].Add(1)
	if latency > 0 {
		e.Stats.Latency.Observe(latency)
	}
	e.Live.Observe(lb.Observation{End: r.now, Latency: latency, Inflight: a.inflight, Outcome: o, Attempt: a.number + 1, Flags: a.flags})
	if b.mind != nil {
		b.mind.records = append(b.mind.records, lb.Record{
			Sent: a.sent, Took: r.now.Sub(a.sent), Latency: latency, Key: a.job.Hash(), Endpoint: e.ID, Inflight: uint16(min(a.inflight, 65535)),
			Outcome: o, Attempt: uint8(a.number + 1), Flags: a.flags,
		})
	}
	taken := false
	if b.guard != nil {
		if latency > 0 {
			q.ticket.Answered(r.now)
		}
		taken = b.guard.Close(&q.ticket, guard.End{Now: r.now, Latency: latency, Outcome: o})
	}
	switch {
	case !o.Failed():
		r.end(q, false)
	case late || q.retries >= r.s.Retries || !taken && !b.budget.Spend(r.now):
		r.end(q, true)
	default:
		q.tried[q.retries] = e
		q.retries++
		r.send(q)
	}
}

// giveUp closes an attempt that has no answer. What the endpoint has begun it
// ends; what waits leaves the queue.
func (r *run) giveUp(a *attempt, late bool) {
	if a.place == queued {
		a.place = gone
		r.endpoints[a.endpoint].waiting--
	}
	r.close(a, 0, lb.Timeout, late)
	if a.hung {
		r.forget(a)
	}
}

// end notes what became of a request.
func (r *run) end(q *request, failed bool) {
	took := float32(r.now.Sub(start.Add(q.job.At)).Seconds())
	if failed {
		took = -1
	}
	r.took[q.number] = took
	q.lives++
	q.job, q.at = nil, nil
	r.requests = append(r.requests, q)
}

// request returns one to use.
func (r *run) request() *request {
	if n := len(r.requests); n > 0 {
		q := r.requests[n-1]
		r.requests = r.requests[:n-1]
		return q
	}
	q := &request{}
	q.ticket.Take = func() {
		if a := q.current; a != nil && q.ticket.Taken() {
			r.giveUp(a, false)
		}
	}
	return q
}

func (r *run) attempt(j *scenario.Job) *attempt {
	n := len(r.attempts)
	if n == 0 {
		return &attempt{job: j}
	}
	a := r.attempts[n-1]
	r.attempts = r.attempts[:n-1]
	*a = attempt{job: j, version: a.version}
	return a
}

func (r *run) forget(a *attempt) {
	a.job, a.request = nil, nil
	r.attempts = append(r.attempts, a)
}

// tick is the guard's.
func (r *run) tick(b *balancer) {
	report := b.guard.Tick(r.now)
	for _, t := range report.TakeBack {
		t.Take()
	}
	if report.Changed {
		b.publish()
	}
	r.told, _ = b.guard.Journal().Drain(r.told[:0])
	if b.mind != nil {
		b.mind.guarded(r.told)
	}
	r.calendar.add(event{at: r.now.Add(guard.TickEvery), kind: ticks, of: b.index})
}

func (b *balancer) publish() {
	b.use(b.policy)
	if b.mind != nil {
		b.mind.publish()
	}
}
