package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"poise/internal/decide"
	"poise/internal/engine"
	"poise/internal/whatif"
)

// WhatIf implements admin.Balancer.
func (a *App) WhatIf(ctx context.Context, cluster string, q whatif.Question) (*whatif.Answer, error) {
	return a.ask(ctx, engine.Consultation{Cluster: cluster}, q)
}

func (a *App) ask(ctx context.Context, c engine.Consultation, q whatif.Question) (answer *whatif.Answer, err error) {
	var failed error
	c.Ask = func(j engine.Judge, v *decide.View) {
		judge, ok := judgeOf(j)
		if !ok {
			failed = whatif.Refusal("what judges this cluster makes no forecasts")
			return
		}
		answer, failed = whatif.Ask(judge.Outlook(v), v, q, ctx.Err)
	}
	if err := a.engine.Consult(ctx, c); err != nil {
		return nil, err
	}
	if errors.Is(failed, context.DeadlineExceeded) {
		failed = engine.ErrNoTime
	}
	return answer, failed
}

// judgeOf is the judge behind one that is recorded.
func judgeOf(j engine.Judge) (*decide.Judge, bool) {
	if r, recorded := j.(*recorder); recorded {
		j = r.Judge
	}
	judge, ok := j.(*decide.Judge)
	return judge, ok
}

// headrooms are the last that is known of each cluster's headroom.
type headrooms struct {
	mu  sync.Mutex
	all map[string]headroom
}

type headroom struct {
	times float64
	at    time.Time
}

const (
	// headroomEvery is how often each cluster's headroom is looked at, when the
	// engine has CPU time to spare.
	headroomEvery = time.Minute
	// headroomLasts is how long what was found is shown.
	headroomLasts = 15 * time.Minute
	// headroomWait bounds the wait for the engine.
	headroomWait = 2 * time.Minute
)

func (h *headrooms) put(cluster string, times float64, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[string]headroom{}
	}
	h.all[cluster] = headroom{times, now}
}

// of returns a cluster's headroom, 0 while it is not known.
func (h *headrooms) of(cluster string, now time.Time) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v := h.all[cluster]; now.Sub(v.at) < headroomLasts {
		return v.times
	}
	return 0
}

// keep forgets the clusters that are no more.
func (h *headrooms) keep(names map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.all {
		if !names[name] {
			delete(h.all, name)
		}
	}
}

// watchHeadroom asks for each cluster's headroom in turn until ctx is done.
func (a *App) watchHeadroom(ctx context.Context) {
	for {
		began := time.Now()
		for _, c := range a.Clusters() {
			a.findHeadroom(ctx, c.Name())
		}
		a.headrooms.keep(a.clusterNames())
		rest := time.NewTimer(max(headroomEvery-time.Since(began), time.Second))
		select {
		case <-ctx.Done():
			rest.Stop()
			return
		case <-rest.C:
		}
	}
}

func (a *App) findHeadroom(ctx context.Context, cluster string) {
	ctx, cancel := context.WithTimeout(ctx, headroomWait)
	defer cancel()
	answer, err := a.ask(ctx, engine.Consultation{Cluster: cluster, Idle: true}, whatif.Question{})
	if err == nil && answer.Headroom != nil {
		a.headrooms.put(cluster, answer.Headroom.Times, time.Now())
	}
}
