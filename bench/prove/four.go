package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"poise/bench/figure"
	"poise/bench/guard"
	"poise/bench/rig"
	"poise/bench/simulated"
)

// figuresOf4 are those of the decision engine: E1 to E4 in the simulator, E5
// to E7 over sockets.
func figuresOf4() []figure.Figure { return append(simulated.Figures(), figuresOfSockets()...) }

// part4 can be measured apart from the others.
type part4 struct {
	figures []string // beginnings of their names
	measure func(context.Context, *figure.Sheet, asked) error
}

// parts4 have the simulated figures first: they do not mind what else the
// machine does.
var parts4 = []part4{
	{[]string{"E1", "E2", "E3", "E4"}, func(ctx context.Context, s *figure.Sheet, o asked) error {
		defer fmt.Fprint(os.Stderr, "\r\x1b[K")
		return simulated.Measure(ctx, s, o.size == guard.Quick, func(text string) { fmt.Fprintf(os.Stderr, "\r\x1b[K%s", text) })
	}},
	{[]string{"E6"}, func(ctx context.Context, s *figure.Sheet, _ asked) error {
		return errors.Join(benchmarks4(ctx, s), engineCost(ctx, s), beside(ctx, s))
	}},
	{[]string{"E5", "E7"}, against},
}

// choose4 are the parts that have figures of these names, all of none.
func choose4(figures string) (chosen []part4, err error) {
	wanted := list(figures)
	for _, f := range wanted {
		if !slices.ContainsFunc(parts4, func(p part4) bool { return slices.Contains(p.figures, f) }) {
			return nil, fmt.Errorf("FIGURE=%s: say E1 to E7", f)
		}
	}
	for _, p := range parts4 {
		if len(wanted) == 0 || slices.ContainsFunc(p.figures, func(f string) bool { return slices.Contains(wanted, f) }) {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

// measure4 takes parts; what goes wrong in one leaves the others alone.
func measure4(ctx context.Context, s *figure.Sheet, parts []part4, o asked) (all error) {
	s.Versions["poise"] = rig.Commit()
	for _, p := range parts {
		if err := p.measure(ctx, s, o); err != nil {
			fmt.Fprintln(os.Stderr, "prove:", err)
			all = errors.Join(all, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return all
}
