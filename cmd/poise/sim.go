package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/scenario"
	"poise/internal/sim"
	"poise/internal/sim/suite"
)

// simOptions are the flags of `poise sim`.
type simOptions struct {
	policies string
	seed     uint64
	seeds    int
	json     bool
	list     bool
	matrix   bool
}

// simCommand runs scenarios in the simulator.
func simCommand() *cobra.Command {
	var o simOptions
	c := &cobra.Command{
		Use:   "sim [SCENARIO … | FILE …]",
		Short: "Compare policies in simulated time, under shipped scenarios or your own",
		Long: `Compare policies in simulated time: the real policies, guard and engine against endpoints that are simulated. Every
policy gets the same requests, and the same seed gives the same result. Without a name all shipped scenarios are run.
floor is what no policy can beat, central one queue that knows everything. docs/guide/scenarios.md is the language of
scenarios.`,
		Example: `  poise sim speed roving-slow
  poise sim mine.scenario --policies least-request,hot-cold,adaptive --seeds 4
  poise sim affinity --policies adaptive:round-robin
  poise sim --list`,
	}
	f := c.Flags()
	f.StringVar(&o.policies, "policies", "", "which, separated by commas: policies, adaptive, rules, bandit, central, floor; adaptive:NAME starts from one (default the useful ones)")
	f.Uint64Var(&o.seed, "seed", 1, "what the dice start from")
	f.IntVar(&o.seeds, "seeds", 1, "average over so many seeds, from --seed on")
	f.BoolVar(&o.json, "json", false, "print the results as JSON")
	f.BoolVar(&o.list, "list", false, "list the shipped scenarios")
	f.BoolVar(&o.matrix, "matrix", false, "one line a scenario, also for a few")
	c.RunE = func(c *cobra.Command, args []string) error {
		if o.list {
			return listScenarios(c.OutOrStdout())
		}
		return simulate(c, o, args)
	}
	return c
}

func listScenarios(w io.Writer) error {
	last := ""
	for _, s := range scenario.Shipped() {
		if s.Group != last {
			fmt.Fprintf(w, "%s\n", s.Group)
			last = s.Group
		}
		if _, err := fmt.Fprintf(w, "  %-18s %s\n", s.Name, s.About); err != nil {
			return err
		}
	}
	return nil
}

// mostSeeds bounds what --seeds may ask for.
const mostSeeds = 100

func simulate(c *cobra.Command, o simOptions, args []string) error {
	if o.seeds < 1 || o.seeds > mostSeeds {
		return usageError{fmt.Errorf("--seeds must be from 1 to %d", mostSeeds)}
	}
	all, err := findScenarios(args)
	if err != nil {
		return usageError{err}
	}
	p := suite.Plan{Scenarios: all, Skip: suite.Keyless}
	if p.Contenders, err = contenders(o.policies); err != nil {
		return usageError{err}
	}
	for i := range o.seeds {
		p.Seeds = append(p.Seeds, o.seed+uint64(i))
	}
	if w := c.ErrOrStderr(); onTerminal(w) {
		p.Progress = simProgress(w)
		defer fmt.Fprint(w, "\r\x1b[K")
	}
	results, err := p.Run(c.Context())
	if err != nil && len(results) == 0 {
		return err
	}
	if onTerminal(c.ErrOrStderr()) {
		fmt.Fprint(c.ErrOrStderr(), "\r\x1b[K")
	}
	if o.json {
		e := json.NewEncoder(c.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(results)
	}
	return printSheet(c.OutOrStdout(), &p, results, o.matrix)
}

// mostDetailed is how many scenarios are shown with a table each.
const mostDetailed = 8

func printSheet(w io.Writer, p *suite.Plan, results []sim.Result, matrix bool) error {
	sheet := suite.New(p, results)
	sheet.Colour = inColour(w)
	if matrix || len(p.Scenarios) > mostDetailed {
		_, err := io.WriteString(w, sheet.Matrix())
		return err
	}
	for i, s := range p.Scenarios {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := io.WriteString(w, sheet.Detail(s)); err != nil {
			return err
		}
	}
	return nil
}

// simProgress shows how far it is, a few times a second.
func simProgress(w io.Writer) func(done, total int) {
	var mu sync.Mutex
	var last time.Time
	began := time.Now()
	return func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) > 200*time.Millisecond {
			last = now
			fmt.Fprintf(w, "\r\x1b[K%d of %d runs, %.0f s", done, total, now.Sub(began).Seconds())
		}
	}
}

// findScenarios reads files and looks up names.
func findScenarios(args []string) (all []*scenario.Scenario, err error) {
	if len(args) == 0 {
		return scenario.Shipped(), nil
	}
	for _, a := range args {
		if !strings.ContainsAny(a, "./") {
			if group := inGroup(a); group != nil {
				all = append(all, group...)
				continue
			}
			s, hint := scenario.Find(a)
			if s == nil {
				return nil, fmt.Errorf("there is no scenario %q (%s); a file needs a dot or a slash in its name", a, hint)
			}
			all = append(all, s)
			continue
		}
		text, err := os.ReadFile(a) //nolint:gosec // the user names the file
		if err != nil {
			return nil, err
		}
		s, err := scenario.Parse(a, strings.TrimSuffix(filepath.Base(a), ".scenario"), text)
		if err != nil {
			return nil, withExcerpts(err)
		}
		all = append(all, s)
	}
	return all, nil
}

func inGroup(name string) (all []*scenario.Scenario) {
	for _, s := range scenario.Shipped() {
		if s.Group == name {
			all = append(all, s)
		}
	}
	return all
}

// withExcerpts puts below each problem the line that it is in.
func withExcerpts(err error) error {
	problems, ok := errors.AsType[scenario.Problems](err)
	if !ok {
		return err
	}
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Error() + "\n")
		if e := p.Excerpt(); e != "" {
			b.WriteString("  " + strings.ReplaceAll(e, "\n", "\n  ") + "\n")
		}
	}
	return errors.New(strings.TrimRight(b.String(), "\n"))
}

// usual are the contenders of a comparison that was told nothing.
var usual = []string{
	"round-robin", "least-request", "p2c", "peak-ewma", "hot-cold", "expected-delay", "bounded-hash", "adaptive", "rules", "bandit", "central", "floor",
}

func contenders(text string) (all []sim.Contender, err error) {
	names := usual
	switch text {
	case "":
	case "all":
		names = sim.Contenders()
	default:
		names = strings.Split(text, ",")
	}
	for _, n := range names {
		c, err := sim.ParseContender(strings.TrimSpace(n))
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
