package engine

import (
	"context"
	"time"

	"poise/internal/cluster"
	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/stats"
)

// work does what time calls for at one cluster.
func (e *Engine) work(s *subject) {
	e.maybeResume(s)
	e.listen(s)
	if s.minds.Judge == nil {
		return
	}
	now := e.options.Now()
	if e.reconfigure(s, now); s.minds.Judge == nil {
		return
	}
	if now >= s.stepAt {
		s.stepAt = now.Add(min(stepEvery, s.terms.Evaluate/stepsBetween))
		e.step(s, now)
	}
	if now >= s.saveAt && e.budget.mayJudge(0) {
		s.saveAt = now.Add(saveEvery)
		e.save(s)
	}
}

// judgeDue judges where it is time to, as far as there is CPU time for it. Who
// has waited longest comes first, or with too many clusters the last ones
// would never be judged.
func (e *Engine) judgeDue(ctx context.Context) {
	for ctx.Err() == nil {
		now := e.options.Now()
		s := e.mostOverdue(now)
		if s == nil {
			e.behind = false
			return
		}
		e.budget.settle(time.Now(), threadTime())
		if !e.budget.mayJudge(s.took) {
			e.postpone(s)
			return
		}
		before := e.budget.used
		s.judgeAt = now.Add(s.terms.Evaluate)
		e.judge(s, now)
		e.budget.settle(time.Now(), threadTime())
		s.took = e.budget.used - before
	}
}

// mostOverdue returns the cluster whose judgement has been due for longest,
// nil if none is due.
func (e *Engine) mostOverdue(now stats.Instant) (most *subject) {
	for _, s := range e.all() {
		if s.minds.Judge != nil && now >= s.judgeAt && (most == nil || s.judgeAt < most.judgeAt) {
			most = s
		}
	}
	return most
}

// reconfigure takes over what the file says now. What is known stays.
func (e *Engine) reconfigure(s *subject, now stats.Instant) {
	terms := s.Terms()
	if terms == s.terms {
		return
	}
	s.judgeAt = min(s.judgeAt, now.Add(terms.Evaluate))
	s.terms = terms
	options := terms.Judge
	options.Yield = e.yield
	if failure, stack := try(func() { s.minds.Judge.Configure(options) }); failure != "" {
		e.judgeFailed(s, failure, stack)
	}
}

// postpone says once that judgements come later than they should.
func (e *Engine) postpone(s *subject) {
	if e.behind {
		return
	}
	e.behind = true
	e.mu.Lock()
	e.cost.Postponed++
	e.mu.Unlock()
	e.options.Log.Warn("the engine judges less often: its work has reached 1 % of a core", "cluster", s.Cluster.Name(), "behind", e.options.Now().Sub(s.judgeAt))
}

func (e *Engine) step(s *subject, now stats.Instant) {
	v := s.view(now)
	v.Lost, s.lostStep = s.lostStep, 0
	shed := s.Shed()
	v.Shed, s.shedStep = shed-s.shedStep, shed
	var step decide.Step
	failure, stack := try(func() {
		s.minds.Judge.SetMode(modeOf(s.Cluster.Snapshot()))
		step = s.minds.Judge.Step(v)
	})
	if failure != "" {
		e.judgeFailed(s, failure, stack)
		return
	}
	if step.Changed {
		e.do(s, &step.Action)
	}
	for i := range step.Entries {
		e.enter(s, &step.Entries[i])
	}
	for _, o := range step.Outcomes {
		if id, ok := s.idOf(o.At); ok {
			e.options.Journal.Conclude(id, o.Outcome)
		}
	}
}

func (e *Engine) judge(s *subject, now stats.Instant) {
	v := s.view(now)
	s.theirs = s.foreign.Look(v.Endpoints)
	v.Foreign = s.theirs
	v.Lost, s.lost = s.lost, 0
	shed := s.Shed()
	v.Shed, s.shed = shed-s.shed, shed
	v.Notes = e.takeNotes(s.Cluster.Name())
	var d decide.Decision
	failure, stack, held := e.think(s, func() {
		s.minds.Judge.SetMode(modeOf(s.Cluster.Snapshot()))
		d = s.minds.Judge.Evaluate(v)
	})
	if failure != "" {
		e.judgeFailed(s, failure, stack)
	} else {
		if d.Changed {
			e.do(s, &d.Do)
		}
		e.enter(s, &d)
	}
	e.learn(s, held)
}

// think does something long with the minds of a subject. Records that come
// meanwhile are held back, and returned.
func (e *Engine) think(s *subject, f func()) (failure string, stack []byte, held []lb.Record) {
	e.thinking = s
	failure, stack = try(f)
	e.thinking = nil
	held = s.held
	s.held = s.held[:0]
	return failure, stack, held
}

// do does what was decided, where the engine may: an operator's word that came
// meanwhile goes before it.
func (e *Engine) do(s *subject, a *decide.Action) {
	snapshot := s.Cluster.Snapshot()
	if snapshot.Engine.Mode != cluster.Auto || !snapshot.Adaptive {
		return
	}
	if a.Floor > 0 {
		e.floor(snapshot.Members, a.Floor)
	}
	s.Cluster.Choose(a.Policy, a.Share, a.Why)
}

func (e *Engine) enter(s *subject, d *decide.Decision) {
	d.Cluster = s.Cluster.Name()
	entry := e.options.Journal.Add(*d, e.options.Wall())
	s.await(d.At, entry.ID)
	e.mu.Lock()
	defer e.mu.Unlock()
	status := e.status[d.Cluster]
	if status.Decisions == nil {
		status.Decisions = map[Counted]uint64{}
	}
	status.Decisions[Counted{d.Action, d.Gate}]++
	status.Judged, status.Next, status.Fault = entry.Time, s.terms.Evaluate, s.broken
	if len(d.Candidates) > 0 || status.Decision.Cluster == "" {
		status.Decision = *d
	}
	e.status[d.Cluster] = status
}

func modeOf(s *cluster.Snapshot) decide.Mode {
	switch s.Engine.Mode {
	case cluster.Advise:
		return decide.Advise
	case cluster.Freeze:
		return decide.Freeze
	}
	return decide.Auto
}
