package decide

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rule says which policy to use when all of its conditions hold for a while.
type Rule struct {
	When []When
	For  time.Duration // 0: two evaluations in a row, as for the model
	Use  string
}

// Comparison is how a rule compares.
type Comparison uint8

// The comparisons.
const (
	Holds Comparison = iota // the condition holds by its own definition
	Above
	Below
)

// When is one condition of a rule.
type When struct {
	Condition string
	Is        Comparison
	Value     float64 // a share as 0.05, not 5
}

// DefaultRules are what people expect of an engine with thresholds. They are
// asked in this order, and only those whose policy is a candidate.
var DefaultRules = []Rule{
	{When: []When{{Condition: Affinity}}, Use: "bounded-hash"},
	{When: []When{{Condition: ErrorRate, Is: Above, Value: 0.05}}, For: 10 * time.Second, Use: "peak-ewma"},
	{When: []When{{Condition: Bursty}}, Use: "least-request"},
	{When: []When{{Condition: SlowEndpoint, Is: Above, Value: 2}}, Use: "hot-cold"},
	{When: []When{{Condition: Heterogeneous}}, Use: "hot-cold"},
	{When: []When{{Condition: HeavyTail}}, Use: "least-request"},
}

// String renders a rule as it is written: {when: …, use: …}.
func (r Rule) String() string {
	var parts []string
	for _, w := range r.When {
		switch w.Is {
		case Above:
			parts = append(parts, fmt.Sprintf("%s > %.4g", w.Condition, w.Value))
		case Below:
			parts = append(parts, fmt.Sprintf("%s < %.4g", w.Condition, w.Value))
		default:
			parts = append(parts, w.Condition)
		}
	}
	text := strings.Join(parts, " and ")
	if r.For > 0 {
		text += " for " + r.For.String()
	}
	return text + " → " + r.Use
}

func (j *Judge) holds(r *Rule) bool {
	for _, w := range r.When {
		i := slices.IndexFunc(j.found.statistics, func(s Statistic) bool { return s.Name == w.Condition })
		if i < 0 {
			return false
		}
		value := j.found.statistics[i].Value
		named := j.named(w.Condition)
		if w.Is == Holds && !named || w.Is == Above && !(value > w.Value) || w.Is == Below && !(value < w.Value) {
			return false
		}
	}
	return len(r.When) > 0
}

// judgeRules decides by the first rule whose conditions hold.
func (j *Judge) judgeRules(v *View, d *Decision) {
	s, f := &j.state, &j.found
	ok := j.may(v)
	first := -1
	for i := range j.o.Rules {
		r := &j.o.Rules[i]
		switch {
		case !j.holds(r):
			s.Rules[i] = 0
		case s.Rules[i] == 0:
			s.Rules[i] = j.now
		}
		if s.Rules[i] != 0 && first < 0 && slices.Contains(j.o.Candidates, r.Use) {
			first = i
		}
	}
	if !ok {
		s.Beaten = 0
		return
	}
	if first < 0 || j.o.Rules[first].Use == s.Policy {
		s.Beaten = 0
		f.gates.ask(GateMargin, false, ruleText(j.o.Rules, first, s.Policy))
		return
	}
	r := &j.o.Rules[first]
	s.Beaten++
	d.To = r.Use
	held := j.now.Sub(s.Rules[first])
	agreed := s.Beaten >= agreeing && held >= r.For
	f.gates.ask(GateAgreement, agreed, fmt.Sprintf("rule %q holds for %s, in %d evaluations in a row", r, held.Round(time.Second), s.Beaten))
	j.change(v, d, proposal{to: r.Use, promised: f.measured.Loss, before: f.measured.Loss, high: f.measured.Loss * worse, why: "rule: " + r.String()})
}

func ruleText(rules []Rule, first int, policy string) string {
	if first < 0 {
		return "no rule's conditions hold"
	}
	return fmt.Sprintf("rule %q is for %s, which runs", rules[first], policy)
}
