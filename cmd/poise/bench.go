package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/lab/bench"
	"poise/internal/lab/cells"
	"poise/internal/scenario"
	"poise/internal/worker"
)

// benchOptions are the flags of `poise bench`.
type benchOptions struct {
	scenarios, policies, through []string
	size                         string
	seconds                      float64
	rounds, lanes                int
	seed                         uint64
	evaluate, dwell              time.Duration
	out, cells, workersAt        string
	title, note                  string
	plots, list, plan            bool
}

// What is measured when nothing is said.
var (
	quickScenarios = []string{"own", "slowone", "partial-errors", "mmpp"}
	quickPolicies  = []string{"round-robin", "least-request", "p2c", "expected-delay", "adaptive"}
)

func benchCommand() *cobra.Command {
	var o benchOptions
	c := &cobra.Command{
		Use:   "bench",
		Short: "Compare policies and other proxies over real sockets, under shipped scenarios or your own",
		Long: `Compare policies and other proxies over real sockets: test workers, a proxy and a load on this machine, the same
jobs at the same moments for everybody, in turn or several at once. A run in which a core, the load or another program
was in the way is void and in no figure. quick takes under 6 minutes, hour under an hour; full is as long as it is and
goes on where it was. With --cells every size does. docs/guide/bench.md says more.`,
		Example: `  poise bench
  poise bench --scenario speed,mine.scenario --policies least-request,adaptive --out report.html
  poise bench --size hour --through haproxy/leastconn --through nginx=my-nginx.conf --cells bench-cells --out report.html`,
		Args: cobra.NoArgs,
	}
	f := c.Flags()
	f.StringSliceVar(&o.scenarios, "scenario", nil, "shipped scenarios or groups of them, or files (default those of the size)")
	f.StringSliceVar(&o.policies, "policies", nil, "policies, adaptive, rules, or all (default those of the size)")
	f.StringArrayVar(&o.through, "through", nil, "also another proxy: nginx, haproxy, caddy, traefik; NAME/POLICY; NAME=FILE, a template of its configuration; or the address of one that runs; repeatable")
	f.StringVar(&o.size, "size", "quick", "how much: quick, hour or full")
	f.Float64Var(&o.seconds, "seconds", 0, "length of a run, 3 s of it warming up (default that of the size)")
	f.IntVar(&o.rounds, "rounds", 0, "runs of each, with other jobs (default as many as fit into the size, at most 6)")
	f.IntVar(&o.lanes, "lanes", 1, "usual runs that go on at once; what asks more of the cores takes several lanes; two cores have room for 3")
	f.Uint64Var(&o.seed, "seed", 1, "what the first round's dice start from")
	f.DurationVar(&o.evaluate, "evaluate", 2*time.Second, "how often the engine judges, from 1s")
	f.DurationVar(&o.dwell, "dwell", 12*time.Second, "least time between two switches of the engine")
	f.StringVar(&o.out, "out", "", "write the report: FILE.html, and beside it FILE.md")
	f.BoolVar(&o.plots, "plots", false, "with --out also every plot as a file, in FILE-plots/")
	f.StringVar(&o.cells, "cells", "", "keep finished runs in this directory and go on from there (default with full: poise-bench)")
	f.StringVar(&o.workersAt, "workers-at", "", "HOST:PORT of the first test worker, the others on the next ports (default free ones)")
	f.StringVar(&o.title, "title", "", "title of the report")
	f.StringVar(&o.note, "note", "", "a sentence for the report")
	f.BoolVar(&o.list, "list", false, "list the scenarios that can be played over sockets, and why others cannot")
	f.BoolVar(&o.plan, "plan", false, "say what would be measured and how long that takes, and measure nothing")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if o.list {
			return listForSockets(c.OutOrStdout())
		}
		return runBench(c, &o)
	}
	c.AddCommand(benchWorkers())
	return c
}

// benchWorkers is what a bench starts by itself: all test workers of a run in
// one process.
func benchWorkers() *cobra.Command {
	var listen []string
	var settings string
	c := &cobra.Command{
		Use: "workers", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return worker.Fleet(c.Context(), listen, settings) },
	}
	c.Flags().StringSliceVar(&listen, "listen", nil, "addresses")
	c.Flags().StringVar(&settings, "settings", "[]", "a JSON array, an object a worker")
	return c
}

func listForSockets(w io.Writer) error {
	for _, s := range scenario.Shipped() {
		text := s.About
		if err := bench.Fits(s); err != nil {
			text = "not over sockets: " + strings.TrimPrefix(err.Error(), s.Name+": ")
		}
		if _, err := fmt.Fprintf(w, "  %-18s %s\n", s.Name, text); err != nil {
			return err
		}
	}
	return nil
}

