package top

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"poise/internal/admin"
	"poise/internal/stats"
)

// column is one of the table of endpoints.
type column struct {
	name  string
	rank  int // those of a low one stay in a narrow terminal
	right bool
	text  func(*view, *admin.Endpoint) span
	less  func(a, b *admin.Endpoint) int
}

// view is what the cells of a table need beside the endpoint.
type view struct {
	now  time.Time // by the clock of the balancer
	rate float64   // of the cluster
}

// order is what the table is sorted by.
type order struct {
	column string
	down   bool // the greatest first
}

// columns are those that can be sorted by, from left to right. The first two
// are always there.
var columns = []column{
	{"endpoint", 0, false, nil, func(a, b *admin.Endpoint) int { return natural(a.Address, b.Address) }},
	{"state", 1, false, nil, func(a, b *admin.Endpoint) int { return cmp.Compare(gravity(a), gravity(b)) }},
	{
		"for", 7, true, func(v *view, e *admin.Endpoint) span { return span{age(v.now.Sub(e.Since)), plain} },
		func(a, b *admin.Endpoint) int { return b.Since.Compare(a.Since) },
	},
	{
		"in flight", 4, true, func(_ *view, e *admin.Endpoint) span { return span{strconv.Itoa(e.Inflight), plain} },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.Inflight, b.Inflight) },
	},
	{
		"per s", 3, true, func(_ *view, e *admin.Endpoint) span { return span{number(e.Rate), plain} },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.Rate, b.Rate) },
	},
	{
		"load", 6, false, load,
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.Rate, b.Rate) },
	},
	{
		"failed", 5, true, func(_ *view, e *admin.Endpoint) span { return failed(e.Failures, e.Rate) },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.Failures, b.Failures) },
	},
	{
		"p50", 8, true, func(_ *view, e *admin.Endpoint) span { return span{stats.Readable(e.P50), plain} },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.P50, b.P50) },
	},
	{
		"p90", 10, true, func(_ *view, e *admin.Endpoint) span { return span{stats.Readable(e.P90), plain} },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.P90, b.P90) },
	},
	{
		"p99", 2, true, func(_ *view, e *admin.Endpoint) span { return span{stats.Readable(e.P99), plain} },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.P99, b.P99) },
	},
	{
		"takes", 9, true, func(_ *view, e *admin.Endpoint) span { return span{stats.Readable(e.Service), plain} },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.Service, b.Service) },
	},
	{
		"at once", 11, true, func(_ *view, e *admin.Endpoint) span { return span{known(e.Capacity), plain} },
		func(a, b *admin.Endpoint) int { return cmp.Compare(a.Capacity, b.Capacity) },
	},
}

// gap is the space between two columns, and shortest what is left of an
// address at least, in cells.
const (
	gap      = 2
	shortest = 11
)

// The trend, 12 cells of it at least, goes before the columns of a higher rank
// than this; a remark of 16 cells comes after all of them.
const (
	trendRank  = 9
	leastTrend = 12
	leastNote  = 16
)

// sorted are the endpoints of a cluster as they are shown.
func (m *Model) sorted(c *admin.Cluster) []*admin.Endpoint {
	rows := make([]*admin.Endpoint, len(c.Endpoints))
	for i := range rows {
		rows[i] = &c.Endpoints[i]
	}
	at := slices.IndexFunc(columns, func(k column) bool { return k.name == m.order.column })
	slices.SortStableFunc(rows, func(a, b *admin.Endpoint) int {
		by := columns[at].less(a, b)
		if m.order.down {
			by = -by
		}
		return cmp.Or(by, natural(a.Address, b.Address))
	})
	return rows
}

