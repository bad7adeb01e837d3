// Package plot draws medians with their intervals as an SVG: panels of rows,
// a scale a column, readable on light and on dark.
package plot

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// A Chart has panels below each other; every panel has the same columns.
type Chart struct {
	Title   string
	Notes   []string
	Columns []string
	Panels  []Panel
}

// A Panel compares its rows; each of its columns has a scale from 0 of its own.
// It draws as many columns as its rows have values.
type Panel struct {
	Title string
	Rows  []Row
}

// A Row is one of those that are compared.
type Row struct {
	Name   string
	Strong bool    // the one that the chart is about
	Values []Value // one a column, the same number in all rows of a panel
}

// A Value is a median with its interval. Lo and Hi may be infinite: no
// interval is drawn then.
type Value struct {
	Median, Lo, Hi float64
	Missing        string // why there is none
}

const (
	width    = 920
	nameEnds = 160 // where the names of rows end
	gap      = 24  // between columns
	numbers  = 66  // room for the number beside a plot
	rowHigh  = 18
	headHigh = 30 // of a panel: its title
	axisHigh = 26 // of a panel: its scale
)

const style = `
svg { font: 12px system-ui, sans-serif; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --paper: #ffffff; --ours: #0a58ca; --other: #6e7781 }
@media (prefers-color-scheme: dark) { svg { --ink: #f0f6fc; --soft: #9198a1; --line: #3d444d; --paper: #0d1117; --ours: #58a6ff; --other: #9ea7b3 } }
.paper { fill: var(--paper) } text { fill: var(--ink) } .soft { fill: var(--soft) } .head { font-weight: 600 } .title { font-size: 16px; font-weight: 600 }
.grid { stroke: var(--line) } .other { stroke: var(--other); fill: var(--other) } .ours { stroke: var(--ours); fill: var(--ours) }
text.ours { stroke: none; font-weight: 600 } .end { text-anchor: end } .mid { text-anchor: middle }
`

// Write draws the chart.
func (c *Chart) Write(w io.Writer) error {
	var b strings.Builder
	y := 34
	fmt.Fprintf(&b, "<text x=\"16\" y=\"%d\" class=\"title\">%s</text>\n", y, html.EscapeString(c.Title))
	for _, n := range c.Notes {
		y += 18
		fmt.Fprintf(&b, "<text x=\"16\" y=\"%d\" class=\"soft\">%s</text>\n", y, html.EscapeString(n))
	}
	y += 12
	for i := range c.Panels {
		y = c.panel(&b, &c.Panels[i], y)
	}
	_, err := fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<style>%s</style>\n<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n%s</svg>\n",
		width, y+8, width, y+8, style, width, y+8, b.String())
	return err
}

// column returns where the plot of a column begins and how wide it is.
func (c *Chart) column(i int) (x, wide float64) {
	each := float64(width-nameEnds-16) / float64(len(c.Columns))
	return nameEnds + each*float64(i) + gap/2, each - gap - numbers
}

func (c *Chart) panel(b *strings.Builder, p *Panel, y int) (next int) {
	top := y + headHigh
	bottom := top + rowHigh*len(p.Rows)
	fmt.Fprintf(b, "<text x=\"16\" y=\"%d\" class=\"head\">%s</text>\n", y+20, html.EscapeString(p.Title))
	for i, r := range p.Rows {
		fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" class=\"end%s\">%s</text>\n", nameEnds-4, top+rowHigh*i+13, strong(r, " ours", ""), html.EscapeString(r.Name))
	}
	for i, name := range c.Columns {
		if len(p.Rows) == 0 || i >= len(p.Rows[0].Values) {
			break
		}
		x, wide := c.column(i)
		most, step := scale(p.Rows, i)
		at := func(v float64) float64 { return x + wide*min(v, most)/most }
		for v := 0.0; v <= most+step/2; v += step {
			fmt.Fprintf(b, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" class=\"grid\"/><text x=\"%.1f\" y=\"%d\" class=\"soft mid\">%s</text>\n",
				at(v), at(v), top, bottom, at(v), bottom+14, Number(v))
		}
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\" class=\"soft end\">%s</text>\n", x+wide+numbers, y+20, html.EscapeString(name))
		for j, r := range p.Rows {
			mark(b, r, i, at, point{x + wide + numbers, float64(top + rowHigh*j + 9)})
		}
	}
	return bottom + axisHigh
}

type point struct{ x, y float64 }

// mark draws a value of a row: its interval as a line, its median as a dot and
// as a number that ends where end is.
func mark(b *strings.Builder, r Row, column int, at func(float64) float64, end point) {
	v, y := r.Values[column], end.y
	if v.Missing != "" || math.IsNaN(v.Median) {
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" class=\"soft\">%s</text>\n", at(0)+4, y+4, html.EscapeString(v.Missing))
		return
	}
	class := strong(r, "ours", "other")
	if !math.IsInf(v.Lo, 0) && !math.IsInf(v.Hi, 0) {
		fmt.Fprintf(b, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"%s\" stroke-width=\"2\"/>\n", at(max(v.Lo, 0)), at(max(v.Hi, 0)), y, y, class)
	}
	fmt.Fprintf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" class=\"%s\" stroke=\"none\"/><text x=\"%.1f\" y=\"%.1f\" class=\"end%s\">%s</text>\n",
		at(max(v.Median, 0)), y, class, end.x, y+4, strong(r, " ours", ""), Number(v.Median))
}

func strong(r Row, yes, no string) string {
	if r.Strong {
		return yes
	}
	return no
}

// scale returns the end of a column's scale, from 0, and the step of its lines:
// 1, 2 or 5 times a power of ten, at most five of them.
func scale(rows []Row, column int) (most, step float64) {
	for _, r := range rows {
		v := r.Values[column]
		if v.Missing != "" {
			continue
		}
		for _, x := range []float64{v.Median, v.Hi} {
			if !math.IsInf(x, 0) && !math.IsNaN(x) {
				most = max(most, x)
			}
		}
	}
	if most == 0 {
		return 1, 1
	}
	step = math.Pow(10, math.Floor(math.Log10(most/5)))
	for _, times := range []float64{1, 2, 5, 10} {
		if most/(step*times) <= 5 {
			step *= times
			break
		}
	}
	return step * math.Ceil(most/step), step
}

// Number prints a value in three digits.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "-"
	case a >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.3gk", v/1e3)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
