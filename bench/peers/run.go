package main

import (
	"context"
	"fmt"
	"time"

	"poise/bench/figure"
	"poise/bench/rig"
)

const (
	peak = "peak" // a closed loop: as fast as there are answers
	rate = "rate" // an open loop: at a rate that everybody can serve

	// straight is in the place of a proxy where the endpoint itself is loaded.
	straight = "straight"

	// paceOf is the share of the slowest proxy's peak that the open loop asks for.
	paceOf = 0.7
)

// A runner takes the measurements that are missing.
type runner struct {
	*rig.Bench
	store   *store
	size    size
	machine string

	total, seen, taken int
	began              time.Time
}

// all runs parts. What goes wrong in one ends it, not the others.
func (r *runner) all(ctx context.Context, parts []part) (first error) {
	for _, p := range parts {
		r.total += p.cells(&r.size)
	}
	if err := rig.Cores(1).Move(); err != nil {
		return err
	}
	r.began = time.Now()
	for _, p := range parts {
		if err := p.run(ctx, r); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted; the same command goes on where it was")
			}
			err = fmt.Errorf("%s: %w", p.name, err)
			fmt.Println(err)
			if first == nil {
				first = err
			}
		}
	}
	return first
}

// cell takes a measurement unless there is one, and keeps it.
func (r *runner) cell(ctx context.Context, k Key, take func() (map[string]float64, string, error)) error {
	r.seen++
	if r.store.has(k) {
		return nil
	}
	c := &Cell{Key: k}
	var err error
	c.Values, c.Void, err = take()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.Failed, c.Values = err.Error(), nil
	}
	r.taken++
	r.progress(c)
	return r.store.add(c)
}

func (r *runner) progress(c *Cell) {
	each := time.Since(r.began) / time.Duration(r.taken)
	left := (each * time.Duration(r.total-r.seen)).Round(time.Minute)
	what := ""
	for _, q := range quantities {
		if v, is := c.Values[q.key]; is {
			what += fmt.Sprintf("  %s %.4g", q.key, v)
		}
	}
	if c.Void != "" {
		what += "  VOID: " + c.Void
	}
	if c.Failed != "" {
		what += "  FAILED: " + c.Failed
	}
	fmt.Printf("[%d of %d, about %d min left] %s%s\n", r.seen, r.total, int(left.Minutes()), c.Key, what)
}

// missing reports whether a cell of these phases is not there yet.
func (r *runner) missing(name string, cores int, phases, proxies []string) bool {
	for _, phase := range phases {
		for _, p := range proxies {
			for round := range r.size.rounds {
				if !r.store.has(Key{name, cores, phase, p, round}) {
					return true
				}
			}
		}
	}
	return false
}

// matrix runs a case for every proxy and number of cores.
func (r *runner) matrix(ctx context.Context, c rig.Case) error {
	for i, cores := range r.size.cores {
		phases := r.size.phases(c, i)
		if !r.missing(c.Name, cores, phases, r.size.proxies) && (len(phases) == 1 || !r.missing(c.Name, cores, phases[1:], []string{straight})) {
			r.seen += r.size.cellsIn(phases)
			continue
		}
		if err := r.onField(ctx, c, rig.Cores(cores), phases); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) onField(ctx context.Context, c rig.Case, l rig.Layout, phases []string) error {
	f, err := r.Field(ctx, rig.Setup{Layout: l}, 2, r.Proxies...)
	if err != nil {
		return err
	}
	defer f.Stop()
	r.warm(ctx, f, c)
	for _, phase := range phases {
		perSecond := 0.0
		if phase == rate {
			perSecond = r.pace(c, l.Workers)
		}
		for round := range r.size.rounds {
			turn := f.Turn(round)
			if phase == rate {
				turn = append(turn, f.Straight) // what the generator itself adds
			}
			for _, p := range turn {
				load := c.For(r.size.seconds, perSecond)
				k := Key{c.Name, l.Workers, phase, p.Name, round}
				if err := r.cell(ctx, k, func() (map[string]float64, string, error) { return r.loaded(ctx, p, load) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// warm loads every proxy once. One that cannot serve the load fails in its
// cells.
func (r *runner) warm(ctx context.Context, f *rig.Field, c rig.Case) {
	for _, p := range f.Running {
		_, _ = r.Send(ctx, p.Layout.Load, p.Address, c.For(1, 0))
	}
}

// pace is the rate of the open loop: the same for all, and for all rounds of
// a run that was interrupted, as it rests on finished cells.
func (r *runner) pace(c rig.Case, cores int) float64 {
	slowest := 0.0
	for _, p := range r.size.proxies {
		// A peak that the load itself has bounded is still one that can be served.
		var all []float64
		for round := range r.size.rounds {
			if k := r.store.cells[Key{c.Name, cores, peak, p, round}]; k != nil && k.Failed == "" {
				all = append(all, k.Values["per_second"])
			}
		}
		if m := figure.Median(all); m > 0 && (slowest == 0 || m < slowest) {
			slowest = m
		}
	}
	return max(1, paceOf*slowest)
}

// loaded measures a proxy under one load.
func (r *runner) loaded(ctx context.Context, p *rig.Running, l rig.Load) (map[string]float64, string, error) {
	m, err := r.Measure(ctx, p, l)
	if err != nil {
		return nil, "", err
	}
	if p.Name == straight {
		return map[string]float64{"per_second": m.Requests / m.Seconds, "mean_us": m.Mean, "p50_us": m.P50, "p99_us": m.P99, "p999_us": m.P999}, m.Void, nil
	}
	return map[string]float64{
		"cpu_us": m.CPU, "per_second": m.Requests / m.Seconds, "mean_us": m.Mean, "p50_us": m.P50, "p99_us": m.P99, "p999_us": m.P999,
		"rss_mib": m.RSS / (1 << 20), "proxy_busy": m.Proxy, "load_busy": m.Load,
	}, m.Void, nil
}
