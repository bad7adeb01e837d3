package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"poise/internal/stats"
)

// overall is what a subject is over all scenarios.
type overall struct {
	Subject   string
	Kind      Kind
	Scenarios int     // that it was measured in
	Best      int     // of them, in which it has the least loss or cannot be told from what has
	Median    float64 // loss as a multiple of the least
	Worst     float64
	Where     string // the scenario of the worst
}

// overalls are those of all subjects, the least worst case first; those that
// were in fewer scenarios come after those that were in all.
func (r *Results) overalls() (all []overall) {
	for _, name := range r.subjects() {
		if o := r.overall(name); o.Scenarios > 0 {
			all = append(all, o)
		}
	}
	slices.SortStableFunc(all, func(a, b overall) int {
		return cmp.Or(cmp.Compare(b.Scenarios, a.Scenarios), cmp.Compare(a.Worst, b.Worst), cmp.Compare(a.Median, b.Median))
	})
	return all
}

func (r *Results) overall(name string) overall {
	o := overall{Subject: name}
	var multiples []float64
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		best, beside, ok := s.Winner()
		row := s.row(name)
		if !ok || row == nil || !row.Loss().known() {
			continue
		}
		o.Kind = row.Kind
		o.Scenarios++
		if row == best || slices.Contains(beside, row) {
			o.Best++
		}
		m := row.Loss().Value / best.Loss().Value
		multiples = append(multiples, m)
		if m > o.Worst {
			o.Worst, o.Where = m, s.Name
		}
	}
	o.Median = stats.Median(multiples)
	return o
}

// verdicts say of each engine in how many scenarios it was right.
func (r *Results) verdicts() (all []string) {
	for _, name := range r.subjects() {
		known, right := 0, 0
		var wrong []string
		for i := range r.Scenarios {
			s := &r.Scenarios[i]
			row := s.row(name)
			if row == nil {
				continue
			}
			v := s.Judged(row)
			switch {
			case !v.Known:
			case v.Right:
				known, right = known+1, right+1
			default:
				known++
				wrong = append(wrong, s.Name)
			}
		}
		if known == 0 {
			continue
		}
		text := fmt.Sprintf("%s ended with a right policy in %d of %d scenarios", name, right, known)
		if len(wrong) > 0 {
			text += ", and with a wrong one under " + list(wrong)
		}
		all = append(all, text+".")
	}
	return all
}

// rightness is in words what makes a policy the right one.
var rightness = fmt.Sprintf("A policy is right when its own loss is at most %g times that of the best policy, measured beside it, or cannot be told from it.", nearly)

func (r *Results) overallText(b *strings.Builder) {
	all := r.overalls()
	if len(all) == 0 {
		return
	}
	b.WriteString("\n## Over all scenarios\n\nLoss as a multiple of the least; the least worst case first.\n\n| | best, or not to be told from it | median | worst | under |\n|---|--:|--:|--:|---|\n")
	for _, o := range all {
		fmt.Fprintf(b, "| %s | %d of %d | %s | %s | %s |\n", cellText(o.Subject), o.Best, o.Scenarios, number(o.Median), number(o.Worst), o.Where)
	}
	if verdicts := r.verdicts(); len(verdicts) > 0 {
		b.WriteString("\n")
		for _, v := range verdicts {
			fmt.Fprintf(b, "- %s\n", v)
		}
		fmt.Fprintf(b, "\n%s\n", rightness)
	}
}
