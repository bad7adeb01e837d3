package main

import (
	"fmt"
	"slices"
	"strings"

	"poise/bench/plot"
)

// A growths table puts the steps of what grows side by side.
type growths struct {
	what  string // endpoints or connections
	cores int
	steps []*Table // in the order of their sizes, as they were measured
}

// growths groups the tables of what grows.
func (rep *Report) growths() (all []*growths) {
	for i := range rep.Tables {
		t := &rep.Tables[i]
		if t.Phase != growth {
			continue
		}
		what, _, _ := strings.Cut(t.Case, "-")
		at := slices.IndexFunc(all, func(g *growths) bool { return g.what == what && g.cores == t.Cores })
		if at < 0 {
			at = len(all)
			all = append(all, &growths{what: what, cores: t.Cores})
		}
		all[at].steps = append(all[at].steps, t)
	}
	return all
}

// names are those of the rows: policies or proxies.
func (g *growths) names() (names []string) {
	for _, t := range g.steps {
		for _, w := range t.Rows {
			if !slices.Contains(names, w.Of) {
				names = append(names, w.Of)
			}
		}
	}
	return names
}

func (g *growths) title() string {
	if g.what == endpointsName {
		return fmt.Sprintf("Poise, by policy and number of endpoints, %d core(s)", g.cores)
	}
	return fmt.Sprintf("by number of busy connections, %d core(s)", g.cores)
}

// row returns what a step found of a name, nil if it was not measured.
func (t *Table) row(name string) *Row {
	if i := slices.IndexFunc(t.Rows, func(w Row) bool { return w.Of == name }); i >= 0 {
		return &t.Rows[i]
	}
	return nil
}

// size of a step, as it stands in its name.
func (t *Table) size() string {
	_, n, _ := strings.Cut(t.Case, "-")
	return n
}

// markdown writes the CPU per request, a column a step.
func (g *growths) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## growth, CPU us/request: %s\n\n|", g.title())
	for _, t := range g.steps {
		fmt.Fprintf(b, " | %s", t.size())
	}
	fmt.Fprintf(b, " |\n|---%s|\n", strings.Repeat("|--:", len(g.steps)))
	for _, name := range g.names() {
		fmt.Fprintf(b, "| %s", name)
		for _, t := range g.steps {
			fmt.Fprintf(b, " | %s", t.row(name).cell("cpu_us"))
		}
		b.WriteString(" |\n")
	}
}

// cell is a quantity in a table: its median and interval, or why there is none.
func (w *Row) cell(key string) string {
	if w == nil {
		return "not measured"
	}
	s, is := w.Stats[key]
	switch {
	case is && s.Range != nil:
		return fmt.Sprintf("%s (%s … %s)", plot.Number(s.Median), plot.Number(s.Range[0]), plot.Number(s.Range[1]))
	case is:
		return plot.Number(s.Median)
	case w.Void+w.Failed > 0:
		return fmt.Sprintf("%d void, %d failed", w.Void, w.Failed)
	}
	return ""
}

// growthChart draws a panel for each policy or proxy, its rows the steps.
func (rep *Report) growthChart() *plot.Chart {
	c := &plot.Chart{
		Title:   "What grows",
		Notes:   []string{rep.Machine + ", " + rep.When.Format("2006-01-02"), "Medians with 95 % intervals, small GETs as fast as there are answers. Less is better."},
		Columns: []string{"CPU us a request", "RSS MiB"},
	}
	for _, g := range rep.growths() {
		for _, name := range g.names() {
			p := plot.Panel{Title: name + ", " + g.what + fmt.Sprintf(", %d core(s)", g.cores)}
			for _, t := range g.steps {
				if w := t.row(name); w != nil {
					p.Rows = append(p.Rows, plot.Row{Name: t.size(), Strong: g.what == endpointsName || name == "poise", Values: []plot.Value{valueOf(w, "cpu_us"), valueOf(w, "rss_mib")}})
				}
			}
			c.Panels = append(c.Panels, p)
		}
	}
	return c
}
