package report

import (
	"fmt"
	"math"
)

// A card shows one run of one subject over time: latency, then the share that
// each endpoint got, then what was under way there, and the engine's decisions
// on the same axis.
const (
	cardWidth   = 372.0
	cardLeft    = 42.0
	cardRight   = 366.0
	latencyTop  = 40.0
	latencyHigh = 96.0
	mapGap      = 22.0 // a map's title
	mostMap     = 84.0 // height of one
	mostRow     = 9.0  // of one endpoint
	axisHigh    = 20.0
)

// frame is what all cards of a scenario share, so that they can be compared.
type frame struct {
	s      *Scenario
	x      scale // seconds
	y      scale // ms
	others string
	warm   float64
	maps   float64 // height of a map
}

// frame finds the scales, and draws the p99 of all subjects once: each card
// shows it behind its own.
func (s *Scenario) frame(warm, length float64) *frame {
	f := &frame{s: s, warm: warm, maps: min(mostMap, mostRow*float64(len(s.Endpoints)))}
	lo, hi := math.Inf(1), 0.0
	for i := range s.Rows {
		run := s.Rows[i].first()
		if run == nil {
			continue
		}
		_, p50, p99 := run.percentiles()
		for j := range p50 {
			if p50[j] > 0 {
				lo = min(lo, p50[j])
			}
			if p99[j] > 0 {
				hi = max(hi, p99[j])
			}
		}
	}
	f.x = scale{from: cardLeft, to: cardRight, lo: 0, hi: max(1, length)}
	f.y = logScale(latencyTop+latencyHigh, latencyTop, lo, hi)
	var c canvas
	for i := range s.Rows {
		if run := s.Rows[i].first(); run != nil {
			each, _, p99 := run.percentiles()
			c.curve(f.points(each, p99), "other")
		}
	}
	f.others = c.b.String()
	return f
}

func (f *frame) points(each int, values []float64) (all []point) {
	for i, v := range values {
		y := math.NaN()
		if v > 0 {
			y = f.y.at(v)
		}
		all = append(all, point{f.x.at((float64(i) + 0.5) * float64(each)), y})
	}
	return all
}

// card draws a row. others is drawn behind its latency: the curves themselves,
// or a reference to them within a page.
func (f *frame) card(r *Row, others string) *canvas {
	run := r.first()
	c := &canvas{width: cardWidth, label: fmt.Sprintf("%s under %s over time: latency, shares and requests under way", r.Subject, f.s.Name)}
	c.text(0, 16, "head", r.Subject)
	c.text(cardRight, 16, "end soft", fmt.Sprintf("p50 %s · p99 %s · loss %s ms", number(run.Values["p50"]), number(run.Values["p99"]), number(run.Values["loss"])))
	maps := latencyTop + latencyHigh
	bottom := maps + 2*(mapGap+f.maps)
	f.marks(c)
	for _, v := range f.y.ticks(4) {
		c.line(cardLeft, f.y.at(v), cardRight, f.y.at(v), "grid")
		c.text(cardLeft-5, f.y.at(v)+4, "soft end tiny", plain(v))
	}
	c.text(0, latencyTop-8, "soft tiny", "ms")
	c.printf("%s", others)
	each, p50, p99 := run.percentiles()
	c.curve(f.points(each, p99), "p99")
	c.curve(f.points(each, p50), "p50")
	n := len(f.s.Endpoints)
	f.heat(c, maps+mapGap, each, "share of the requests, by endpoint", &heat{run.shares(n), shareLevel})
	f.heat(c, maps+2*mapGap+f.maps, each, "requests under way, by endpoint", &heat{run.flights(n), flightLevel})
	f.moments(c, bottom)
	if r.Kind == Judge {
		f.decisions(c, run, bottom)
	}
	for _, v := range f.x.ticks(7) {
		if at := f.x.at(v); at < cardRight-34 {
			c.text(at, bottom+14, "soft mid tiny", plain(v))
		}
	}
	c.text(cardRight, bottom+14, "soft end tiny", plain(math.Round(f.x.hi))+" s")
	c.height = bottom + axisHigh
	return c
}

// heat draws a map whose columns are stretches of so many seconds.
func (f *frame) heat(c *canvas, y float64, each int, title string, h *heat) {
	c.text(cardLeft, y-5, "soft tiny", title)
	if len(h.rows) == 0 {
		return
	}
	h.draw(c, cardLeft, y, f.x.at(float64(each*len(h.rows[0])))-cardLeft, f.maps)
	// Where one group of endpoints ends and another begins.
	row := f.maps / float64(len(h.rows))
	last := ""
	for i, e := range f.s.Endpoints {
		if e.Group == last {
			continue
		}
		at := y + row*float64(i)
		if last != "" {
			c.line(cardLeft-40, at, cardRight, at, "cut")
		}
		c.text(0, at+9, "soft tiny", shortened(e.Group))
		last = e.Group
	}
}

// shortened is a name of at most seven letters.
func shortened(name string) string {
	const most = 7
	if r := []rune(name); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return name
}

// marks shades what is not measured and what happens meanwhile.
func (f *frame) marks(c *canvas) {
	const top, bottom = latencyTop - 6, latencyTop + latencyHigh
	if f.warm > 0 {
		c.rect(cardLeft, top, f.x.at(f.warm)-cardLeft, bottom-top, "warm")
	}
	for i := range f.s.Marks {
		m := &f.s.Marks[i]
		if from, to := f.x.at(m.From), f.x.at(m.To); to-from >= 1 {
			c.rect(from, top, to-from, bottom-top, "event")
		}
	}
}

// moments are lines over everything where something begins or ends.
func (f *frame) moments(c *canvas, bottom float64) {
	seen := map[float64]bool{}
	for i := range f.s.Marks {
		for _, t := range []float64{f.s.Marks[i].From, f.s.Marks[i].To} {
			if seen[t] || t <= 0 || t >= f.x.hi {
				continue
			}
			seen[t] = true
			c.line(f.x.at(t), latencyTop-6, f.x.at(t), bottom, "happens")
		}
	}
}

// decisions marks each change with its number on the axis, and what was only
// considered with a stroke.
func (f *frame) decisions(c *canvas, run *Run, bottom float64) {
	n := 0
	for i := range run.Decisions {
		d := &run.Decisions[i]
		at := f.x.at(max(0, d.At))
		if !d.Changed() {
			c.line(at, bottom, at, bottom+4, "held")
			continue
		}
		n++
		c.line(at, latencyTop-6, at, bottom, "decided")
		c.printf(`<path class="decision" d="M%s %sm-5 -6h10l-5 7z"/>`, coordinate(at), coordinate(latencyTop-6))
		c.text(at+7, latencyTop-6, "tiny strong", fmt.Sprint(n))
	}
}
