package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// canvas gathers the elements of one plot.
type canvas struct {
	b             strings.Builder
	width, height float64
	label         string // what it shows, for those who cannot see it
}

func (c *canvas) printf(format string, args ...any) { fmt.Fprintf(&c.b, format, args...) }

func (c *canvas) text(x, y float64, class, text string) {
	c.printf(`<text x="%s" y="%s" class="%s">%s</text>`, coordinate(x), coordinate(y), class, html.EscapeString(text))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	c.printf(`<path class="%s" d="M%s %sL%s %s"/>`, class, coordinate(x1), coordinate(y1), coordinate(x2), coordinate(y2))
}

func (c *canvas) rect(x, y, w, h float64, class string) {
	c.printf(`<rect x="%s" y="%s" width="%s" height="%s" class="%s"/>`, coordinate(x), coordinate(y), coordinate(w), coordinate(h), class)
}

type point struct{ x, y float64 }

// curve draws a line through points; it is broken where a value is none.
func (c *canvas) curve(points []point, class string) {
	var d strings.Builder
	pen := "M"
	for _, p := range points {
		if math.IsNaN(p.y) {
			pen = "M"
			continue
		}
		d.WriteString(pen + coordinate(p.x) + " " + coordinate(p.y))
		pen = "L"
	}
	if d.Len() > 0 {
		c.printf(`<path class="%s" d="%s"/>`, class, d.String())
	}
}

// coordinate is to a tenth of a pixel, in as few bytes as it takes.
func coordinate(v float64) string {
	text := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(text, ".0")
}

// inline is the plot as an element of a page that has the style.
func (c *canvas) inline(name string) string {
	return fmt.Sprintf(`<svg class="plot" data-name="%s" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">%s</svg>`,
		name, coordinate(c.width), coordinate(c.height), coordinate(c.width), coordinate(c.height), html.EscapeString(c.label), c.b.String())
}

// file is the plot as a file of its own.
func (c *canvas) file() string {
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 %s %s\" width=\"%s\" height=\"%s\" role=\"img\"><title>%s</title><style>%s</style><rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>%s</svg>\n",
		coordinate(c.width), coordinate(c.height), coordinate(c.width), coordinate(c.height), html.EscapeString(c.label), plotStyle, c.b.String())
}

// scale turns values into coordinates.
type scale struct {
	from, to float64 // coordinates
	lo, hi   float64 // values
	log      bool
}

func (s scale) at(v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	v = max(s.lo, min(s.hi, v))
	if s.log {
		return s.from + (s.to-s.from)*math.Log(v/s.lo)/math.Log(s.hi/s.lo)
	}
	return s.from + (s.to-s.from)*(v-s.lo)/(s.hi-s.lo)
}

// logScale spans values from lo to hi, both above 0, a little wider.
func logScale(from, to, lo, hi float64) scale {
	if !(lo > 0) || math.IsInf(lo, 0) {
		lo = 0.1
	}
	if !(hi > lo) || math.IsInf(hi, 0) {
		hi = 10 * lo
	}
	return scale{from, to, lo / 1.15, hi * 1.15, true}
}

// ticks are round values on a scale, few enough to be read.
func (s scale) ticks(most int) (all []float64) {
	if !s.log {
		step := niceStep((s.hi - s.lo) / float64(max(1, most)))
		for v := math.Ceil(s.lo/step) * step; v <= s.hi+step/1e6; v += step {
			all = append(all, v)
		}
		return all
	}
	for _, of := range [][]float64{{1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9}, {1, 1.5, 2, 3, 4, 5, 7}, {1, 2, 3, 5}, {1, 2, 5}, {1, 3}, {1}} {
		all = nil
		for e := math.Floor(math.Log10(s.lo)); e <= math.Ceil(math.Log10(s.hi)); e++ {
			for _, m := range of {
				if v := m * math.Pow(10, e); v >= s.lo && v <= s.hi {
					all = append(all, v)
				}
			}
		}
		if len(all) <= most {
			break
		}
	}
	return all
}

// niceStep is 1, 2 or 5 times a power of ten, not below v.
func niceStep(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*base >= v {
			return m * base
		}
	}
	return 10 * base
}
