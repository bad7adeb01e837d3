package guard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"poise/bench/rig"
	"poise/internal/lab/cells"
)

// Cells is where cells are kept.
const Cells = ".cache/guard"

// Open builds Poise, installs the others and reads the cells of earlier runs.
// Close removes what was built.
func Open(ctx context.Context) (*Runner, error) {
	if err := rig.Install(ctx, "haproxy", "nginx"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "guard-")
	if err != nil {
		return nil, err
	}
	r := &Runner{
		Dir: dir, Layout: rig.Cores(runtime.NumCPU()), without: map[string][]string{},
		Versions: map[string]string{"poise": rig.Commit(), HAProxy: rig.HAProxy().Version, Nginx: rig.Nginx().Version},
	}
	r.Versions["layout"] = r.Layout.String()
	if err := r.prepare(ctx); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Runner) prepare(ctx context.Context) (err error) {
	if r.Poise, err = rig.Build(ctx, r.Dir, "./cmd/poise"); err != nil {
		return err
	}
	if r.build, err = rig.Fingerprint(r.Poise); err != nil {
		return err
	}
	for _, sc := range Scenarios {
		for _, name := range []string{sc.On, sc.Off} {
			if _, asked := r.without[name]; !asked {
				if r.without[name], err = lacks(ctx, r.Poise, r.Dir, name); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	}
	if r.store, err = cells.Open(Cells, r.identity(rig.Machine())); err != nil {
		return err
	}
	return r.Layout.Move()
}

// Close removes what was built.
func (r *Runner) Close() { _ = os.RemoveAll(r.Dir) }

// Missing says which keys of a configuration the build does not have, "" if
// it has all. A guard that is not built cannot be measured; what is without it
// can.
func (r *Runner) missing(k Key) string {
	name := scenario(k.Figure).configuration(k.Arm)
	if !own(k.Arm) || name == "poise-off.cfg" || len(r.without[name]) == 0 {
		return ""
	}
	return "this build has no " + strings.Join(slices.Sorted(slices.Values(r.without[name])), ", ")
}

// Run takes the cells that are missing, and those that were void a second
// time, then alone: beside others they may have had no room. What has ended
// when it is interrupted is kept.
func (r *Runner) Run(ctx context.Context, o Options) error {
	keys := plan(o)
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	take := func(k Key) *Cell {
		c, err := r.take(running, k)
		if err != nil {
			c = &Cell{Key: k, When: time.Now().UTC().Truncate(time.Second), Failed: err.Error()}
		}
		return c
	}
	for _, lanes := range []int{o.lanes(), 1} {
		left, taken := r.left(keys), 0
		inLanes(running, lanes, left, take, func(c *Cell) {
			if c.Failed != "" && running.Err() != nil {
				return // it was cut off
			}
			c.Lanes = lanes
			if err := r.store.Add(c); err != nil {
				stop(err)
			}
			taken++
			fmt.Printf("[%d of %d, about %.0f min left] %s\n", taken, len(left), span(lanes, left[taken:]).Minutes(), line(c))
		})
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; the same command goes on where it was")
	}
	return context.Cause(running)
}

// left returns the keys that are to be measured and can be.
func (r *Runner) left(keys []Key) (left []Key) {
	for _, k := range keys {
		if r.missing(k) == "" && !r.store.Of(k).Good() {
			left = append(left, k)
		}
	}
	return left
}

// cost is about how long a run takes, start and stop included.
func cost(k Key) time.Duration { return scenario(k.Figure).times(k.Size).Run + 2*time.Second }

// Cost is about how long all runs of these options take.
func Cost(o Options) (all time.Duration, runs int) {
	keys := plan(o)
	return span(o.lanes(), keys), len(keys)
}

func line(c *Cell) string {
	switch {
	case c.Failed != "":
		return c.Key.String() + ": FAILED: " + c.Failed
	case c.Void != "":
		return c.Key.String() + ": VOID: " + c.Void
	}
	sc := scenario(c.Key.Figure)
	word := "met"
	if !(sc.Excess(c.Key.Arm, c.Values) <= 1) {
		word = "missed"
	}
	return fmt.Sprintf("%s: %s: %s; busiest core %.0f %%", c.Key.String(), word, sc.show(c.Values), c.Values["busiest_core"])
}

// show writes what the checks found.
func (s *Scenario) show(values map[string]float64) string {
	var all []string
	for i := range s.Checks {
		c := &s.Checks[i]
		if v, is := values[c.Key]; is {
			all = append(all, c.show(v))
		}
	}
	if len(all) == 0 {
		return "not judged: " + strings.Join(slices.Sorted(maps.Keys(values)), ", ")
	}
	return strings.Join(all, ", ")
}
