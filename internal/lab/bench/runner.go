package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"poise/internal/lab/cells"
	"poise/internal/lab/rig"
	"poise/internal/scenario"
	"poise/internal/sim"
)

// Cell is one run.
type Cell = cells.Cell[Key]

// Runner takes the runs that are missing.
type Runner struct {
	*cells.Store[Key]
	options  Options
	binary   string            // hash of Poise
	versions map[string]string // of the other programs
	own      string            // directory of cells that nobody wants to keep
}

// Open checks what is to be measured, settles how much of it fits into the
// size, and reads the cells of earlier runs. Close must be called.
func Open(o Options) (*Runner, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := o.settle(); err != nil {
		return nil, err
	}
	r := &Runner{options: o, versions: map[string]string{}}
	var err error
	if r.binary, err = hashOf(o.Poise); err != nil {
		return nil, err
	}
	for i := range o.Subjects {
		if s := &o.Subjects[i]; s.Program != poise {
			r.versions[s.Name] = s.version()
		}
	}
	dir := o.Cells
	if dir == "" {
		if r.own, err = os.MkdirTemp("", "poise-cells-"); err != nil {
			return nil, err
		}
		dir = r.own
	}
	if r.Store, err = cells.Open(dir, r.identity(rig.Machine())); err != nil {
		r.Close()
		return nil, err
	}
	// A generator's precise sleep takes a processor of Go's from those who read
	// answers; there are more of them than cores.
	runtime.GOMAXPROCS(4*runtime.NumCPU() + rig.AtOnce(o.Lanes) - 1)
	return r, nil
}

// Close removes cells that nobody wants to keep.
func (r *Runner) Close() {
	if r.own != "" {
		_ = os.RemoveAll(r.own)
	}
}

// Options are those that were settled.
func (r *Runner) Options() Options { return r.options }

func hashOf(file string) (string, error) {
	f, err := os.Open(file) //nolint:gosec // the binary that runs
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// identity is a hash of what a cell of a key depends on: the machine, the
// binary, the subject, the scenario, the times and the seed. Lanes are not in
// it: a run that others were in the way of is void, and the cell and the report
// say how many there were.
func (r *Runner) identity(machine string) func(Key) (string, error) {
	return func(k Key) (string, error) {
		o := &r.options
		sc, of := o.scenario(k.Scenario), o.subject(k.Subject)
		if sc == nil || of == nil || k.Round < 1 {
			return "", fmt.Errorf("no such run: %s", k)
		}
		what, err := json.Marshal([]any{machine, r.binary, of, r.versions[of.Name], sc, o.Length, Warm, o.Evaluate, o.Dwell, o.seedOf(k.Round)})
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(what)
		return hex.EncodeToString(sum[:8]), nil
	}
}

// Take takes the cells that are missing. Those that are there it does not take
// again.
func (r *Runner) Take(ctx context.Context) error {
	o := &r.options
	w := o.work()
	w.Keys, w.Take = o.plan(), r.take
	w.Say = func(c *Cell, progress string) { o.Say(fmt.Sprintf("[%s] %s: %s", progress, c.Key, line(c))) }
	return r.Run(ctx, w)
}

// Left is how many runs are missing, and about how long they take.
func (r *Runner) Left() (runs int, takes time.Duration) {
	left, w := r.Store.Left(r.options.plan()), r.options.work()
	return len(left), w.Span(left)
}

// take measures the cells of a step.
func (r *Runner) take(ctx context.Context, keys []Key) (taken []*Cell) {
	o := &r.options
	var plays []*play
	for _, k := range keys {
		plays = append(plays, drawn(o.subject(k.Subject), stretched(o.scenario(k.Scenario), o.Length), o.seedOf(k.Round)))
	}
	r.play(ctx, plays...)
	step(plays, func(p *play) (err error) {
		p.cell, err = p.result()
		return err
	})
	for _, p := range plays {
		if p.failed != nil {
			p.cell = &Cell{Failed: p.failed.Error()}
		}
		taken = append(taken, p.cell)
	}
	return taken
}

// drawn is a play before it begins.
func drawn(of *Subject, sc *scenario.Scenario, seed uint64) *play {
	p := &play{of: of, sc: sc, drawn: scenario.Draw(sc, seed), most: connections(sc)}
	if p.plan = jobs(sc, p.drawn); len(p.plan) == 0 {
		p.failed = errors.New("no request arrives in a run of this length")
	}
	return p
}

// result is the cell of a play.
func (p *play) result() (*Cell, error) {
	in := p.measured()
	v := Values(in)
	v["foreign"], v["busiest_core"], v["stolen"] = 100*p.watched.Foreign, 100*p.watched.Busiest, 100*p.watched.Stolen
	if p.cpu > 0 {
		v["cpu"] = p.cpu.Seconds() * 1e6 / float64(max(1, len(p.samples)))
	}
	floor, central := references(p.sc, p.drawn)
	v["floor"], v["central"] = floor, central
	c := &Cell{Values: v, Detail: map[string]json.RawMessage{}, Void: p.watched.Void(v["late"] / 100)}
	for name, what := range map[string]any{
		"seconds": Seconds(p.samples, len(p.sc.Endpoints)), "spread": Spread(in), "decisions": decisionsOf(p.journal, p.began), "final": p.final, "account": p.account(),
	} {
		text, err := json.Marshal(what)
		if err != nil {
			return nil, err
		}
		c.Detail[name] = text
	}
	return c, nil
}

// references are the losses in ms of the very same jobs, alone at their best
// endpoints and in one queue that knows everything.
func references(sc *scenario.Scenario, drawn []scenario.Job) (floor, central float64) {
	of := func(name string) float64 {
		res := sim.Play(sc, drawn, sim.Contender{Name: name}, 1, sim.Options{})
		return 1000 * res.Loss
	}
	return of(sim.Floor), of(sim.Central)
}

func line(c *Cell) string {
	v := c.Values
	text := fmt.Sprintf("loss %.1f, p50 %.1f, p99 %.1f ms, %.2f %% failed; busiest core %.0f %%, late %.2f %%", v["loss"], v["p50"], v["p99"], v["failed"], v["busiest_core"], v["late"])
	switch {
	case c.Failed != "":
		return "FAILED: " + oneLine(c.Failed)
	case c.Void != "":
		return "VOID: " + c.Void
	}
	return text
}
