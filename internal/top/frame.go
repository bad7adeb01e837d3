package top

import (
	"fmt"
	"strings"
	"time"

	"poise/internal/admin"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Frame is what the terminal shows: as many lines as it has, none wider than
// it is.
func (m *Model) Frame() string {
	head, foot := m.head(), m.foot()
	room := m.size.Height - len(head) - len(foot)
	all := append(head, m.body(max(room, 0))...)
	for len(all)+len(foot) < m.size.Height {
		all = append(all, nil)
	}
	all = append(all[:max(0, min(len(all), m.size.Height-len(foot)))], foot...)
	var b strings.Builder
	for i, r := range all[:min(len(all), max(m.size.Height, 0))] {
		if i > 0 {
			b.WriteByte('\n')
		}
		m.render(&b, r.fit(m.size.Width))
	}
	return b.String()
}

// roomy reports whether the terminal has so many lines.
func (m *Model) roomy(lines int) bool { return m.size.Height >= lines }

func (m *Model) head() []row {
	rows := []row{m.title()}
	if m.lost != nil && m.heard {
		text := fmt.Sprintf("✗ this is how it was at %s; %s", m.status.Now.In(m.options.Zone).Format(time.TimeOnly), m.lost.Why)
		rows = append(rows, row{{text, bad}})
	}
	if !m.heard || m.screen == helping {
		return rows
	}
	if len(m.status.Clusters) > 1 && m.roomy(10) {
		rows = append(rows, m.tabs())
	}
	c := m.shown()
	if c == nil {
		return append(rows, row{{"there are no clusters", dim}})
	}
	if m.roomy(20) {
		rows = append(rows, nil)
	}
	rows = append(rows, m.policy(c))
	if m.roomy(9) {
		rows = append(rows, m.figures(c))
	}
	if c.Panic {
		rows = append(rows, row{{"! PANIC: too few endpoints are healthy, so health is ignored", bad}})
	}
	if c.Engine.Fault != "" {
		rows = append(rows, row{{"! the engine leaves " + c.Name + " alone: " + c.Engine.Fault, bad}})
	}
	if m.roomy(16) {
		rows = append(rows, nil)
	}
	return rows
}

// title is the first line: whose state this is, and whether it is the latest.
func (m *Model) title() row {
	left := row{{" poise top  " + m.options.From, title}}
	right := "connecting "
	switch {
	case m.lost != nil:
		right = fmt.Sprintf("✗ not connected for %s, again in %s ", age(m.now.Sub(m.lost.Since)), age(m.lost.Again.Sub(m.now)))
	case m.heard:
		right = "● live " + m.status.Now.In(m.options.Zone).Format(time.TimeOnly) + " "
	}
	if space := m.size.Width - left.width() - width(right); space > 0 {
		return append(left, span{strings.Repeat(" ", space) + right, title})
	}
	return row{{pad(clip(" "+strings.TrimSpace(right), m.size.Width), m.size.Width, false), title}}
}

// tabs are the clusters, each with how many of its endpoints are out.
func (m *Model) tabs() (r row) {
	for i := range m.status.Clusters {
		c := &m.status.Clusters[i]
		name, look := " "+c.Name+" ", dim
		if c.Name == m.cluster {
			name, look = "▸"+c.Name+" ", chosen
		}
		r = append(r, span{name, look})
		if n := out(c); n > 0 {
			r = append(r, span{fmt.Sprintf("✗%d ", n), bad})
		}
		r = append(r, span{" ", plain})
	}
	return r
}

// out is how many endpoints are out without an operator's word.
func out(c *admin.Cluster) (n int) {
	for i := range c.Endpoints {
		if s := c.Endpoints[i].State; s == "ejected" || s == "unhealthy" {
			n++
		}
	}
	return n
}

// policy says what picks, and by whose word.
func (m *Model) policy(c *admin.Cluster) row {
	r := row{{c.Name, strong}, {"  ", plain}, {c.Policy, accent}, {"  ", plain}}
	switch {
	case c.Pinned && c.Engine.Adaptive:
		r = append(r, span{"the engine's, by the operator; the file says " + c.Configured, plain})
	case c.Pinned:
		text := "pinned"
		if c.PinnedAt != nil {
			text += " for " + age(m.status.Now.Sub(*c.PinnedAt))
		}
		if c.Configured != c.Policy {
			text += "; the file says " + c.Configured
		}
		r = append(r, span{text, warn})
	case c.Engine.Adaptive:
		r = append(r, span{"chosen by the engine", plain})
	default:
		r = append(r, span{"as configured", plain})
	}
	if c.Engine.Challenger != "" {
		r = append(r, span{fmt.Sprintf("  ◔ tries %s on %.0f %%", c.Engine.Challenger, 100*c.Engine.Share), accent})
	}
	return r.ends(engineOf(c), m.size.Width)
}

// engineOf says what the engine may do.
func engineOf(c *admin.Cluster) row {
	switch {
	case c.Engine.Mode == "freeze":
		return row{{"engine FROZEN", warn}}
	case c.Engine.Mode == "advise":
		return row{{"engine only advises", warn}}
	case !c.Engine.Adaptive:
		return row{{"engine has no say", dim}}
	}
	return row{{"engine auto", dim}}
}

// figures are those of the whole cluster.
func (m *Model) figures(c *admin.Cluster) row {
	rate, failures, inflight, in, worst := 0.0, 0.0, 0, 0, 0.0
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		rate, failures, inflight = rate+e.Rate, failures+e.Rate*e.Failures, inflight+e.Inflight
		if e.Eligible {
			in, worst = in+1, max(worst, e.P99)
		}
	}
	if rate > 0 {
		failures /= rate
	}
	use := span{fmt.Sprintf("%d of %d in use", in, len(c.Endpoints)), plain}
	if in < len(c.Endpoints) {
		use.style = warn
	}
	r := row{
		{number(rate) + "/s  ", strong},
		failed(failures, rate),
		{" failed  ", plain},
		{fmt.Sprintf("%d in flight  ", inflight), plain},
		use,
		{"  worst p99 " + stats.Readable(worst), plain},
	}
	if room := m.size.Width - r.width() - len("  per s "); room >= 10 {
		r = r.ends(row{{"per s ", dim}, {m.sums(c, min(room, trendKept)), accent}}, m.size.Width)
	}
	return r
}

