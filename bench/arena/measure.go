package arena

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"time"

	"poise/bench/rig"
	"poise/internal/lab/bench"
	"poise/internal/lab/cells"
	"poise/internal/load"
)

const (
	warm          = 3 * time.Second // of a run, in no value: connections are opened, estimates begin
	mostOpen      = 4000            // connections of the load
	clientTimeout = 10 * time.Second
)

// take measures one cell.
func (r *Runner) take(ctx context.Context, k Key) (*Cell, error) {
	p := &play{key: k}
	if err := r.play(ctx, p); err != nil {
		return nil, err
	}
	v := bench.Values(p.measured())
	v["foreign"], v["busiest_core"], v["stolen"] = 100*p.watched.Foreign, 100*p.watched.Busiest, 100*p.watched.Stolen
	v["cpu_us"] = p.cpu.Seconds() * 1e6 / float64(len(p.samples))
	c := &Cell{Values: v, Detail: p.pages, Void: p.watched.Void(v["late"] / 100)}
	sc := found(k.Scenario)
	for name, of := range map[string]any{
		"busy":    busy(p.measured(), p.plan, sc, k.length()-warm),
		"workers": p.workers, "began": p.began.UTC(), "seconds": bench.Seconds(p.samples, sc.number()),
	} {
		text, err := json.Marshal(of)
		if err != nil {
			return nil, err
		}
		c.Detail[name] = text
	}
	return c, nil
}

// A Cell is a run of a subject under a scenario.
type Cell = cells.Cell[Key]

// play is one run.
type play struct {
	key     Key
	plan    []load.Job
	workers []string // their addresses
	began   time.Time
	watched rig.Watched
	cpu     time.Duration // of the proxy
	pages   map[string]json.RawMessage

	mu      sync.Mutex
	samples []sample
}

// measured are the samples of the span.
func (p *play) measured() (in []sample) {
	for _, s := range p.samples {
		if s.Due >= warm {
			in = append(in, s)
		}
	}
	return in
}

func (r *Runner) play(ctx context.Context, p *play) error {
	s, err := r.open(ctx, p.key)
	defer s.close()
	if err != nil {
		return err
	}
	p.plan, p.workers = s.sc.Draw(p.key.Round, p.key.length()), s.workers
	p.samples = make([]sample, 0, len(p.plan))
	time.Sleep(settle)
	runtime.GC() // what the run before left is not collected in this one
	stop, err := rig.Watch()
	if err != nil {
		return err
	}
	before, err := s.proxy.Usage()
	if err == nil {
		err = p.send(ctx, s)
	}
	p.watched = stop()
	if err != nil {
		return err
	}
	after, err := s.proxy.Usage()
	p.cpu = after.CPU - before.CPU
	p.pages = s.pages(p.key)
	return err
}

// send sends what was planned while the events happen.
func (p *play) send(ctx context.Context, s *stage) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.began = time.Now()
	happened := make(chan error, 1)
	go func() {
		err := s.happen(ctx, p.began.Add(warm), p.key.length()-warm)
		if err != nil {
			cancel() // the load has lost its meaning
		}
		happened <- err
	}()
	_, err := load.Run(ctx, load.Options{
		URL: "http://" + s.proxy.Address + "/work", Plan: p.plan, Connections: mostOpen, Timeout: clientTimeout,
		OnResult: func(r load.Result) {
			p.mu.Lock()
			p.samples = append(p.samples, bench.SampleOf(r, p.began))
			p.mu.Unlock()
		},
	})
	if failed := <-happened; failed != nil {
		return failed
	}
	return err
}

// pages are what Poise says of itself when the run is over. What a build does
// not serve is not there.
func (s *stage) pages(k Key) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	if subject(k.Subject).Proxy != poise {
		return all
	}
	for name, page := range map[string]string{"cluster": "/api/v1/clusters/web", "decisions": "/api/v1/decisions?cluster=web&limit=1000"} {
		if text, err := s.proxy.Page(page); err == nil && json.Valid(text) {
			all[name] = text
		}
	}
	return all
}
