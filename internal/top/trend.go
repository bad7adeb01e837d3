package top

import (
	"math"
	"strings"

	"poise/internal/admin"
)

// trendKept is how many states a trend goes back: they come once a second.
const trendKept = 60

// trend is what an endpoint did lately, the oldest first.
type trend struct {
	points []point
	seen   bool // in the last state
}

// point is what a state said of an endpoint, by column.
type point struct{ inflight, rate, failed, p50, p90, p99 float32 }

// draw adds a state to the trends, and forgets endpoints that left.
func (m *Model) draw(v *admin.Status) {
	for _, t := range m.trends {
		t.seen = false
	}
	for i := range v.Clusters {
		for j := range v.Clusters[i].Endpoints {
			e := &v.Clusters[i].Endpoints[j]
			key := trendOf(v.Clusters[i].Name, e.Address)
			t := m.trends[key]
			if t == nil {
				t = &trend{}
				m.trends[key] = t
			}
			t.seen = true
			t.points = append(t.points, point{float32(e.Inflight), float32(e.Rate), float32(e.Failures), float32(e.P50), float32(e.P90), float32(e.P99)})
			if len(t.points) > trendKept {
				t.points = t.points[1:]
			}
		}
	}
	for key, t := range m.trends {
		if !t.seen {
			delete(m.trends, key)
		}
	}
}

func trendOf(cluster, address string) string { return cluster + "\x00" + address }

// of is the value of a column, which is one of those that have a trend.
func (p *point) of(column string) float32 {
	switch column {
	case "in flight":
		return p.inflight
	case "per s", "load":
		return p.rate
	case "failed":
		return p.failed
	case "p50":
		return p.p50
	case "p90":
		return p.p90
	}
	return p.p99
}

// trended is the column whose trend is drawn: that which is sorted by, where
// it has one.
func (m *Model) trended() string {
	switch m.order.column {
	case "in flight", "per s", "load", "failed", "p50", "p90":
		return m.order.column
	}
	return "p99"
}

// peak is the greatest value of a column in the trends of a cluster, so that
// its endpoints can be compared.
func (m *Model) peak(c *admin.Cluster, column string) (most float32) {
	for i := range c.Endpoints {
		if t := m.trends[trendOf(c.Name, c.Endpoints[i].Address)]; t != nil {
			for j := range t.points {
				most = max(most, t.points[j].of(column))
			}
		}
	}
	return most
}

var bars = []rune("▁▂▃▄▅▆▇█")

// line draws a trend in so many cells, the latest at the right; peak fills a
// cell.
func (t *trend) line(column string, peak float32, cells int) string {
	var b strings.Builder
	points := t.points[max(0, len(t.points)-cells):]
	b.WriteString(strings.Repeat(" ", cells-len(points)))
	for i := range points {
		b.WriteRune(scaled(column, points[i].of(column), peak))
	}
	return b.String()
}

// headroom is how far above the greatest value a bar is full, so that what is
// steady is no solid block.
const headroom = 1.15

// decades is how far below the greatest time the lowest bar is: of times,
// ratios are what is looked for.
const decades = 2

func scaled(column string, value, peak float32) rune {
	times := column[0] == 'p' && column != "per s"
	switch {
	case times && value <= 0:
		return ' ' // nothing was answered
	case times && peak > 0:
		return bar(1+float32(math.Log10(float64(value/peak)))/decades, headroom)
	}
	return bar(value, peak*headroom)
}

func bar(value, peak float32) rune {
	if peak <= 0 || value <= 0 {
		return bars[0]
	}
	return bars[min(int(value/peak*float32(len(bars))), len(bars)-1)]
}

// sums adds the trends of a cluster's endpoints up: requests a second, the
// latest at the right, in as many cells as there are states and no more than
// so many.
func (m *Model) sums(c *admin.Cluster, cells int) string {
	all := make([]float32, cells)
	most, first := float32(0), cells
	for i := range c.Endpoints {
		t := m.trends[trendOf(c.Name, c.Endpoints[i].Address)]
		if t == nil {
			continue
		}
		points := t.points[max(0, len(t.points)-cells):]
		first = min(first, cells-len(points))
		for j := range points {
			at := cells - len(points) + j
			all[at] += points[j].rate
			most = max(most, all[at])
		}
	}
	var b strings.Builder
	for _, v := range all[first:] {
		b.WriteRune(bar(v, most*headroom))
	}
	return b.String()
}
