package engine

import (
	"fmt"

	"poise/internal/cluster"
	"poise/internal/decide"
)

// learnsBy is the policy that rests on what is learnt, and without it is who
// takes over when that cannot go on: it needs nothing but counters.
const (
	learnsBy = "expected-delay"
	without  = "least-request"
)

// judgeFailed leaves a cluster alone: what picks goes on picking, a trial is
// over. What is learnt is learnt on.
func (e *Engine) judgeFailed(s *subject, failure string, stack []byte) {
	s.minds.Judge = nil
	e.failed(s, "the judgement failed", failure, stack)
}

// learnerFailed ends learning as well, which the policy must do without then.
func (e *Engine) learnerFailed(s *subject, failure string, stack []byte) {
	s.minds.Judge, s.minds.Learner = nil, nil
	e.failed(s, "learning failed", failure, stack)
}

func (e *Engine) failed(s *subject, what, failure string, stack []byte) {
	snapshot := s.Cluster.Snapshot()
	s.broken = what + ": " + failure
	name := s.Cluster.Name()
	next, to := snapshot.Policy, ""
	if s.minds.Learner == nil && next == learnsBy {
		next, to = without, without
	}
	s.Cluster.Choose(next, 1, "the engine is out of order: "+s.broken)
	e.options.Log.Error("the engine leaves a cluster alone until `poise engine auto` takes it up again", "cluster", name, "fault", s.broken, "stack", string(stack))
	d := decide.Decision{
		At: e.options.Now(), Policy: snapshot.Policy, Action: Frozen, To: to, Gate: "fault",
		Text:       fmt.Sprintf("frozen: %s; %s stays until `poise engine auto %s`", s.broken, next, name),
		Conditions: []decide.Condition{}, Candidates: []decide.Candidate{},
		Gates: []decide.Gate{{Name: "fault", Why: s.broken}},
	}
	e.enter(s, &d)
}

// Frozen is the action of an entry that says that the engine failed at a
// cluster and leaves it alone.
const Frozen = "freeze"

// maybeResume begins anew with a cluster that somebody wants taken up again.
func (e *Engine) maybeResume(s *subject) {
	name := s.Cluster.Name()
	e.mu.Lock()
	wanted := e.resumed[name]
	delete(e.resumed, name)
	if wanted && s.broken != "" {
		status := e.status[name]
		status.Fault = ""
		e.status[name] = status
	}
	e.mu.Unlock()
	if wanted && s.minds.Judge != nil && s.Cluster.Snapshot().Engine.Mode == cluster.Auto {
		s.minds.Judge.Forgive()
	}
	if !wanted || s.broken == "" {
		return
	}
	s.broken, s.version, s.terms, s.tapped = "", 0, s.Terms(), nil
	s.minds = s.Minds(s.terms, e.yield)
	s.judgeAt = e.options.Now().Add(s.terms.Evaluate)
	e.options.Log.Info("the engine takes the cluster up again", "cluster", name)
}
