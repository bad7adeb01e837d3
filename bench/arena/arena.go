// Package arena judges the decision engine over real sockets: Poise beside its
// peers, and what the engine says beside what then came. Package lab/bench
// measures; every run is a cell that is kept, so that a measurement of hours
// can be interrupted.
package arena

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poise/bench/figure"
	"poise/internal/lab/bench"
	"poise/internal/report"
	"poise/internal/scenario"
)

// Cells is where cells are kept.
const Cells = ".cache/arena"

const (
	adaptive = "adaptive"
	control  = "round-robin"
	// The engine's usual times, runs in which it says enough, and runs in which it
	// can change twice.
	usualEvaluate = 10 * time.Second
	usualDwell    = 60 * time.Second
	usualLength   = 58 * time.Second
	longLength    = 183 * time.Second
)

// What is measured. Policies that hash are measured where there are keys.
var (
	against   = []string{"own", "slowone", "roving-slow", "heavy-tail", "affinity", "brownout"}
	predicted = []string{"own", "mixed", "speed", "heavy-tail", "affinity", "homog", "slots", "far-zone", "batch", "two"}
	realTime  = []string{"speed", "slots", "affinity"}
	policies  = []string{"expected-delay", "hot-cold", "peak-ewma", "least-request", "p2c", "round-robin", "bounded-hash"}
	// Peers are other proxies that have policies of this kind, each with two.
	Peers = []string{"haproxy/leastconn", "haproxy/random(2)", "nginx/least_conn", "nginx/random two least_conn", "caddy/least_conn", "caddy/random_choose 2"}
)

// Size is how long a run is and how many there are.
type Size struct {
	Name           string
	Length         time.Duration
	Beside, Spoken int // rounds beside the peers, and of what the engine says
	Usual          bool
}

// The sizes. Quick gives no verdict.
var (
	Full  = Size{"full", 25 * time.Second, figure.MinRounds, 1, true}
	Quick = Size{"quick", 15 * time.Second, 1, 1, false}
)

// Arena has the runs of a size.
type Arena struct {
	size   Size
	beside *bench.Runner // Poise and its peers
	spoken *bench.Runner // policies whose engine advises, and adaptive
	usual  *bench.Runner // the policies with the engine's usual times; nil: not of this size
	long   *bench.Runner // and adaptive
}

// Open reads the cells of earlier runs. Close must be called.
func Open(size Size, poise, version string, lanes int) (*Arena, error) {
	a := &Arena{size: size}
	if err := a.open(poise, version, lanes); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *Arena) open(poise, version string, lanes int) error {
	size := a.size
	base := bench.Options{
		Size: bench.Size{Name: size.Name, Rounds: 1}, Length: size.Length, Cells: Cells, Lanes: lanes, Poise: poise, Version: version,
		Say: func(text string) { fmt.Println(text) },
	}
	if size.Name != Full.Name {
		base.Cells += "-" + size.Name // runs of the same names and another length would replace each other
	}
	beside, spoken := base, base
	beside.Rounds, spoken.Rounds = size.Beside, size.Spoken
	usual := base
	usual.Rounds, usual.Cells = 1, base.Cells+"-usual" // the same for other times
	usual.Length, usual.Evaluate, usual.Dwell = usualLength, usualEvaluate, usualDwell
	long := usual
	long.Length = longLength
	type part struct {
		of        **bench.Runner
		o         *bench.Options
		scenarios []string
		own       []string
		through   []string
	}
	parts := []part{
		{&a.beside, &beside, against, []string{adaptive, control}, Peers},
		{&a.spoken, &spoken, predicted, append([]string{adaptive}, policies...), nil},
	}
	if size.Usual {
		parts = append(parts, part{&a.usual, &usual, predicted, policies, nil}, part{&a.long, &long, realTime, []string{adaptive}, nil})
	}
	for _, p := range parts {
		if err := Choose(p.o, p.scenarios, p.own, p.through); err != nil {
			return err
		}
		r, err := bench.Open(*p.o)
		if err != nil {
			return err
		}
		*p.of = r
	}
	return nil
}

// runs are what is judged: a bench.Runner's.
type runs interface {
	Of(k bench.Key) *bench.Cell
	Options() bench.Options
}

// evidence is what there is to judge by.
type evidence struct {
	size                        Size
	beside, spoken, usual, long runs // as in Arena
}

func (a *Arena) evidence() *evidence {
	e := &evidence{size: a.size, beside: a.beside, spoken: a.spoken}
	if a.usual != nil {
		e.usual, e.long = a.usual, a.long
	}
	return e
}

// Judge puts what the runs showed into a sheet. Figures whose runs are not all
// there are not judged, and say what there is.
func (a *Arena) Judge(s *figure.Sheet) { a.evidence().judge(s) }

// Choose adds scenarios, Poise with policies and other proxies to what is to be
// measured, by their names.
func Choose(o *bench.Options, scenarios, own, through []string) error {
	for _, name := range scenarios {
		sc, hint := scenario.Find(name)
		if sc == nil {
			return fmt.Errorf("scenario %s: %s", name, hint)
		}
		o.Scenarios = append(o.Scenarios, sc)
	}
	for _, name := range own {
		s, err := bench.Own(name)
		if err != nil {
			return err
		}
		o.Subjects = append(o.Subjects, s)
	}
	for _, text := range through {
		s, err := bench.Through(text)
		if err != nil {
			return err
		}
		o.Subjects = append(o.Subjects, s)
	}
	return nil
}

func (a *Arena) runners() (all []*bench.Runner) {
	for _, r := range []*bench.Runner{a.spoken, a.long, a.usual, a.beside} {
		if r != nil {
			all = append(all, r)
		}
	}
	return all
}

// Close must be called at the end.
func (a *Arena) Close() {
	for _, r := range a.runners() {
		r.Close()
	}
}

// Take takes the runs that are missing.
func (a *Arena) Take(ctx context.Context) (all error) {
	for _, r := range a.runners() {
		left, takes := r.Left()
		fmt.Printf("%d runs are missing, about %v\n", left, takes.Round(time.Second))
		if left == 0 {
			continue
		}
		if err := r.Check(ctx); err != nil {
			return err
		}
		all = errors.Join(all, r.Take(ctx))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return all
}

// Report writes arena.md into dir.
func (a *Arena) Report(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	e := a.evidence()
	parts := []struct {
		title string
		of    *bench.Runner
		notes []string
	}{{"Poise beside its peers", a.beside, nil}, {"What the engine said, and every policy", a.spoken, append(e.word(a.spoken).text(), e.chosen().text()...)}}
	if a.usual != nil {
		parts = append(parts, parts[1])
		parts[2].title, parts[2].of, parts[2].notes = "What the engine said with its usual times", a.usual, e.word(a.usual).text()
	}
	for _, p := range parts {
		results := p.of.Results()
		results.Title, results.Command = p.title, "make prove ISSUE=4 FIGURE=E5,E7 LANES=3"
		results.Notes = append(results.Notes, p.notes...)
		shortened(results)
		if err := results.Markdown(&b, ""); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	return os.WriteFile(filepath.Join(dir, "arena.md"), []byte(b.String()), 0o644)
}

// shortened leaves out the decisions that change nothing: there are thousands.
func shortened(r *report.Results) {
	for i := range r.Scenarios {
		for j := range r.Scenarios[i].Rows {
			for k := range r.Scenarios[i].Rows[j].Runs {
				run := &r.Scenarios[i].Rows[j].Runs[k]
				run.Decisions = slices.DeleteFunc(run.Decisions, func(d report.Decision) bool { return !d.Changed() })
			}
		}
	}
}
