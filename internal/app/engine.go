package app

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"sync"
	"time"

	"poise/internal/admin"
	"poise/internal/balance"
	"poise/internal/cluster"
	"poise/internal/config"
	"poise/internal/decide"
	"poise/internal/engine"
	"poise/internal/lb"
	"poise/internal/record"
	"poise/internal/telemetry"
)

// openEngine makes the decision engine with its journal.
func (a *App) openEngine(dir string) error {
	if dir != "" {
		var err error
		if a.decisionLog, err = engine.OpenLog(dir, a.journalFault); err != nil {
			return err
		}
	}
	a.minds = openMinds(dir, time.Now(), a.mindsFault)
	a.journal = engine.NewJournal(a.decisionLog, a.tellDecision)
	a.engine = engine.New(engine.Options{Now: a.now, Wall: time.Now, Log: a.log, Journal: a.journal})
	return nil
}

// journalFault is told when the journal of decisions cannot be kept on disk,
// and when it can again.
func (a *App) journalFault(err error) {
	if err != nil {
		a.faults.set("journal", "journal of decisions: "+err.Error())
		a.log.Error("the journal of decisions", "error", err)
		return
	}
	a.faults.set("journal", "")
	a.log.Info("the journal of decisions is kept on disk again")
}

// tellDecision passes an entry of the journal on to those who listen.
func (a *App) tellDecision(e engine.Entry) {
	if a.api != nil {
		a.api.Publish("decision", admin.Decision{ID: e.ID, Time: e.Time, Decision: e.Decision})
	}
	if e.Outcome != nil {
		a.log.Info("decision", "cluster", e.Cluster, "id", e.ID, "action", e.Action, "outcome", e.Outcome.Text)
		return
	}
	level := slog.LevelInfo
	if e.Action == decide.Hold {
		level = slog.LevelDebug
	}
	a.log.Log(context.Background(), level, "decision", "cluster", e.Cluster, "id", e.ID, "action", e.Action, "text", e.Text)
}

// subjectOf makes a cluster's subject for the engine.
func (a *App) subjectOf(m *managed) *engine.Subject {
	return &engine.Subject{
		Cluster: m.Cluster,
		Terms:   m.terms.Load,
		Drain:   m.attempts.Ring.Drain,
		Pending: func(into []lb.Pending) []lb.Pending {
			if cap(into) == 0 {
				into = make([]lb.Pending, 0, mostPending)
			}
			return m.guard.Pending(into, a.now(), 0)
		},
		Shed: func() uint64 {
			return m.attempts.Shed[record.ShedLimit].Load() + m.attempts.Shed[record.ShedQueue].Load() + m.attempts.Shed[record.ShedTimeout].Load()
		},
		Minds: func(t *engine.Terms, yield func()) engine.Minds { return a.mindsOf(m, t, yield) },
	}
}

// mostPending bounds how many attempts under way the engine looks at.
const mostPending = 4096

// termsOf translates what is configured about the engine at one cluster.
func termsOf(c *config.Config, k *config.Cluster) *engine.Terms {
	e := &c.Engine
	o := decide.Options{
		Mode: modes[e.Mode], Evaluate: e.Evaluate.Std(), Dwell: e.Dwell.Std(), Margin: float64(e.Margin),
		UndoImmediately: e.Undo == "immediate", Candidates: k.Engine.Candidates, FailureCost: k.Engine.FailureCost.Std(),
		Timeout: k.Timeouts.Head.Std(), Balance: balance.Options{FailureCost: k.Engine.FailureCost.Std()}, Rules: rulesOf(c.Rules),
	}
	if e.Judge == "rules" {
		o.Kind = decide.ByRules
	}
	return &engine.Terms{Evaluate: e.Evaluate.Std(), Judge: o}
}

var modes = map[string]decide.Mode{"auto": decide.Auto, "advise": decide.Advise, "freeze": decide.Freeze}

// rulesOf translates the operator's rules; nil, for the shipped ones, where
// there are none.
func rulesOf(rules []config.Rule) (all []decide.Rule) {
	for i := range rules {
		r := decide.Rule{For: rules[i].When.For.Std(), Use: rules[i].Use}
		for _, b := range rules[i].When.Bounds() {
			w := decide.When{Condition: b.Condition, Is: decide.Above, Value: b.Value}
			switch {
			case b.Holds:
				w.Is = decide.Holds
			case b.Below:
				w.Is = decide.Below
			}
			r.When = append(r.When, w)
		}
		all = append(all, r)
	}
	return all
}

