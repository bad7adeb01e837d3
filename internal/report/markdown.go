package report

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the same as a text: the tables, the sentences, the decisions.
// plots is where the SVG files are, relative to the text; "" shows none.
func (r *Results) Markdown(w io.Writer, plots string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s, on %s.\n\n%s\n", r.Title, r.When.UTC().Format("2006-01-02 15:04 UTC"), r.Machine, r.summary())
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	b.WriteString("\n")
	for _, p := range r.Programs {
		fmt.Fprintf(&b, "- %s %s\n", p.Name, p.Version)
	}
	r.matrixText(&b)
	r.overallText(&b)
	for i := range r.Scenarios {
		r.Scenarios[i].markdown(&b, plots)
	}
	fmt.Fprintf(&b, "\n## Which runs exist\n\n%s\n\n", r.cellsLine())
	for _, g := range r.gaps() {
		fmt.Fprintf(&b, "- %s\n", g)
	}
	if r.Command != "" {
		fmt.Fprintf(&b, "\nAgain: `%s`\n", r.Command)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Results) matrixText(b *strings.Builder) {
	m := r.matrix()
	if m == nil {
		return
	}
	b.WriteString("\n## At a glance\n\nLoss as a multiple of the least in each scenario; ★ has the least, ≈ overlaps with it.\n\n| |")
	for _, s := range m.Subjects {
		b.WriteString(" " + cellText(s) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(m.Subjects)) + "\n")
	for _, l := range m.Lines {
		b.WriteString("| " + cellText(l.Name) + " |")
		for _, c := range l.Cells {
			b.WriteString(" " + c.Text + " |")
		}
		b.WriteString("\n")
	}
}

// cellText is a text that does not end a cell of a table.
func cellText(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func (s *Scenario) markdown(b *strings.Builder, plots string) {
	fmt.Fprintf(b, "\n## %s\n\n%s. %s", s.Name, capitalised(s.About), s.asked())
	for i := range s.Marks {
		fmt.Fprintf(b, " %s.", s.Marks[i].String())
	}
	b.WriteString("\n\n")
	for _, f := range s.Facts() {
		fmt.Fprintf(b, "- %s\n", f)
	}
	for _, v := range s.engines() {
		fmt.Fprintf(b, "- %s\n", v.Text)
	}
	best, _, ok := s.Winner()
	if !ok {
		return
	}
	if plots != "" {
		fmt.Fprintf(b, "\n![Loss under %s](%s/loss-%s.svg)\n", s.Name, plots, slug(s.Name))
	}
	b.WriteString("\n| |")
	for _, c := range columns() {
		b.WriteString(" " + c + " |")
	}
	b.WriteString(" of the floor | of central | runs |\n|---|" + strings.Repeat("--:|", len(Quantities)+3) + "\n")
	for _, row := range s.ranked() {
		l := s.line(row, row == best)
		star := ""
		if l.Best {
			star = "★ "
		}
		fmt.Fprintf(b, "| %s%s |", star, cellText(l.Subject))
		for _, v := range l.Values {
			b.WriteString(" " + strings.TrimSpace(v.Value+" "+v.Interval) + " |")
		}
		fmt.Fprintf(b, " %s | %s | %s |\n", l.Floor, l.Central, l.Runs)
	}
	s.decisionsText(b)
}

func (s *Scenario) decisionsText(b *strings.Builder) {
	for _, row := range s.ranked() {
		c := cardOf("", row)
		if len(c.Decisions)+len(c.Held) == 0 {
			continue
		}
		fmt.Fprintf(b, "\nWhat %s decided:\n\n", row.Subject)
		for _, d := range c.Decisions {
			fmt.Fprintf(b, "- **%s**", d.Line)
			if len(d.Reasons) > 0 {
				fmt.Fprintf(b, " (%s)", strings.Join(d.Reasons, "; "))
			}
			b.WriteString("\n")
		}
		for _, d := range c.Held {
			fmt.Fprintf(b, "- %s\n", d.Line)
		}
	}
}

// Plots are all plots as files by their names.
func (r *Results) Plots() map[string]string {
	all := map[string]string{}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		if len(s.ranked()) == 0 {
			continue
		}
		anchor := slug(s.Name)
		all["loss-"+anchor+".svg"] = s.dots().file()
		f := s.frame(r.Warm, r.Length)
		for _, row := range s.ranked() {
			all[anchor+"-"+slug(row.Subject)+".svg"] = f.card(row, f.others).file()
		}
	}
	return all
}
