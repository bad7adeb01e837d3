package report

import (
	"fmt"
	"slices"
	"strings"
)

// Good is how many good runs there are.
func (r *Results) Good() (n int) {
	for i := range r.Scenarios {
		for _, row := range r.Scenarios[i].Rows {
			n += len(row.Runs)
		}
	}
	return n
}

// Text is a table for a terminal.
func (r *Results) Text() string {
	var b strings.Builder
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		best, beside, ok := s.Winner()
		if !ok {
			fmt.Fprintf(&b, "\n%s  %s\n  nothing good was measured\n", s.Name, s.About)
			continue
		}
		fmt.Fprintf(&b, "\n%s  %s\n  %-26s %22s %8s %8s %8s  %s\n", s.Name, s.About, "", "loss ms", "p50", "p99", "failed", "of the least")
		for _, row := range s.ranked() {
			mark := " "
			switch {
			case row == best:
				mark = "*"
			case slices.Contains(beside, row):
				mark = "≈"
			}
			fmt.Fprintf(&b, "%s %-26s %22s %8s %8s %8s  %s\n", mark, row.Subject, row.Loss(), number(row.estimate("p50").Value), number(row.estimate("p99").Value),
				number(row.estimate("failed").Value), times(row.Loss().Value, best.Loss().Value))
		}
		fmt.Fprintf(&b, "  floor %s, central %s ms\n", number(reference(s.Floor)), number(reference(s.Central)))
		for _, v := range s.engines() {
			fmt.Fprintf(&b, "  %s\n", v.Text)
		}
	}
	fmt.Fprintf(&b, "\n%s * has the least loss, ≈ overlaps with it.\n", r.cellsLine())
	return b.String()
}
