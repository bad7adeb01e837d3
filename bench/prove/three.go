package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"poise/bench/figure"
	"poise/bench/guard"
)

// choice is what of issue 3 is to be measured.
type choice struct {
	guard.Options
	path   bool // the cost of the request path, too
	only10 bool // and nothing else
}

// asked are the options of issue 3 as they came.
type asked struct {
	size, figures, policy, arms string
	seeds, lanes                int
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// choose reads the options of issue 3.
func choose(o asked) (c choice, err error) {
	size, figures, policy := o.size, o.figures, o.policy
	c.Size, c.Policy, c.Seeds, c.Lanes, c.path = size, policy, o.seeds, o.lanes, figures == ""
	if size != guard.Full && size != guard.Quick {
		return c, fmt.Errorf("SIZE=%s: say full or quick", size)
	}
	if policy != "" && !slices.Contains(guard.Policies, policy) {
		return c, fmt.Errorf("POLICY=%s: there are %s", policy, strings.Join(guard.Policies, ", "))
	}
	if o.seeds < 1 || o.seeds > guard.Seeds {
		return c, fmt.Errorf("SEEDS=%d: say 1 to %d", o.seeds, guard.Seeds)
	}
	if o.lanes < 1 {
		return c, fmt.Errorf("LANES=%d: say 1 or more", o.lanes)
	}
	for _, a := range list(o.arms) {
		if !slices.Contains(guard.Arms(), a) {
			return c, fmt.Errorf("ARM=%s: there are %s", a, strings.Join(guard.Arms(), ", "))
		}
		c.Arms = append(c.Arms, a)
	}
	known := []string{"G10"}
	for _, s := range guard.Scenarios {
		known = append(known, s.ID)
	}
	for _, f := range list(figures) {
		switch {
		case f == "G10":
			c.path = true
		case slices.Contains(known, f):
			c.Figures = append(c.Figures, f)
		default:
			return c, fmt.Errorf("FIGURE=%s: there are %s", f, strings.Join(known, ", "))
		}
	}
	c.only10 = figures != "" && len(c.Figures) == 0
	return c, nil
}

// figuresOf3 are those of the guard.
func figuresOf3() []figure.Figure {
	return append(guard.Figures(),
		figure.Figure{ID: "G10 time", What: "the guard's part of a request, one that goes well", Unit: "ns", AtMost: 150},
		figure.Figure{ID: "G10 allocations", What: "the same, allocations", Unit: "", AtMost: 0})
}

// measure3 takes the cells that are missing and judges all that there are,
// also when it was interrupted.
func measure3(ctx context.Context, s *figure.Sheet, c choice) error {
	if c.path {
		cost3(ctx, s)
	} else {
		s.NotRun("G10 time", "not asked for")
		s.NotRun("G10 allocations", "not asked for")
	}
	r, err := guard.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	maps.Copy(s.Versions, r.Versions)
	s.Quiet = true
	if !c.only10 {
		all, runs := guard.Cost(c.Options)
		fmt.Printf("%d runs, about %.0f minutes in all; those made earlier are in %s and are not made again\n", runs, all.Minutes(), guard.Cells)
		if err := r.Run(ctx, c.Options); err != nil {
			fmt.Fprintln(os.Stderr, "prove:", err) // each figure says by itself what is missing
		}
	}
	r.Judge(s)
	return r.Report("docs/evidence/guard.md", s)
}

func cost3(ctx context.Context, s *figure.Sheet) {
	ns, allocations, err := guard.PathCost(ctx)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		s.NotRun("G10 time", first)
		s.NotRun("G10 allocations", first)
		return
	}
	for i := range ns {
		s.Add("G10 time", ns[i])
		s.Add("G10 allocations", allocations[i])
	}
}