// settingsOf is what the file says about the engine, as the cluster has it.
func settingsOf(c *config.Config, k *config.Cluster) cluster.EngineSettings {
	return cluster.EngineSettings{Mode: cluster.Mode(c.Engine.Mode), Start: decide.Start(k.Engine.Candidates), FailureCost: k.Engine.FailureCost.Std()}
}

// tellEngine says which clusters there are now.
func (a *App) tellEngine(all []*managed) {
	var subjects []*engine.Subject
	for _, m := range all {
		subjects = append(subjects, m.subject)
	}
	a.engine.Set(subjects)
}

// Decisions implements admin.Balancer.
func (a *App) Decisions(q admin.DecisionQuery) []admin.Decision {
	all := []admin.Decision{}
	for _, e := range a.journal.Entries(engine.Query{Cluster: q.Cluster, After: q.After, Since: q.Since, Limit: q.Limit}) {
		all = append(all, admin.Decision{ID: e.ID, Time: e.Time, Decision: e.Decision})
	}
	return all
}

// Decision implements admin.Balancer.
func (a *App) Decision(id uint64) (admin.Decision, bool) {
	e, ok := a.journal.Entry(id)
	return admin.Decision{ID: e.ID, Time: e.Time, Decision: e.Decision}, ok
}

// SetEngine implements admin.Balancer.
func (a *App) SetEngine(c *cluster.Cluster, m cluster.Mode) {
	c.SetMode(m)
	if m != cluster.Freeze {
		a.engine.Resume(c.Name())
	}
	a.overrides.touch()
}

// EngineState implements admin.Balancer.
func (a *App) EngineState(name string) admin.EngineState {
	s := a.engine.Status(name)
	v := admin.EngineState{Fault: s.Fault}
	if !s.Judged.IsZero() {
		v.JudgedAt = &s.Judged
	}
	if f := s.Decision.Evidence.Forecasts; f.Known > 0 {
		v.Forecasts = &f
	}
	return v
}

// switches counts the changes of a cluster's policy, for the metrics.
type switches struct {
	mu  sync.Mutex
	all map[telemetry.Switch]uint64
}

func (s *switches) count(e *cluster.Event) {
	if e.What != "policy" || e.From == "" || e.From == e.To {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[telemetry.Switch]uint64{}
	}
	s.all[telemetry.Switch{From: e.From, To: e.To, Reason: e.By}]++
}

func (s *switches) counted() map[telemetry.Switch]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.all)
}

// engineSource is where the metrics of the engine at one cluster are read.
func (a *App) engineSource(m *managed) func() telemetry.Engine {
	return func() telemetry.Engine {
		s := a.engine.Status(m.Name())
		v := telemetry.Engine{Switches: m.switches.counted(), Decisions: map[telemetry.DecisionKind]uint64{}, Predicted: map[string]float64{}}
		for k, n := range s.Decisions {
			v.Decisions[telemetry.DecisionKind{Action: k.Action, Gate: k.Gate}] = n
		}
		for _, c := range s.Decision.Candidates {
			v.Predicted[c.Policy] = c.Loss
		}
		v.Judged = !s.Judged.IsZero()
		e := &s.Decision.Evidence
		v.Measured, v.Headroom = e.Measured, a.headrooms.of(m.Name(), time.Now())
		v.Forecasts, v.Inside = e.Forecasts.Known, e.Forecasts.Inside
		if e.Predicted > 0 {
			v.Error = e.Measured/e.Predicted - 1
		}
		return v
	}
}

// reshapeEngine gives a cluster that stays what the file now says about the
// engine.
func (a *App) reshapeEngine(m *managed, c *config.Config, k *config.Cluster) {
	if next := termsOf(c, k); !reflect.DeepEqual(next, m.terms.Load()) {
		m.terms.Store(next)
	}
	if next := settingsOf(c, k); next != m.settings {
		m.settings = next
		m.ConfigureEngine(next)
	}
}
