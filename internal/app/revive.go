package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"poise/internal/decide"
	"poise/internal/engine"
	"poise/internal/learn"
)

// mindsOf makes what thinks about a cluster. The first time it goes on from what
// a process before this one has saved; after a failure it begins anew.
func (a *App) mindsOf(m *managed, t *engine.Terms, yield func()) engine.Minds {
	o := t.Judge
	o.Yield = yield
	l, j := learn.New(learn.Options{Affinity: m.affinity}), decide.New(o)
	if saved, ok := a.minds.take(m.Name()); ok {
		if err := a.revive(m, l, j, &saved); err != nil {
			a.mindsFault(fmt.Errorf("what was saved of cluster %s is refused, and the engine learns anew: %w", m.Name(), err))
			l, j = learn.New(learn.Options{Affinity: m.affinity}), decide.New(o)
		}
	}
	return engine.Minds{
		Learner: l, Judge: j, Fill: func(v *decide.View) { v.Learner, v.Affinity = l, m.affinity },
		Save: func() { a.saveMind(m, l, j) },
	}
}

func (a *App) revive(m *managed, l *learn.Learner, j *decide.Judge, saved *mind) error {
	age := max(time.Since(saved.At), 0)
	shift := a.now().Sub(saved.Instant) - age
	if err := j.Restore(saved.Judge, shift); err != nil {
		return err
	}
	if err := l.Revive(saved.Learner, shift, m.Snapshot().Members); err != nil {
		return err
	}
	if slices.Contains(j.Options().Candidates, saved.Policy) {
		m.revived = saved.Policy
	}
	a.log.Info("the engine goes on from what it knew", "cluster", m.Name(), "saved", age.Round(time.Second).String()+" ago")
	return nil
}

// goOn has the engine's choice of before a restart pick, where the engine has
// a say.
func (a *App) goOn(m *managed) {
	if m.revived != "" && m.revived != m.Snapshot().Policy {
		m.Choose(m.revived, 1, "as before the restart")
	}
}

// saveMind notes what the engine knows of a cluster. It runs in the engine's
// goroutine, and what goes wrong in it is the engine's failure.
func (a *App) saveMind(m *managed, l *learn.Learner, j *decide.Judge) {
	if a.minds.path == "" {
		return
	}
	judge, err := j.Save()
	if err != nil {
		panic(fmt.Sprintf("the judgement cannot be saved: %v", err))
	}
	learner, err := l.MarshalBinary()
	if err != nil {
		panic(fmt.Sprintf("what was learnt cannot be saved: %v", err))
	}
	saved := mind{At: time.Now(), Instant: a.now(), Judge: json.RawMessage(judge), Learner: learner}
	if s := m.Snapshot(); s.Adaptive {
		saved.Policy = s.Policy
	}
	a.minds.keep(m.Name(), saved)
}

// mindsFault is told when what the engine knows cannot be read or kept, and
// when it is kept again.
func (a *App) mindsFault(err error) {
	if err != nil {
		a.log.Warn("the state of the engine", "error", err)
		return
	}
	a.log.Info("the state of the engine is kept on disk again")
}

func (a *App) clusterNames() map[string]bool {
	names := map[string]bool{}
	for _, m := range *a.clusters.Load() {
		names[m.Name()] = true
	}
	return names
}
