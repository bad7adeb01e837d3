package sim

import (
	"time"

	"poise/internal/balance"
	"poise/internal/guard/journal"
	"poise/internal/lb"
	"poise/internal/learn"
	"poise/internal/scenario"
	"poise/internal/stats"
)

// drainEvery is how often what was recorded is learnt from, as online.
const drainEvery = 100 * time.Millisecond

// mostPending bounds the attempts under way that are looked at.
const mostPending = 512

// mind is what stands above the picker of one balancer: it sees what was
// recorded, learns, and may judge.
type mind struct {
	b        *balancer
	dice     stats.Dice // of its own, so that trying a policy does not disturb the picks
	affinity *lb.Affinity
	learner  *learn.Learner
	records  []lb.Record
	pending  []lb.Pending
	judge    judge // nil: it only learns

	challenger string // the policy that is tried on a share of the requests
	trial      balance.Picker
	share      float64

	switches  []Switch
	decisions []Told
}

// judge decides by which policy a balancer picks.
type judge interface {
	observe(records []lb.Record)
	// tick is called after every drain.
	tick(m *mind, now stats.Instant)
}

func (r *run) giveMind(b *balancer, j judge) {
	m := &mind{b: b, judge: j, dice: stats.NewDice(scenario.Mix(r.seed ^ uint64(b.index+1)<<32)), affinity: &lb.Affinity{}}
	m.learner = learn.New(learn.Options{Affinity: m.affinity})
	m.learner.Members(b.endpoints)
	m.pending = make([]lb.Pending, 0, mostPending)
	b.mind = m
	r.calendar.add(event{at: r.now.Add(drainEvery), kind: drains, of: b.index})
}

// picker returns what an attempt is picked by.
func (m *mind) picker() (balance.Picker, lb.Flags) {
	if m.trial != nil && m.dice.Float64() < m.share {
		return m.trial, lb.Canary
	}
	return m.b.picker, 0
}

// drain learns and judges.
func (r *run) drain(b *balancer) {
	m := b.mind
	for i := range m.records {
		m.learner.Observe(&m.records[i])
	}
	if m.judge != nil {
		m.judge.observe(m.records)
	}
	m.records = m.records[:0]
	if b.guard != nil {
		m.pending = b.guard.Pending(m.pending[:0], r.now, 0)
		m.learner.Waiting(m.pending)
	}
	m.learner.Tick(r.now)
	if m.judge != nil {
		m.judge.tick(m, r.now)
	}
	r.calendar.add(event{at: r.now.Add(drainEvery), kind: drains, of: b.index})
}

// publish builds the pickers over the endpoints that may be picked now.
func (m *mind) publish() {
	m.trial = nil
	if m.share > 0 {
		m.trial = builders[m.challenger](m.b.set(), balance.Options{})
	}
}

// run makes policy what a share of the requests is picked by; of all of them
// with 1.
func (m *mind) run(policy string, share float64, now stats.Instant) {
	m.challenger, m.share = policy, share
	if share >= 1 {
		m.share = 0
		if policy != m.b.policy {
			m.switches = append(m.switches, Switch{At: now.Sub(start), From: m.b.policy, To: policy})
			m.b.use(policy)
		}
	}
	m.publish()
}

// guarded hears what the guard did.
func (m *mind) guarded(actions []journal.Action) {
	e, ok := m.judge.(*engine)
	if !ok {
		return
	}
	for i := range actions {
		e.note(&actions[i])
	}
}
