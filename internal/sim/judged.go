package sim

import (
	"time"

	"poise/internal/decide"
	"poise/internal/decide/recording"
	"poise/internal/guard/journal"
	"poise/internal/lb"
	"poise/internal/stats"
)

// stepEvery is how often what is under way is supervised, as online.
const stepEvery = time.Second

// engine drives the judge that also serves, in virtual time: the same state
// machine gets the same views at the same intervals.
type engine struct {
	judge   *decide.Judge
	cluster string
	pinned  stats.Instant // until when the operator keeps the policy; 0: never
	stepAt  stats.Instant
	judgeAt stats.Instant
	every   time.Duration
	notes   []string
	foreign decide.Foreign
	writer  *recording.Writer      // nil: nothing is recorded
	watch   func(*decide.Decision) // may be nil
}

func newEngine(o decide.Options, now stats.Instant) *engine {
	o = o.WithDefaults()
	return &engine{judge: decide.New(o), every: o.Evaluate, stepAt: now.Add(stepEvery), judgeAt: now.Add(o.Evaluate)}
}

func (e *engine) observe(records []lb.Record) {
	if e.writer != nil {
		e.writer.Records(records)
	}
	e.judge.Observe(records)
}

// note keeps what the guard did, for the journal.
func (e *engine) note(a *journal.Action) {
	const most = 16
	if len(e.notes) < most && (a.Kind == journal.Eject || a.Kind == journal.Readmit || a.Kind == journal.PanicOn) {
		e.notes = append(e.notes, a.Endpoint+" "+a.Text())
	}
}

func (e *engine) tick(m *mind, now stats.Instant) {
	if now < e.stepAt {
		return
	}
	e.stepAt = e.stepAt.Add(stepEvery)
	if e.pinned != 0 && now >= e.pinned {
		e.pinned = 0
		e.judge.Operator(m.b.policy, false)
		if e.writer != nil {
			e.writer.Operator(m.b.policy, false)
		}
	}
	view := e.view(m, now)
	if e.writer != nil {
		e.writer.Stepped(view)
	}
	step := e.judge.Step(view)
	view.Notes, e.notes = nil, e.notes[:0] // it has them
	for i := range step.Entries {
		e.tell(m, &step.Entries[i])
	}
	for i := range step.Outcomes {
		o := &step.Outcomes[i]
		m.decisions = append(m.decisions, Told{At: now.Sub(start), Action: "outcome", Text: o.Text})
	}
	if step.Changed {
		e.do(m, step.Action, now)
	}
	if now < e.judgeAt {
		return
	}
	e.judgeAt = e.judgeAt.Add(e.every)
	view.Policy, view.Foreign = m.b.policy, e.foreign.Look(view.Endpoints)
	var before recording.Snapshot
	if e.writer != nil {
		before = recording.Take(view)
	}
	d := e.judge.Evaluate(view)
	if e.writer != nil {
		e.writer.Evaluated(before, d)
	}
	e.tell(m, &d)
	if d.Changed {
		e.do(m, d.Do, now)
	}
}

func (e *engine) tell(m *mind, d *decide.Decision) {
	if e.watch != nil {
		e.watch(d)
	}
	t := Told{At: d.At.Sub(start), Action: d.Action, Gate: d.Gate, Text: d.Text}
	for _, c := range d.Conditions {
		t.Conditions = append(t.Conditions, c.Name)
	}
	m.decisions = append(m.decisions, t)
}

// do runs a policy on a share of the requests.
func (e *engine) do(m *mind, a decide.Action, now stats.Instant) {
	if a.Floor > 0 {
		for _, x := range m.b.endpoints {
			x.Live.Floor(now, a.Floor)
		}
	}
	m.run(a.Policy, a.Share, now)
}

func (e *engine) view(m *mind, now stats.Instant) *decide.View {
	v := &decide.View{
		Now: now, Cluster: e.cluster, Policy: m.b.policy, Pinned: e.pinned != 0, Pending: m.pending,
		Cursor: m.b.cursor.At(), Learner: m.learner, Affinity: m.affinity, Notes: e.notes,
	}
	for _, x := range m.b.endpoints {
		w := decide.EndpointView{Endpoint: x, Eligible: true}
		if m.b.guard != nil && m.b.guard.Ejected(x) {
			w.Eligible, w.Why = false, "ejected"
		}
		v.Endpoints = append(v.Endpoints, w)
	}
	return v
}
