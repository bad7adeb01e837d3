package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"time"

	"poise/internal/lab/rig"
	"poise/internal/load"
	"poise/internal/scenario"
)

// play is one run.
type play struct {
	sc      *scenario.Scenario // stretched to the run
	plan    []load.Job
	most    int // connections
	began   time.Time
	watched rig.Watched
	cpu     time.Duration // of the proxy
	journal []byte        // of Poise's engine
	final   string        // policy at the end, of Poise

	ask, change func(context.Context, *stage) error // of a trial of a forecast; nil otherwise

	mu      sync.Mutex
	samples []Sample
}

// settleTime is how long a proxy gets for its first health checks.
const settleTime = 300 * time.Millisecond

// play measures a subject under a scenario.
func (r *Runner) play(ctx context.Context, of *Subject, p *play) error {
	s, err := r.open(ctx, of, p.sc)
	defer s.close()
	if err != nil {
		return err
	}
	p.samples = make([]Sample, 0, len(p.plan))
	time.Sleep(settleTime)
	runtime.GC() // what the run before left is not collected in this one
	stop, err := rig.Watch()
	if err != nil {
		return err
	}
	before := s.used()
	err = p.send(ctx, s)
	p.watched = stop()
	if err != nil {
		return err
	}
	p.cpu = s.used() - before
	if of.Program == poise {
		p.journal = s.page(ctx, "/api/v1/decisions?cluster=web&limit=1000")
		p.final = s.policy(ctx)
	}
	return nil
}

// send sends what was planned while the events happen.
func (p *play) send(ctx context.Context, s *stage) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.began = time.Now()
	asked := make(chan error, 1)
	go func() {
		err := p.question(ctx, s)
		if err != nil {
			cancel()
		}
		asked <- err
	}()
	happened := make(chan error, 1)
	go func() {
		err := errors.Join(p.happen(ctx, s.workers), <-asked)
		if err != nil {
			cancel() // the load has lost its meaning
		}
		happened <- err
	}()
	_, err := load.Run(ctx, load.Options{
		URL: "http://" + s.address + "/work", Plan: p.plan, Connections: p.most, Timeout: p.sc.Timeout, AllowRemote: true,
		OnResult: func(r load.Result) {
			p.mu.Lock()
			p.samples = append(p.samples, SampleOf(r, p.began))
			p.mu.Unlock()
		},
	})
	if failed := <-happened; failed != nil {
		return failed
	}
	return err
}

// question asks what there is to ask and changes what there is to change, each
// in its time.
func (p *play) question(ctx context.Context, s *stage) error {
	for _, step := range []struct {
		at time.Duration
		do func(context.Context, *stage) error
	}{{askedAt, p.ask}, {changedAt, p.change}} {
		if step.do == nil {
			continue
		}
		if err := sleepUntil(ctx, p.began.Add(step.at)); err != nil {
			return err
		}
		if err := step.do(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func sleepUntil(ctx context.Context, at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// happen brings the events about when they are due.
func (p *play) happen(ctx context.Context, workers []string) error {
	for _, e := range p.sc.Events {
		if e.Settings == nil { // arrivals and keys are in what was drawn
			continue
		}
		if err := sleepUntil(ctx, p.began.Add(e.At)); err != nil {
			return err
		}
		if err := Control(ctx, workers[e.Endpoint], string(workerSettings(p.sc, e.Settings))); err != nil {
			return err
		}
	}
	return nil
}

// measured are the samples of the measured span.
func (p *play) measured() (in []Sample) {
	for _, s := range p.samples {
		if s.Due >= p.sc.Warm {
			in = append(in, s)
		}
	}
	return in
}

// page reads one of Poise's API; nil where it serves none.
func (s *stage) page(ctx context.Context, path string) []byte {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+path, nil)
	if err != nil {
		return nil
	}
	resp, err := controls.Do(q)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil || resp.StatusCode != http.StatusOK || !json.Valid(text) {
		return nil
	}
	return text
}

// policy that picks now, "" when it does not say.
func (s *stage) policy(ctx context.Context) string {
	var v struct{ Policy string }
	if json.Unmarshal(s.page(ctx, "/api/v1/clusters/web"), &v) != nil {
		return ""
	}
	return v.Policy
}
