package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"poise/bench/plot"
	"poise/bench/rig"
)

func (rep *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Poise beside its peers\n\n%s, %s, on %s, rounds of %d s: medians, and in brackets an interval that holds the true median with 95 %% (from six good rounds on).\n\n", rep.When.Format("2006-01-02 15:04 UTC"), rep.Size, rep.Machine, rep.Seconds)
	for _, k := range slices.Sorted(maps.Keys(rep.Layouts)) {
		fmt.Fprintf(&b, "- %s core(s): %s\n", k, rep.Layouts[k])
	}
	for _, k := range slices.Sorted(maps.Keys(rep.Versions)) {
		fmt.Fprintf(&b, "- %s %s\n", k, rep.Versions[k])
	}
	for i := range rep.Tables {
		if rep.Tables[i].Phase != growth {
			rep.Tables[i].markdown(&b)
		}
	}
	for _, g := range rep.growths() {
		g.markdown(&b)
	}
	return b.String()
}

func (t *Table) markdown(b *strings.Builder) {
	cores := "one core"
	if t.Cores > 1 {
		cores = fmt.Sprintf("%d cores", t.Cores)
	}
	fmt.Fprintf(b, "\n## %s: %s, %s\n\n|", t.Case, t.Title, cores)
	rows := slices.Concat(t.Rows, t.Ratios)
	var shown []quantity
	for _, q := range quantities {
		if slices.ContainsFunc(rows, func(w Row) bool { _, is := w.Stats[q.key]; return is }) {
			shown = append(shown, q)
		}
	}
	for _, q := range shown {
		fmt.Fprintf(b, " | %s", q.title)
	}
	fmt.Fprintf(b, " | good rounds |\n|---%s|---|\n", strings.Repeat("|--:", len(shown)))
	for _, w := range rows {
		w.markdown(b, shown)
	}
}

func (w *Row) markdown(b *strings.Builder, shown []quantity) {
	fmt.Fprintf(b, "| %s", w.Of)
	good := 0
	for _, q := range shown {
		s, is := w.Stats[q.key]
		if !is {
			b.WriteString(" | ")
			continue
		}
		good = max(good, len(s.Rounds))
		b.WriteString(" | " + w.cell(q.key))
	}
	fmt.Fprintf(b, " | %d", good)
	if w.Void > 0 {
		fmt.Fprintf(b, ", %d void", w.Void)
	}
	if w.Failed > 0 {
		fmt.Fprintf(b, ", %d failed", w.Failed)
	}
	if w.Why != "" {
		fmt.Fprintf(b, ": %s", strings.NewReplacer("|", "/", "\n", " ").Replace(w.Why))
	}
	b.WriteString(" |\n")
}

// chart draws CPU and p99 of the cases.
func (rep *Report) chart() *plot.Chart {
	c := &plot.Chart{
		Title:   "Poise beside its peers",
		Notes:   []string{rep.Machine + ", " + rep.When.Format("2006-01-02"), "Medians with 95 % intervals; less is better. CPU: user and system of the proxy's processes, at its peak. Latency: at 70 % of the slowest peak."},
		Columns: []string{"CPU us a request", "p99 us"},
	}
	for i := range rep.Tables {
		t := &rep.Tables[i]
		switch t.Phase {
		case peak:
			c.Panels = append(c.Panels, rep.panel(t, "cpu_us", "p99_us"))
		case "idle":
			c.Panels = append(c.Panels, rep.panel(t, "idle_kib", ""))
			c.Panels[len(c.Panels)-1].Title += ", KiB each"
		}
	}
	return c
}

func (rep *Report) panel(t *Table, left, right string) plot.Panel {
	what := t.Title
	if k, is := rig.CaseOf(t.Case); is {
		what = k.What
	}
	p := plot.Panel{Title: fmt.Sprintf("%s, %d core(s)", what, t.Cores)}
	at := slices.IndexFunc(rep.Tables, func(o Table) bool { return o.Case == t.Case && o.Cores == t.Cores && o.Phase == rate })
	for _, w := range t.Rows {
		row := plot.Row{Name: w.Of, Strong: w.Of == "poise", Values: []plot.Value{valueOf(&w, left)}}
		if right != "" && at >= 0 {
			second := plot.Value{Missing: "not measured"}
			if o := rep.Tables[at].row(w.Of); o != nil {
				second = valueOf(o, right)
			}
			row.Values = append(row.Values, second)
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

func valueOf(w *Row, key string) plot.Value {
	s, is := w.Stats[key]
	switch {
	case is && s.Range != nil:
		return plot.Value{Median: s.Median, Lo: s.Range[0], Hi: s.Range[1]}
	case is:
		return plot.Value{Median: s.Median, Lo: math.Inf(-1), Hi: math.Inf(1)}
	case w.Failed > 0:
		return plot.Value{Missing: "failed"}
	}
	return plot.Value{Missing: "void"}
}
