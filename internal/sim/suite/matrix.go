package suite

import (
	"fmt"
	"math"
	"strings"

	"poise/internal/scenario"
	"poise/internal/sim"
)

// Against is how a contender stands against the best fixed policy of each
// scenario, in hindsight.
type Against struct {
	Geometric float64 // mean of loss over the best loss
	Worst     float64
	WorstIn   string
	Over5     int // scenarios in which it is more than 5 % worse
	Scenarios int
}

// Against sums up a contender over scenarios.
func (s *Sheet) Against(c sim.Contender, of []*scenario.Scenario) (a Against) {
	sum := 0.0
	for _, sc := range of {
		x, best := s.Cell(sc.Name, c), s.Best(sc.Name)
		if x == nil || best == nil || x.Loss <= 0 {
			continue
		}
		ratio := x.Loss / best.Loss
		sum += math.Log(ratio)
		a.Scenarios++
		if ratio > a.Worst {
			a.Worst, a.WorstIn = ratio, sc.Name
		}
		if ratio > 1.05 {
			a.Over5++
		}
	}
	a.Geometric = math.Exp(sum / float64(max(a.Scenarios, 1)))
	return a
}

// short are the names of contenders as heads of columns.
var short = map[string]string{
	"round-robin": "rr", "random": "random", "least-request": "least", "p2c": "p2c", "peak-ewma": "ewma", "hot-cold": "hot-cold",
	"expected-delay": "expected", "bounded-hash": "b-hash", "ring-hash": "r-hash", "maglev": "maglev",
}

func head(c sim.Contender) string {
	name := c.Name
	if s := short[name]; s != "" {
		name = s
	}
	if c.From != "" {
		name += "<" + c.From
	}
	return name
}

// Matrix returns the loss of every contender in every scenario, by group, the
// best policy marked, and below it how each stands against the best.
func (s *Sheet) Matrix() string {
	var b strings.Builder
	wide := 18
	for _, sc := range s.Scenarios {
		wide = max(wide, len(sc.Name))
	}
	fmt.Fprintf(&b, "loss in ms: mean latency + 0.1 × mean of the worst 1 %%, a failure counting %v; * the best policy\n", sim.FailureCost)
	for _, g := range groupsOf(s.Scenarios) {
		fmt.Fprintf(&b, "\n%-*s", wide, g.name)
		for _, c := range s.Contenders {
			fmt.Fprintf(&b, " %9.9s", head(c))
		}
		b.WriteByte('\n')
		for _, sc := range g.scenarios {
			s.line(&b, sc, wide)
		}
		s.summary(&b, g, wide)
	}
	if len(groupsOf(s.Scenarios)) > 1 {
		b.WriteByte('\n')
		s.summary(&b, group{"all", s.Scenarios}, wide)
	}
	return b.String()
}

func (s *Sheet) line(b *strings.Builder, sc *scenario.Scenario, wide int) {
	best := s.Best(sc.Name)
	fmt.Fprintf(b, "%-*s", wide, sc.Name)
	for _, c := range s.Contenders {
		x := s.Cell(sc.Name, c)
		switch {
		case x == nil:
			fmt.Fprintf(b, " %9s", "-")
		case x == best:
			b.WriteString(" " + s.green(fmt.Sprintf("%9s", ms(x.Loss)+"*")))
		case rank(c) == 2:
			b.WriteString(" " + s.faint(fmt.Sprintf("%8s ", ms(x.Loss))))
		default:
			fmt.Fprintf(b, " %8s ", ms(x.Loss))
		}
	}
	b.WriteByte('\n')
}

// summary writes the means of a group.
func (s *Sheet) summary(b *strings.Builder, g group, wide int) {
	var geometric, worst, over strings.Builder
	for _, c := range s.Contenders {
		a := s.Against(c, g.scenarios)
		fmt.Fprintf(&geometric, " %8.3f ", a.Geometric)
		fmt.Fprintf(&worst, " %8.2f ", a.Worst)
		fmt.Fprintf(&over, " %8d ", a.Over5)
	}
	fmt.Fprintf(b, "%-*s%s\n", wide, fmt.Sprintf("mean of %d / best", len(g.scenarios)), s.bold(geometric.String()))
	fmt.Fprintf(b, "%-*s%s\n%-*s%s\n", wide, "worst / best", &worst, wide, "> 5 % worse", &over)
}

type group struct {
	name      string
	scenarios []*scenario.Scenario
}

func groupsOf(all []*scenario.Scenario) (groups []group) {
	for _, name := range append([]string{"own"}, scenario.Groups...) {
		g := group{name: name}
		for _, s := range all {
			if s.Group == name {
				g.scenarios = append(g.scenarios, s)
			}
		}
		if len(g.scenarios) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}
