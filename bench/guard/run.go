package guard

import (
	"context"
	"errors"
	"sync"
	"time"

	"poise/bench/rig"
	"poise/internal/lab/cells"
	"poise/internal/load"
)

// A Runner takes the cells that are missing.
type Runner struct {
	Poise    string // the binary
	Dir      string // for what runs need while they run
	Layout   rig.Layout
	Versions map[string]string
	build    string              // of Poise
	without  map[string][]string // keys that the build does not have, by configuration
	store    *cells.Store[Key]
}

const (
	mostOpen      = 4000 // connections of the load
	clientTimeout = 10 * time.Second
)

// take measures one cell. How busy the cores were, and what others used of
// them, is of the machine, with all that runs at once.
func (r *Runner) take(ctx context.Context, k Key) (*Cell, error) {
	s, err := r.open(ctx, k)
	defer s.close()
	if err != nil {
		return nil, err
	}
	sc := scenario(k.Figure)
	p := &play{stage: s, open: sc.Open, fault: sc.fault(k.Arm), observed: observed{times: sc.times(k.Size)}}
	stop, err := rig.Watch()
	if err != nil {
		return nil, err
	}
	err = p.run(ctx, sc.Rate)
	watched := stop()
	if err != nil {
		return nil, err
	}
	c := &Cell{Key: k, When: time.Now().UTC().Truncate(time.Second), Values: p.values()}
	c.Values["seconds"] = p.took.Seconds()
	c.Values["busiest_core"] = 100 * watched.Busiest
	c.Values["foreign"] = 100 * watched.Foreign
	c.Values["late"] = 100 * p.lateShare()
	c.Void = void(k.Figure, watched, p.lateShare())
	return c, nil
}

// void says why a run is none. When more comes than is served, connections of
// the load run out and requests leave late: that is what is measured then.
func void(figure string, w rig.Watched, late float64) string {
	if figure == "G8" || figure == "G9" {
		late = 0
	}
	return w.Void(late)
}

// play is one run.
type play struct {
	*stage
	observed
	open  int // most connections of the load
	fault Fault
	began time.Time

	took time.Duration

	mu   sync.Mutex
	late int
}

// run sends the load, brings the fault about when it is due, and ends it.
func (p *play) run(ctx context.Context, rate float64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel() // before the wait: what went wrong ends the load
	p.samples = make([]sample, 0, int(rate*p.times.Run.Seconds())+int(p.fault.Extra*(p.faultEnds()-p.times.Begin).Seconds())+100)
	failed := make(chan error, 2)
	p.began = time.Now()
	all.Go(func() { failed <- p.send(ctx, rate, p.times.Run) })
	if err := p.until(ctx, warm, 0); err != nil {
		return err
	}
	if err := p.until(ctx, p.times.Begin, 1); err != nil {
		return err
	}
	p.times.Begin = time.Since(p.began)
	if err := p.begin(p.fault); err != nil {
		return err
	}
	loads := 1
	if p.fault.Extra > 0 {
		loads++
		all.Go(func() { failed <- p.send(ctx, p.fault.Extra, p.times.End-p.times.Begin) })
	}
	if p.times.End > 0 {
		if err := p.until(ctx, p.times.Begin+early, 4); err != nil {
			return err
		}
		if err := p.until(ctx, p.times.End, 2); err != nil {
			return err
		}
		if err := p.end(ctx, p.fault); err != nil {
			return err
		}
		p.times.End = time.Since(p.began)
	}
	for range loads {
		if err := <-failed; err != nil {
			return err
		}
	}
	p.took = time.Since(p.began)
	if err := errors.Join(ctx.Err(), p.note(3)); err != nil || p.times.End > 0 {
		return err
	}
	p.read[2] = p.read[3]
	return nil
}

// until waits for a moment of the run and takes reading n.
func (p *play) until(ctx context.Context, at time.Duration, n int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(p.began.Add(at))):
	}
	return p.note(n)
}

func (p *play) note(n int) (err error) {
	p.read[n], err = p.look(p.began, p.fault)
	return err
}

// send is an open load, as `poise load` sends it.
func (p *play) send(ctx context.Context, rate float64, span time.Duration) error {
	_, err := load.Run(ctx, load.Options{
		URL: "http://" + p.subject.Listen + "/work", Rate: rate, For: span, Seed: uint64(p.key.Seed),
		Connections: p.open, Timeout: clientTimeout, OnResult: p.add,
	})
	return err
}

func (p *play) add(r load.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.samples = append(p.samples, sample{r.Due.Sub(p.began), r.Latency, r.Status, r.Fault})
	if r.Late {
		p.late++
	}
}

func (p *play) lateShare() float64 { return float64(p.late) / max(1, float64(len(p.samples))) }