func runBench(c *cobra.Command, o *benchOptions) error {
	settled, err := o.settled(c)
	if err != nil {
		return usageError{err}
	}
	r, err := bench.Open(settled)
	if err != nil {
		return usageError{err}
	}
	defer r.Close()
	settled = r.Options()
	runs, takes := settled.Plan()
	left, still := r.Left()
	settled.Say(fmt.Sprintf("%d runs of %v, rounds: %d, lanes: %d, about %v; missing are %d, about %v", runs, settled.Length, settled.Rounds, settled.Lanes, takes.Round(time.Second), left, still.Round(time.Second)))
	if o.plan {
		return nil
	}
	if left > 0 {
		if err := r.Check(c.Context()); err != nil {
			return err
		}
		err = r.Take(c.Context())
	}
	results := r.Results()
	if o.title != "" {
		results.Title = o.title
	}
	if o.note != "" {
		results.Notes = append(results.Notes, o.note)
	}
	if text := results.Text(); text != "" {
		fmt.Fprint(c.OutOrStdout(), text)
	}
	if o.out != "" {
		if failed := bench.Write(results, o.out, o.plots); failed != nil {
			return errors.Join(err, failed)
		}
		settled.Say("report in " + o.out)
	}
	if errors.Is(err, cells.ErrBudget) {
		text := "the time of this size is over; the report says which runs are missing"
		if settled.Cells != "" {
			text += ", and the same command makes them"
		}
		settled.Say(text)
		err = nil
	}
	if err == nil && results.Good() == 0 {
		err = errors.New("no run is good: nothing was measured")
	}
	return err
}

// settled turns flags into what is to be measured.
func (o *benchOptions) settled(c *cobra.Command) (b bench.Options, err error) {
	b = bench.Options{
		Rounds: o.rounds, Lanes: o.lanes, Seed: o.seed, Evaluate: o.evaluate, Dwell: o.dwell, Cells: o.cells, WorkersAt: o.workersAt, Version: version,
		Length: time.Duration(o.seconds * float64(time.Second)), Command: "poise " + strings.Join(os.Args[1:], " "),
		Say: func(text string) { fmt.Fprintln(c.ErrOrStderr(), text) },
	}
	if b.Size, err = bench.SizeOf(o.size); err != nil {
		return b, err
	}
	switch {
	case o.rounds < 0 || o.rounds > 100:
		return b, errors.New("--rounds must be from 1 to 100")
	case o.lanes < 1 || o.lanes > 100:
		return b, errors.New("--lanes must be from 1 to 100")
	case o.seconds < 0 || o.seconds > 3600:
		return b, errors.New("--seconds must be at most 3600")
	case o.evaluate < time.Second || o.dwell < o.evaluate:
		return b, errors.New("--evaluate must be at least 1s, and --dwell at least as long")
	}
	if o.size == "full" && b.Cells == "" {
		b.Cells = "poise-bench"
	}
	if b.Poise, err = os.Executable(); err != nil {
		return b, err
	}
	if b.Scenarios, err = o.findScenarios(b.Say); err != nil {
		return b, err
	}
	b.Subjects, err = o.subjects()
	return b, err
}

// findScenarios reads files and looks up names. Of a group, those that cannot
// be played over sockets are left out and named.
func (o *benchOptions) findScenarios(say func(string)) (all []*scenario.Scenario, err error) {
	names := o.scenarios
	if len(names) == 0 {
		names = quickScenarios
		if o.size != "quick" {
			names = bench.Conditions
		}
	}
	for _, n := range names {
		some, err := findScenarios([]string{n})
		if err != nil {
			return nil, err
		}
		for _, s := range some {
			if err := bench.Fits(s); err != nil && len(some) > 1 {
				say("left out: " + err.Error())
				continue
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func (o *benchOptions) subjects() (all []bench.Subject, err error) {
	names := o.policies
	switch {
	case len(names) == 1 && names[0] == "all":
		names = bench.Names()
	case len(names) == 0 && o.size == "quick":
		names = quickPolicies
	case len(names) == 0:
		names = usualPolicies()
	}
	for _, n := range names {
		s, err := bench.Own(strings.TrimSpace(n))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	for _, t := range o.through {
		s, err := bench.Through(t)
		if err != nil {
			return nil, fmt.Errorf("--through %s: %w", t, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// usualPolicies are those of `poise sim` that can serve.
func usualPolicies() (all []string) {
	for _, n := range usual {
		if _, err := bench.Own(n); err == nil {
			all = append(all, n)
		}
	}
	return all
}