// natural compares addresses as people count: 127.0.0.1:9 before 127.0.0.1:10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == 0 || y == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		if by := cmp.Or(cmp.Compare(x, y), cmp.Compare(a[:x], b[:y])); by != 0 {
			return by
		}
		a, b = a[x:], b[y:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is how many digits a text begins with.
func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// gravity sorts states: what asks for a look comes last.
func gravity(e *admin.Endpoint) int {
	return slices.Index([]string{"healthy", "drain", "disabled", "unchecked", "ejected", "unhealthy"}, e.State)
}

// stateOf is the state of an endpoint, with a mark for those who see no
// colours.
func stateOf(e *admin.Endpoint) span {
	switch e.State {
	case "healthy":
		switch {
		case e.Share > 0 && e.Share < 1:
			return span{fmt.Sprintf("◐ ramping %.0f %%", 100*e.Share), warn}
		case !e.Eligible:
			return span{"○ spare", dim}
		}
		return span{"● healthy", good}
	case "ejected":
		return span{"✗ ejected", bad}
	case "unhealthy":
		return span{"✗ unhealthy", bad}
	case "drain":
		return span{"▽ drain", warn}
	case "disabled":
		return span{"⊘ disabled", warn}
	}
	return span{"? " + e.State, warn}
}

// load is the endpoint's part of the requests, as a bar.
func load(v *view, e *admin.Endpoint) span {
	if v.rate <= 0 {
		return span{pad("-", 12, true), dim}
	}
	const cells = 6
	part := min(e.Rate/v.rate, 1)
	full := int(part*cells + 0.5)
	return span{strings.Repeat("━", full) + strings.Repeat("╌", cells-full) + fmt.Sprintf("%4.0f %%", 100*part), plain}
}

func failed(share, rate float64) span {
	switch {
	case rate <= 0:
		return span{"-", dim}
	case share >= 0.01:
		return span{fmt.Sprintf("%.1f %%", 100*share), bad}
	case share >= 0.0001:
		return span{fmt.Sprintf("%.2f %%", 100*share), warn}
	case share > 0:
		return span{"< 0.01 %", warn}
	}
	return span{"0 %", plain}
}

// number is one of a few digits.
func number(v float64) string {
	if v > 0 && v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// known is a number that is zero as long as it is unknown.
func known(v float64) string {
	if v == 0 {
		return "-"
	}
	return number(v)
}

// age is how long something has lasted, in two units at most.
func age(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// grid is a table that fits: the columns that have room, with their cells.
type grid struct {
	columns []column
	widths  []int
	rows    [][]span
	trend   int // cells of the trend, 0 for none
	note    int // cells of the remark, 0 for none
}

// layout chooses the columns that fit into so many cells, by their rank.
func layout(v *view, rows []*admin.Endpoint, sortedBy string, cells int) *grid {
	all := make([][]span, len(columns)) // by column, then by row
	widths := make([]int, len(columns))
	for i, k := range columns {
		widths[i] = width(k.name)
		if k.name == sortedBy {
			widths[i] += 2 // for its arrow
		}
		for _, e := range rows {
			all[i] = append(all[i], cellOf(v, &k, e))
			widths[i] = max(widths[i], width(all[i][len(all[i])-1].text))
		}
	}
	ranks := ranked(sortedBy)
	g, used, in := &grid{rows: make([][]span, len(rows))}, -gap, make([]bool, len(columns))
	for _, i := range ranks {
		room := cells - used - gap
		if i == 0 { // an address gives way to the two that matter most beside it
			widths[i] = min(widths[i], max(room-gap-widths[ranks[1]]-gap-widths[ranks[2]], shortest))
		}
		if columns[i].rank > trendRank { // the trend says more
			room -= gap + leastTrend
		}
		if widths[i] > room && i > 0 {
			break
		}
		in[i], used = true, used+gap+widths[i]
	}
	for i, k := range columns {
		if !in[i] {
			continue
		}
		g.columns, g.widths = append(g.columns, k), append(g.widths, widths[i])
		for j := range rows {
			g.rows[j] = append(g.rows[j], all[i][j])
		}
	}
	g.leftover(rows, cells-used-gap)
	return g
}

// ranked are the indices of the columns, the most important first: address,
// state, the one that is sorted by, and the others as they are ranked.
func ranked(sortedBy string) []int {
	all := make([]int, len(columns))
	for i := range all {
		all[i] = i
	}
	rank := func(i int) int {
		if columns[i].name == sortedBy {
			return min(columns[i].rank, 1)
		}
		return columns[i].rank
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

func cellOf(v *view, k *column, e *admin.Endpoint) span {
	switch k.name {
	case "endpoint":
		return span{e.Address, plain}
	case "state":
		return stateOf(e)
	}
	return k.text(v, e)
}

// leftover gives what the columns do not need to the trend and to remarks.
func (g *grid) leftover(rows []*admin.Endpoint, cells int) {
	longest := 0
	for _, e := range rows {
		longest = max(longest, width(remark(e)))
	}
	if cells >= leastTrend {
		g.trend = min(cells, trendKept)
	}
	if longest > 0 && len(g.columns) == len(columns) && cells >= leastTrend+gap+leastNote {
		g.note = min(longest, cells-leastTrend-gap)
		g.trend = min(cells-gap-g.note, trendKept)
	}
}

// remark is why an endpoint is not simply in use.
func remark(e *admin.Endpoint) string {
	switch {
	case e.State != "healthy" && e.State != "drain" && e.State != "disabled":
		return e.Reason
	case e.State == "healthy" && !e.Eligible && e.Priority > 0:
		return "of priority " + strconv.Itoa(e.Priority)
	}
	return ""
}