// body is what stands between the heading and the keys.
func (m *Model) body(room int) []row {
	switch {
	case m.screen == helping:
		return m.help(room)
	case !m.heard && m.lost != nil:
		return []row{{{"✗ " + m.lost.Why, bad}}}
	case !m.heard:
		return []row{{{"waiting for " + m.options.From, dim}}}
	case m.screen == choosingPolicy:
		return m.policyMenu(room)
	case m.screen == choosingCluster:
		return m.clusterMenu(room)
	}
	c := m.shown()
	if c == nil {
		return nil
	}
	story := 0 // lines of the journal, its heading among them
	if room >= 8 {
		story = max(4, room/3)
	}
	rows := m.table(c, room-story)
	if room-len(rows) >= 2 {
		rows = append(rows, m.journal(room-len(rows))...)
	}
	return rows
}

// menuRows shows the lines of a menu, with the cursor always among them.
func (m *Model) menuRows(heading string, items []row, room int) []row {
	rows := []row{{{heading, strong}}}
	first := window(len(items), m.choice, room-1)
	for i := first; i < min(len(items), first+max(room-1, 0)); i++ {
		mark := span{"  ", plain}
		if i == m.choice {
			mark = span{"▸ ", chosen}
		}
		rows = append(rows, append(row{mark}, items[i]...))
	}
	return rows
}

// window is the first of the lines that are shown when so many have room, so
// that the one at the cursor is among them.
func window(all, cursor, room int) int {
	return max(0, min(cursor-room/2, all-room))
}

func (m *Model) policyMenu(room int) []row {
	c := m.shown()
	if c == nil {
		return nil
	}
	var items []row
	for i, p := range policies() {
		r := row{{pad(p, 18, false), plain}}
		if i == m.choice {
			r[0].style = chosen
		}
		switch p {
		case lb.Adaptive:
			r = append(r, span{"the engine chooses  ", dim})
		case c.Policy:
			r = append(r, span{"picks now  ", good})
		case c.Engine.Challenger:
			r = append(r, span{"is being tried  ", accent})
		}
		if p == c.Configured {
			r = append(r, span{"in the file", dim})
		}
		items = append(items, r)
	}
	return m.menuRows("Pin a policy over the file: enter, or esc", items, room)
}

func (m *Model) clusterMenu(room int) []row {
	widest := 0
	for i := range m.status.Clusters {
		widest = max(widest, width(m.status.Clusters[i].Name))
	}
	var items []row
	for i := range m.status.Clusters {
		c := &m.status.Clusters[i]
		r := row{{pad(c.Name, widest+2, false), plain}, {pad(c.Policy, 18, false), accent}, {pad(number(rateOf(c)), 6, true) + "/s  ", plain}}
		if i == m.choice {
			r[0].style = chosen
		}
		if n := out(c); n > 0 {
			r = append(r, span{fmt.Sprintf("✗ %d of %d out", n, len(c.Endpoints)), bad})
		} else {
			r = append(r, span{fmt.Sprintf("● %d in use", len(c.Endpoints)), good})
		}
		items = append(items, r)
	}
	return m.menuRows("Show a cluster: enter, or esc", items, room)
}

// hint is a key and what it does.
type hint struct{ key, does string }

// hints stand in the last line, as far as there is room.
var hints = []hint{
	{"q", "quit"},
	{"?", "help"},
	{"p", "policy"},
	{"u", "unpin"},
	{"d", "drain"},
	{"e", "enable"},
	{"f", "freeze"},
	{"a", "auto"},
	{"↑↓", "endpoint"},
	{"←→", "sort"},
	{"c", "cluster"},
	{"h", "holds"},
}

// foot is the last line: a question, a notice, or the keys.
func (m *Model) foot() []row {
	if m.screen == confirming {
		lines := wrap(clean(m.ask)+" y/n", max(m.size.Width-2, 1))
		var rows []row
		for i, l := range lines {
			mark := "  "
			if i == 0 {
				mark = "? "
			}
			rows = append(rows, row{{mark + l, bad}})
		}
		return rows[max(0, len(rows)-m.size.Height):]
	}
	if m.notice.text != "" && m.now.Before(m.notice.until) {
		if m.notice.bad {
			return []row{{{"✗ " + m.notice.text, bad}}}
		}
		return []row{{{"✓ " + m.notice.text, good}}}
	}
	if m.size.Height < 4 {
		return nil
	}
	var r row
	for _, h := range hints {
		next := row{{h.key, strong}, {" " + h.does + "  ", dim}}
		if r.width()+next.width() > m.size.Width+2 {
			break
		}
		r = append(r, next...)
	}
	return []row{r}
}
