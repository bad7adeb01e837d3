package top

import (
	"fmt"
	"strings"
	"time"

	"poise/internal/admin"
	"poise/internal/stats"
)

// table is the endpoints in so many lines, their heading among them.
func (m *Model) table(c *admin.Cluster, room int) []row {
	if room < 2 {
		return nil
	}
	all := m.sorted(c)
	cursor := 0
	for i, e := range all {
		if e.Address == m.endpoint {
			cursor = i
		}
	}
	detail := room >= 6 && len(all) > 0
	if detail {
		room--
	}
	first := window(len(all), cursor, room-1)
	some := all[first:min(len(all), first+room-1)]
	v := &view{now: m.status.Now, rate: rateOf(c)}
	g := layout(v, all, m.order.column, m.size.Width-2) // of all, so that columns stay; two for the cursor
	rows := []row{m.heading(g)}
	if hidden := len(all) - len(some); hidden > 0 {
		rows[0] = rows[0].ends(row{{fmt.Sprintf("%d–%d of %d", first+1, first+len(some), len(all)), dim}}, m.size.Width)
	}
	column := m.trended()
	peak := m.peak(c, column)
	for i, e := range some {
		r := g.line(first+i, e.Address == m.endpoint)
		if t := m.trends[trendOf(c.Name, e.Address)]; t != nil && g.trend > 0 {
			r = append(r, span{"  " + t.line(column, peak, g.trend), accent})
		}
		if g.note > 0 {
			r = append(r, span{"  " + clip(remark(e), g.note), dim})
		}
		rows = append(rows, r)
	}
	if e := m.chosen(); detail && e != nil {
		rows = append(rows, row{{clip("  └ "+describe(v, e), m.size.Width), dim}})
	}
	return rows
}

// heading is the names of the columns, with an arrow at the one that is sorted
// by.
func (m *Model) heading(g *grid) row {
	r := row{{"  ", plain}}
	for i, k := range g.columns {
		name, look := k.name, dim
		if k.name == m.order.column {
			look = strong
			name += " ▴"
			if m.order.down {
				name = k.name + " ▾"
			}
		}
		if i > 0 {
			r = append(r, span{strings.Repeat(" ", gap), plain})
		}
		r = append(r, span{pad(name, g.widths[i], k.right), look})
	}
	if g.trend > 0 {
		r = append(r, span{"  " + pad(m.trended()+", trend", g.trend, true), dim})
	}
	return r
}

// line is the cells of an endpoint.
func (g *grid) line(i int, cursor bool) row {
	r := row{{"  ", plain}}
	if cursor {
		r[0] = span{"▸ ", chosen}
	}
	for j, k := range g.columns {
		cell := g.rows[i][j]
		if k.name == "endpoint" {
			cell.text = clipLeft(cell.text, g.widths[j])
			if cursor {
				cell.style = chosen
			}
		}
		if j > 0 {
			r = append(r, span{strings.Repeat(" ", gap), plain})
		}
		r = append(r, span{pad(cell.text, g.widths[j], k.right), cell.style})
	}
	return r
}

// describe says all of the endpoint at the cursor that the columns may have no
// room for.
func describe(v *view, e *admin.Endpoint) string {
	parts := []string{fmt.Sprintf("%s for %s", e.State, age(v.now.Sub(e.Since)))}
	if e.Reason != "" && e.State != "healthy" {
		parts[0] += ": " + e.Reason
	}
	if e.Service > 0 {
		parts = append(parts, fmt.Sprintf("takes %s for a request, %s at once", stats.Readable(e.Service), number(e.Capacity)))
	}
	if e.Limit > 0 {
		parts = append(parts, fmt.Sprintf("limit %d", e.Limit))
	}
	if e.Weight != 1 {
		parts = append(parts, fmt.Sprintf("weight %d", e.Weight))
	}
	if e.Zone != "" {
		parts = append(parts, "zone "+e.Zone)
	}
	if e.Priority != 0 {
		parts = append(parts, fmt.Sprintf("priority %d", e.Priority))
	}
	return clean(strings.Join(parts, "; "))
}

// journal is what was decided, the latest first, in so many lines.
func (m *Model) journal(room int) []row {
	var rows []row
	if room > 4 {
		rows = append(rows, nil)
	}
	what := "latest judgement, changes, and what the guard did"
	if m.all {
		what = "every judgement, and all that the guard did"
	}
	rows = append(rows, row{{"  decisions", strong}, {"  " + what, dim}})
	entries := m.visible()
	if len(entries) == 0 {
		return append(rows, row{{"  nothing has been decided yet", dim}})
	}
	entries = entries[min(m.scroll, len(entries)-1):]
	for i := 0; i < len(entries) && len(rows) < room; i++ {
		rows = append(rows, m.story(&entries[i])...)
	}
	return rows[:min(len(rows), room)]
}

// story is an entry with its reasons, in as many lines as they take.
func (m *Model) story(e *entry) (rows []row) {
	at, indent := e.at.In(m.options.Zone).Format(time.TimeOnly)+" ", 13
	if m.size.Width < 50 {
		at, indent = "", 4
	}
	look := plain
	if e.calm {
		look = dim
	}
	for i, l := range wrap(clean(e.text), max(m.size.Width-indent, 8)) {
		if i > 0 {
			rows = append(rows, row{{strings.Repeat(" ", indent) + l, look}})
			continue
		}
		rows = append(rows, row{{"  " + at, dim}, {e.mark + " ", e.style}, {l, look}})
	}
	for i, l := range wrap(clean(e.outcome), max(m.size.Width-indent-2, 8)) {
		mark := "  "
		if i == 0 {
			mark = "↳ "
		}
		rows = append(rows, row{{strings.Repeat(" ", indent) + mark + l, e.result}})
	}
	return rows
}

// manual is what help shows: keys, then marks.
var manual = []hint{
	{"↑ ↓  k j", "the endpoint that d, x and e are about; home, end"},
	{"← →  < >", "sort by the column beside; r turns the order"},
	{"tab", "the next cluster; c chooses one"},
	{"p", "pin a policy over the file"},
	{"u", "unpin: the engine chooses"},
	{"d", "drain: no new clients; those that a cookie keeps may stay"},
	{"x", "disable: no requests at all"},
	{"e", "enable again"},
	{"f", "freeze the engine: no policy is switched"},
	{"v", "the engine only advises"},
	{"a", "the engine switches by itself"},
	{"h", "judgements that changed nothing, too"},
	{"space b", "older and newer decisions"},
	{"q", "quit"},
	{"", ""},
	{"● ◐ ○", "in use; coming back to its share; spare of a later priority"},
	{"✗", "out by itself: ejected, or its checks fail"},
	{"▽ ⊘", "out by an operator's word: drain, disabled"},
	{"→ ◔ ↶", "a switch; a trial on a part of the requests; a step back"},
	{"! · ?", "the guard; nothing changed; what would be done in auto"},
	{"takes", "what a request needs that does not wait, as learnt"},
	{"at once", "how many an endpoint works on at once, as learnt"},
}

func (m *Model) help(room int) []row {
	rows := []row{{{"Keys and marks; any key goes back. What moves requests is asked about first.", strong}}}
	for _, h := range manual {
		rows = append(rows, row{{"  " + pad(h.key, 10, false), accent}, {h.does, plain}})
	}
	return rows[:min(len(rows), max(room, 1))]
}
