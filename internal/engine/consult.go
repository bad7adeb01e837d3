package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"poise/internal/decide"
)

// Why a consultation did not come about.
var (
	ErrBusy      = errors.New("the engine is answering another question; ask again in a moment")
	ErrNoTime    = errors.New("the engine has used its share of the CPU, or is not running; ask again later")
	ErrNoCluster = errors.New("the engine does not know this cluster")
)

// idleShare is one part in so many of a core: what questions that nobody waits
// for may use, so that they do not live on the time of judgements.
const idleShare = 1000

// Consultation is a question to what thinks about a cluster.
type Consultation struct {
	Cluster string
	// Idle lets it wait until the engine has plenty of CPU time left: nobody
	// waits for the answer.
	Idle bool
	// Ask runs in the engine's goroutine. It must not change the judge.
	Ask func(j Judge, v *decide.View)
}

type consultation struct {
	Consultation
	ctx   context.Context
	begun bool
	over  chan struct{} // closed when err is known
	err   error
}

func (q *consultation) end(err error) {
	q.err = err
	close(q.over)
}

// Consult has something asked in the engine's goroutine, of its CPU time, and
// returns once that is done. One question is answered at a time; with another
// under way it is ErrBusy, but one that nobody waits for gives way. ctx bounds
// the wait: what is not begun by then is not begun at all.
func (e *Engine) Consult(ctx context.Context, c Consultation) error {
	q := &consultation{Consultation: c, ctx: ctx, over: make(chan struct{})}
	for {
		before := e.queue(q)
		if before == nil {
			break
		}
		if !before.Idle || c.Idle {
			return ErrBusy
		}
		select {
		case <-before.over:
		case <-ctx.Done():
			return ErrNoTime
		}
	}
	select {
	case <-q.over:
		return q.err
	case <-ctx.Done():
	}
	e.mu.Lock()
	if e.asked == q && !q.begun {
		e.asked = nil
		e.mu.Unlock()
		return ErrNoTime
	}
	e.mu.Unlock()
	<-q.over // it ends with ctx, at the next step aside
	return q.err
}

// queue makes q the question that waits, or returns the one that is before it.
func (e *Engine) queue(q *consultation) (before *consultation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch old := e.asked; {
	case old == nil:
	case old.Idle && !q.Idle && !old.begun:
		old.end(ErrBusy)
	default:
		return old
	}
	e.asked = q
	return nil
}

// consult answers the question that waits, if there is CPU time for it.
func (e *Engine) consult() {
	e.mu.Lock()
	q := e.asked
	least := time.Duration(0)
	if q != nil && q.Idle {
		least = budgetDepth / 2
	}
	if q == nil || e.budget.left <= least || q.ctx.Err() != nil || q.Idle && time.Now().Before(e.idleFrom) {
		e.mu.Unlock()
		return
	}
	q.begun = true
	e.mu.Unlock()
	before := e.budget.used
	err := e.answer(q)
	e.budget.settle(time.Now(), threadTime())
	if q.Idle {
		e.idleFrom = time.Now().Add((e.budget.used - before) * idleShare)
	}
	e.mu.Lock()
	e.asked = nil
	e.mu.Unlock()
	q.end(err)
}

func (e *Engine) answer(q *consultation) error {
	for _, s := range e.all() {
		if s.Cluster.Name() != q.Cluster {
			continue
		}
		if s.minds.Judge == nil {
			return fmt.Errorf("the engine leaves the cluster alone: %s", s.broken)
		}
		v := s.view(e.options.Now())
		failure, stack, held := e.think(s, func() { q.Ask(s.minds.Judge, v) })
		e.learn(s, held)
		if failure != "" {
			e.options.Log.Error("a question to the engine failed", "cluster", q.Cluster, "fault", failure, "stack", string(stack))
			return errors.New("the forecast failed: " + failure)
		}
		return nil
	}
	return ErrNoCluster
}
