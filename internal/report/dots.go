package report

import "math"

const (
	dotsWidth  = 580.0
	dotsNames  = 152.0 // where the names end, unless one is longer
	dotsNumber = 132.0 // room for the numbers beside
	dotsRow    = 21.0
	beforeDots = 14.0 // between a name and the scale
)

// dots draws the loss of all subjects with intervals on one scale, the least
// first, and floor and central as lines. What a subject is, its shape tells.
func (s *Scenario) dots() *canvas {
	rows := s.ranked()
	c := &canvas{width: dotsWidth, height: 34 + dotsRow*float64(len(rows)) + 26, label: "Loss of every subject under " + s.Name + ", with intervals"}
	floor, central := reference(s.Floor), reference(s.Central)
	lo, hi := math.Inf(1), 0.0
	for _, r := range rows {
		e := r.Loss()
		lo, hi = min(lo, e.Lo), max(hi, e.Hi)
	}
	for _, v := range []float64{floor, central} {
		if v > 0 {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	names := max(dotsNames, letter*float64(longest(subjectsOf(rows)))+beforeDots)
	x := logScale(names, dotsWidth-dotsNumber, lo, hi)
	top, bottom := 26.0, 30+dotsRow*float64(len(rows))
	for _, v := range x.ticks(6) {
		c.line(x.at(v), top, x.at(v), bottom, "grid")
		c.text(x.at(v), bottom+15, "soft mid", plain(v))
	}
	c.text(dotsWidth, bottom+15, "soft end", "loss, ms (log)")
	c.reference(x, floor, point{top, bottom}, "floor")
	c.reference(x, central, point{top, bottom}, "central")
	for i, r := range rows {
		y, strong := top+6+dotsRow*(float64(i)+0.5), ""
		if i == 0 {
			strong = " strong"
		}
		c.text(names-beforeDots, y+4, "end"+strong, r.Subject)
		c.dot(r, x, y, strong)
	}
	return c
}

// reference draws a line across all rows; at are its ends.
func (c *canvas) reference(x scale, v float64, at point, name string) {
	if !(v > 0) {
		return
	}
	c.line(x.at(v), at.x-4, x.at(v), at.y, "ref "+name)
	anchor := "soft end"
	dx := -3.0
	if name == "central" {
		anchor, dx = "soft", 3
	}
	c.text(x.at(v)+dx, at.x-9, anchor, name+" "+number(v))
}

func (c *canvas) dot(r *Row, x scale, y float64, strong string) {
	e := r.Loss()
	c.line(x.at(e.Lo), y, x.at(e.Hi), y, "span "+string(r.Kind))
	at := coordinate(x.at(e.Value)) + " " + coordinate(y)
	switch r.Kind {
	case Judge: // a diamond
		c.printf(`<path class="mark engine" d="M%sm0 -6l6 6l-6 6l-6 -6z"/>`, at)
	case Peer: // a square, hollow
		c.printf(`<path class="mark peer" d="M%sm-4.5 -4.5h9v9h-9z"/>`, at)
	default:
		c.printf(`<circle class="mark policy" cx="%s" cy="%s" r="5"/>`, coordinate(x.at(e.Value)), coordinate(y))
	}
	c.text(dotsWidth-dotsNumber+12, y+4, strong+" num", number(e.Value))
	c.text(dotsWidth, y+4, "soft end", e.interval())
}
