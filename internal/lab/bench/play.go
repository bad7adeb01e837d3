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
	of      *Subject
	sc      *scenario.Scenario // stretched to the run
	drawn   []scenario.Job
	plan    []load.Job // the same as they are sent
	most    int        // connections
	stage   *stage
	began   time.Time
	watched rig.Watched
	cpu     time.Duration // of the proxy
	journal []byte        // of Poise's engine
	final   string        // policy at the end, of Poise
	cell    *Cell         // what came of it
	failed  error

	ask, change func(context.Context, *stage) error // of a trial of a forecast; nil otherwise

	mu      sync.Mutex
	samples []Sample
}

// atOnce does something with all plays at once, and waits until it is done.
func atOnce(plays []*play, do func(*play)) {
	var wait sync.WaitGroup
	for _, p := range plays {
		wait.Go(func() { do(p) })
	}
	wait.Wait()
}

// step is the same of those that have not failed, and some may.
func step(plays []*play, do func(*play) error) {
	atOnce(plays, func(p *play) {
		if p.failed == nil {
			p.failed = do(p)
		}
	})
}

// settleTime is how long a proxy gets for its first health checks.
const settleTime = 300 * time.Millisecond

// apart is how much later each of those that are played at once begins than the
// one before: the jobs of a round are the same for all, and would else come to
// the cores at the very same moments. What happens to the machine for a second
// still happens to all in the same second.
const apart = 50 * time.Millisecond

// play measures subjects under scenarios, all at once and in step: nobody starts,
// stops or computes anything while another is measured.
func (r *Runner) play(ctx context.Context, plays ...*play) {
	defer atOnce(plays, (*play).close)
	step(plays, func(p *play) (err error) {
		p.stage, err = r.open(ctx, p.of, p.sc)
		return err
	})
	time.Sleep(settleTime)
	runtime.GC() // what the runs before left is not collected in these
	stop, err := rig.Watch()
	if err != nil {
		step(plays, func(*play) error { return err })
		return
	}
	step(plays, func(p *play) error {
		p.cpu = p.stage.used()
		return nil
	})
	for i, p := range plays {
		p.began = time.Now().Add(time.Duration(i) * apart)
	}
	step(plays, func(p *play) error { return p.send(ctx) })
	watched := stop()
	step(plays, func(p *play) error {
		p.watched = watched
		p.look(ctx)
		return nil
	})
}

func (p *play) close() {
	if p.stage != nil {
		p.stage.close()
	}
}

// look reads what there is to read when the load has ended.
func (p *play) look(ctx context.Context) {
	s := p.stage
	p.cpu = s.used() - p.cpu
	if p.of.Program == poise {
		p.journal = s.page(ctx, "/api/v1/decisions?cluster=web&limit=1000")
		p.final = s.policy(ctx)
	}
}

// send sends what was planned while the events happen.
func (p *play) send(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := sleepUntil(ctx, p.began); err != nil {
		return err
	}
	s := p.stage
	p.began, p.samples = time.Now(), make([]Sample, 0, len(p.plan))
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
	return errors.Join(err, ctx.Err()) // a load that is cut off reports what it had
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
