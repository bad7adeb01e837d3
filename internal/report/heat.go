package report

import (
	"math"
	"strings"
)

// levels are how many shades a heat map has. Its legend names their bounds.
const levels = 6

// heat is a map of rows over columns: rows are endpoints, columns stretches of
// time.
type heat struct {
	rows [][]float64
	of   func(v float64) int // level of a value, from 0
}

// shareLevel is by the share over an equal one.
func shareLevel(v float64) int { return levelOf(v, []float64{0.05, 0.5, 0.8, 1.25, 2}) }

// flightLevel is by the number of requests.
func flightLevel(v float64) int { return levelOf(v, []float64{0.5, 2, 4, 8, 16}) }

func levelOf(v float64, bounds []float64) int {
	for i, b := range bounds {
		if !(v >= b) { // also what is no number
			return i
		}
	}
	return len(bounds)
}

var (
	shareLegend  = []string{"none", "< ½", "½–0.8", "equal", "1¼–2", "≥ 2×"}
	flightLegend = []string{"0", "< 2", "2–4", "4–8", "8–16", "≥ 16"}
)

// draw fills a rectangle. Cells of a level that lie beside each other are one
// stroke, so that a map of thousands of cells is a few hundred bytes.
func (h *heat) draw(c *canvas, x, y, width, height float64) {
	if len(h.rows) == 0 || len(h.rows[0]) == 0 {
		return
	}
	var paths [levels]strings.Builder
	for r, row := range h.rows {
		for i := 0; i < len(row); {
			level, from := h.of(row[i]), i
			for i < len(row) && h.of(row[i]) == level {
				i++
			}
			b := &paths[level]
			b.WriteString("M" + coordinate(float64(from)) + " " + coordinate(float64(r)+0.5) + "h" + coordinate(float64(i-from)))
		}
	}
	c.printf(`<g transform="translate(%s %s) scale(%.4g %.4g)">`, coordinate(x), coordinate(y), width/float64(len(h.rows[0])), height/float64(len(h.rows)))
	for l := range paths {
		if paths[l].Len() > 0 {
			c.printf(`<path class="heat h%d" d="%s"/>`, l, paths[l].String())
		}
	}
	c.printf(`</g>`)
}

// mostColumns bounds what a plot over time shows; longer runs are shown in
// wider stretches.
const mostColumns = 60

// stretches cut a run into columns of so many seconds each.
func (r *Run) stretches() (each int, all [][]Second) {
	if len(r.Seconds) == 0 {
		return 1, nil
	}
	last := r.Seconds[len(r.Seconds)-1].At
	each = 1 + last/mostColumns
	all = make([][]Second, last/each+1)
	for _, s := range r.Seconds {
		all[s.At/each] = append(all[s.At/each], s)
	}
	return each, all
}

// shares are those of the endpoints by stretch, over an equal share.
func (r *Run) shares(endpoints int) [][]float64 {
	_, cut := r.stretches()
	rows := table(endpoints, len(cut))
	for at, some := range cut {
		whole := 0
		for _, s := range some {
			for e, n := range s.Shares {
				whole += n
				if e < endpoints {
					rows[e][at] += float64(n)
				}
			}
		}
		for e := range rows {
			rows[e][at] *= float64(endpoints) / math.Max(1, float64(whole))
		}
	}
	return rows
}

// flights are the requests under way at the endpoints by stretch.
func (r *Run) flights(endpoints int) [][]float64 {
	_, cut := r.stretches()
	rows := table(endpoints, len(cut))
	for at, some := range cut {
		for _, s := range some {
			for e, n := range s.InFlight {
				if e < endpoints {
					rows[e][at] += n / float64(len(some))
				}
			}
		}
	}
	return rows
}

func table(rows, columns int) [][]float64 {
	all := make([][]float64, rows)
	for i := range all {
		all[i] = make([]float64, columns)
	}
	return all
}

// percentiles are p50 and p99 by stretch, NaN where nothing was answered. Of
// several seconds it is their mean, weighed by requests.
func (r *Run) percentiles() (each int, p50, p99 []float64) {
	each, cut := r.stretches()
	for _, some := range cut {
		n, a, b := 0.0, 0.0, 0.0
		for _, s := range some {
			good := float64(s.Requests - s.Failed)
			n, a, b = n+good, a+good*s.P50, b+good*s.P99
		}
		if n == 0 {
			a, b, n = math.NaN(), math.NaN(), 1
		}
		p50, p99 = append(p50, a/n), append(p99, b/n)
	}
	return each, p50, p99
}
