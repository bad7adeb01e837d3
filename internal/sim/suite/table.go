// Package suite plays scenarios under contenders and shows what came of it: a
// table for each scenario, or one of all scenarios.
package suite

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"poise/internal/lb"
	"poise/internal/scenario"
	"poise/internal/sim"
)

// Sheet is results by scenario and contender, averaged over seeds.
type Sheet struct {
	Scenarios  []*scenario.Scenario
	Contenders []sim.Contender
	Seeds      int
	Colour     bool
	cells      map[[2]string]*Cell
	results    []sim.Result
}

// Cell is a scenario under a contender.
type Cell struct {
	sim.Result // averages; Switches and Decisions are those of the first seed
	seeds      int
	switches   int
}

// New averages results.
func New(p *Plan, results []sim.Result) *Sheet {
	s := &Sheet{Scenarios: p.Scenarios, Contenders: p.Contenders, Seeds: len(p.Seeds), cells: map[[2]string]*Cell{}, results: results}
	for _, r := range results {
		key := [2]string{r.Scenario, r.Contender.String()}
		c := s.cells[key]
		if c == nil {
			c = &Cell{Result: sim.Result{Scenario: r.Scenario, Contender: r.Contender, Switches: r.Switches, Decisions: r.Decisions}}
			s.cells[key] = c
		}
		c.seeds++
		c.switches += len(r.Switches)
		c.Requests += r.Requests
		c.Mean += r.Mean
		c.P50 += r.P50
		c.P99 += r.P99
		c.P999 += r.P999
		c.Failed += r.Failed
		c.Loss += r.Loss
	}
	for _, c := range s.cells {
		n := float64(c.seeds)
		for _, v := range []*float64{&c.Mean, &c.P50, &c.P99, &c.P999, &c.Failed, &c.Loss} {
			*v /= n
		}
	}
	return s
}

// Cell returns a scenario under a contender, nil when it was not run.
func (s *Sheet) Cell(name string, c sim.Contender) *Cell { return s.cells[[2]string{name, c.String()}] }

// Best returns the fixed policy with the least loss, nil when none was run.
func (s *Sheet) Best(name string) (best *Cell) {
	for _, c := range s.Contenders {
		if x := s.Cell(name, c); x != nil && IsFixed(c) && (best == nil || x.Loss < best.Loss) {
			best = x
		}
	}
	return best
}

// IsFixed reports whether a contender is a policy, which is what judges are
// measured against.
func IsFixed(c sim.Contender) bool { return slices.Contains(lb.Policies, c.Name) }

// Detail returns the table of one scenario, with what the engine decided.
func (s *Sheet) Detail(sc *scenario.Scenario) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", s.bold(sc.Name), sc.About)
	best := s.Best(sc.Name)
	fmt.Fprintf(&b, "  %-26s %8s %8s %8s %8s %9s %8s  %s\n", "", "mean ms", "p50", "p99", "p99.9", "failed", "loss", "against the best policy")
	rows := slices.Clone(s.Contenders)
	slices.SortStableFunc(rows, func(a, b sim.Contender) int { return cmp.Compare(rank(a), rank(b)) })
	for _, c := range rows {
		if x := s.Cell(sc.Name, c); x != nil {
			b.WriteString(s.row(x, best))
		}
	}
	for _, c := range rows {
		if x := s.Cell(sc.Name, c); x != nil && len(x.Decisions) > 0 {
			s.decisions(&b, x)
		}
	}
	return b.String()
}

func rank(c sim.Contender) int {
	switch {
	case c.Name == sim.Floor || c.Name == sim.Central:
		return 2
	case !IsFixed(c):
		return 1
	}
	return 0
}

func (s *Sheet) row(x, best *Cell) string {
	mark, against := " ", ""
	if best != nil {
		against = fmt.Sprintf("%+.1f %%", 100*(x.Loss/best.Loss-1))
	}
	if x == best {
		mark, against = "*", "the best"
	}
	if x.switches > 0 {
		against += fmt.Sprintf(", %.3g %s", float64(x.switches)/float64(x.seeds), plural(x.switches, x.seeds, "switch"))
	}
	if at, ok := s.right(x, best); ok {
		against += fmt.Sprintf(", right after %.0f s", at.Seconds())
	}
	line := fmt.Sprintf("%s %-26s %8s %8s %8s %8s %9s %8s  %s", mark, x.Contender, ms(x.Mean), ms(x.P50), ms(x.P99), ms(x.P999), percent(x.Failed), ms(x.Loss), against)
	switch {
	case x == best:
		line = s.green(line)
	case rank(x.Contender) == 2:
		line = s.faint(line)
	}
	return line + "\n"
}

// nearly is how much worse than the best a policy may be and still be right.
const nearly = 1.08

// right returns when a judge first switched to a policy that is about as good
// as the best, false when it never had to or never did.
func (s *Sheet) right(x, best *Cell) (time.Duration, bool) {
	if best == nil {
		return 0, false
	}
	for _, w := range x.Switches {
		if then := s.Cell(x.Scenario, sim.Contender{Name: w.To}); then != nil && then.Loss <= nearly*best.Loss {
			return w.At, true
		}
	}
	return 0, false
}

func plural(n, of int, word string) string {
	if n == of {
		return word
	}
	return word + "es"
}

// mostTold bounds the decisions that are shown of one run.
const mostTold = 12

// decisions tells what a judge decided: the switches, and the first of every
// other kind.
func (s *Sheet) decisions(b *strings.Builder, x *Cell) {
	fmt.Fprintf(b, "  %s decided:\n", x.Contender)
	told, last, left := 0, "", 0
	for _, d := range x.Decisions {
		if !d.Switched() && d.Text == last {
			continue
		}
		last = d.Text
		if told == mostTold {
			left++
			continue
		}
		told++
		text := d.Text
		if d.Switched() {
			text = s.bold(text)
		}
		fmt.Fprintf(b, "    %5.0f s  %s\n", d.At.Seconds(), text)
	}
	if left > 0 {
		fmt.Fprintf(b, "    and %d more; --json lists them all\n", left)
	}
}

func ms(seconds float64) string {
	v := seconds * 1e3
	switch {
	case math.IsNaN(v):
		return "-"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func percent(share float64) string {
	switch {
	case share == 0:
		return "0"
	case share < 0.0001:
		return "<0.01 %"
	}
	return fmt.Sprintf("%.2f %%", 100*share)
}

func (s *Sheet) bold(t string) string  { return s.paint("1", t) }
func (s *Sheet) green(t string) string { return s.paint("32", t) }
func (s *Sheet) faint(t string) string { return s.paint("2", t) }

func (s *Sheet) paint(code, t string) string {
	if !s.Colour {
		return t
	}
	return "\x1b[" + code + "m" + t + "\x1b[0m"
}
