package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poise/bench/figure"
	"poise/bench/plot"
	"poise/bench/rig"
)

// A quantity is something that cells hold.
type quantity struct{ key, title string }

// quantities are those that are shown, in order.
var quantities = []quantity{
	{"cpu_us", "CPU us/request"}, {"per_second", "requests/s"}, {"p50_us", "p50 us"}, {"p99_us", "p99 us"}, {"p999_us", "p99.9 us"},
	{"rss_mib", "RSS MiB"}, {"idle_kib", "KiB per idle connection"}, {"rest_ms", "CPU at rest ms/s"},
	{"added_p50_us", "added p50 us"}, {"added_p99_us", "added p99 us"}, {"added_mean_us", "added mean us"}, {"overhead_us", "stated mean us"},
}

// A Stat is a quantity over the good rounds.
type Stat struct {
	Median float64     `json:"median"`
	Range  *[2]float64 `json:"interval,omitempty"` // that holds the true median with 95 %
	Rounds []float64   `json:"rounds"`
}

// A Row is one proxy in one table.
type Row struct {
	Of     string          `json:"of"`
	Stats  map[string]Stat `json:"values,omitempty"`
	Void   int             `json:"void,omitzero"`
	Failed int             `json:"failed,omitzero"`
	Why    string          `json:"why,omitempty"` // of the last void or failed one
}

// A Table compares proxies under one load.
type Table struct {
	Case   string  `json:"case"`
	Cores  int     `json:"cores"`
	Phase  string  `json:"phase"`
	Title  string  `json:"title"`
	Rate   float64 `json:"rate,omitzero"`
	Rows   []Row   `json:"rows"`
	Ratios []Row   `json:"ratios,omitempty"` // of Poise to the better of others, round by round
}

// A Report is all that a run found.
type Report struct {
	When     time.Time             `json:"when"`
	Size     string                `json:"size"`
	Machine  string                `json:"machine"`
	Versions map[string]string     `json:"versions"`
	Layouts  map[string]rig.Layout `json:"layouts"` // by the number of the proxy's cores
	Seconds  int                   `json:"seconds"` // of a round
	Tables   []Table               `json:"tables"`
}

// publish prints the report and writes it in its three forms.
func (r *runner) publish(folder, name string) error {
	rep := Report{When: time.Now().UTC().Truncate(time.Second), Size: name, Machine: r.machine, Versions: r.Versions(), Layouts: map[string]rig.Layout{}, Seconds: r.size.seconds, Tables: r.tables()}
	for _, c := range r.size.cores {
		rep.Layouts[fmt.Sprint(c)] = rig.Cores(c)
	}
	text := rep.markdown()
	fmt.Print("\n", text)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	js, err := json.MarshalIndent(rep, "", " ")
	if err != nil {
		return err
	}
	base := filepath.Join(folder, "peers")
	if folder != "docs/evidence" {
		base = filepath.Join(folder, name)
	}
	if err := os.WriteFile(base+".json", append(js, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(base+".md", []byte(text), 0o644); err != nil {
		return err
	}
	f, err := os.Create(base + ".svg")
	if err != nil {
		return err
	}
	if err := rep.chart().Write(f); err != nil {
		return err
	}
	fmt.Printf("\nwritten: %s.{json,md,svg}\n", base)
	return f.Close()
}

// tables groups the cells, in the order in which they were first taken.
func (r *runner) tables() (all []Table) {
	for _, k := range r.store.order {
		if k.Proxy == "" {
			continue // how a load was chosen
		}
		i := slices.IndexFunc(all, func(t Table) bool { return t.Case == k.Case && t.Cores == k.Cores && t.Phase == k.Phase })
		if i < 0 {
			i = len(all)
			all = append(all, r.table(k))
		}
		t := &all[i]
		if !slices.ContainsFunc(t.Rows, func(w Row) bool { return w.Of == k.Proxy }) {
			t.Rows = append(t.Rows, r.row(k))
		}
	}
	for i := range all {
		slices.SortStableFunc(all[i].Rows, func(a, b Row) int { return rank(a.Of) - rank(b.Of) })
		all[i].Ratios = r.ratios(&all[i])
	}
	return all
}

// rank is the place of a row: the order of the proxies, or of the policies.
func rank(of string) int {
	if of == straight {
		return -1
	}
	if i := slices.Index(rig.All, of); i >= 0 {
		return i
	}
	return slices.Index(policies, of)
}

func (r *runner) table(k Key) Table {
	t := Table{Case: k.Case, Cores: k.Cores, Phase: k.Phase, Title: k.Case}
	c, isCase := rig.CaseOf(k.Case)
	switch {
	case isCase && k.Phase == rate:
		t.Rate = r.pace(c, k.Cores)
		t.Title = fmt.Sprintf("%s, at %.0f requests/s, %.0f %% of the slowest peak", c.What, t.Rate, 100*paceOf)
	case isCase:
		t.Title = c.What + ", as fast as there are answers"
	case k.Case == idleName:
		t.Title = "10,000 idle connections, above rest"
	case k.Case == addedName:
		half := r.store.cells[Key{Case: addedName, Phase: "half load"}]
		t.Title = fmt.Sprintf("latency added to the endpoint's, %s at half of Poise's peak", k.Phase)
		if half != nil {
			t.Title += fmt.Sprintf(" (%.0f requests/s; wrk: %.0f connections)", half.Values["per_second"], half.Values["connections"])
		}
	case strings.HasPrefix(k.Case, endpointsName):
		t.Title = strings.TrimPrefix(k.Case, endpointsName+"-") + " endpoints, by policy of Poise"
	case strings.HasPrefix(k.Case, connectionsName):
		t.Title = strings.TrimPrefix(k.Case, connectionsName+"-") + " connections"
	}
	return t
}

func (r *runner) row(k Key) Row {
	w := Row{Of: k.Proxy, Stats: map[string]Stat{}}
	for _, q := range quantities {
		if rounds := r.store.values(k, q.key); len(rounds) > 0 {
			w.Stats[q.key] = statOf(rounds)
		}
	}
	for _, at := range r.store.order {
		c := r.store.cells[at]
		if at.Round = k.Round; at != k {
			continue
		}
		if c.Void != "" {
			w.Void++
			w.Why = c.Void
		}
		if c.Failed != "" {
			w.Failed++
			w.Why = c.Failed
		}
	}
	return w
}

func statOf(rounds []float64) Stat {
	s := Stat{Median: figure.Median(rounds), Rounds: rounds}
	if lo, hi := figure.Interval(rounds); !math.IsInf(lo, 0) && !math.IsNaN(lo) {
		s.Range = &[2]float64{lo, hi}
	}
	return s
}

// ratios compares Poise with the better of two others in the same round: what
// disturbs a round disturbs both alike. Which one is the better the medians
// say: the lower of two in a round would be lower than either.
func (r *runner) ratios(t *Table) (all []Row) {
	keys := []string{"cpu_us", "idle_kib"}
	if t.Phase == rate {
		keys = []string{"cpu_us", "p50_us", "p99_us", "p999_us"}
	}
	for _, others := range [][]string{{"nginx", "haproxy"}, {"caddy", "caddy-new"}} {
		w := Row{Of: "poise, of the better of " + strings.Join(others, " and "), Stats: map[string]Stat{}}
		for _, key := range keys {
			if rounds := r.ratio(t, key, t.better(key, others)); len(rounds) > 0 {
				w.Stats[key] = statOf(rounds)
			}
		}
		if len(w.Stats) > 0 {
			all = append(all, w)
		}
	}
	return all
}

// better returns the one whose median is lowest, "" if none was measured.
func (t *Table) better(key string, of []string) (name string) {
	best := math.Inf(1)
	for _, w := range t.Rows {
		if s, is := w.Stats[key]; is && slices.Contains(of, w.Of) && s.Median < best {
			name, best = w.Of, s.Median
		}
	}
	return name
}

func (r *runner) ratio(t *Table, key, other string) (rounds []float64) {
	value := func(proxy string, round int) (float64, bool) {
		c := r.store.cells[Key{t.Case, t.Cores, t.Phase, proxy, round}]
		if c == nil || !c.good() {
			return 0, false
		}
		v, is := c.Values[key]
		return v, is
	}
	for round := range r.size.rounds {
		ours, have := value("poise", round)
		theirs, has := value(other, round)
		if have && has && theirs > 0 {
			rounds = append(rounds, ours/theirs)
		}
	}
	return rounds
}

func (rep *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Poise beside its peers\n\n%s, %s, on %s, rounds of %d s: medians, and in brackets an interval that holds the true median with 95 %% (from six good rounds on).\n\n", rep.When.Format("2006-01-02 15:04 UTC"), rep.Size, rep.Machine, rep.Seconds)
	for _, k := range slices.Sorted(maps.Keys(rep.Layouts)) {
		fmt.Fprintf(&b, "- %s core(s): %s\n", k, rep.Layouts[k])
	}
	for _, k := range slices.Sorted(maps.Keys(rep.Versions)) {
		fmt.Fprintf(&b, "- %s %s\n", k, rep.Versions[k])
	}
	for i := range rep.Tables {
		rep.Tables[i].markdown(&b)
	}
	return b.String()
}

func (t *Table) markdown(b *strings.Builder) {
	cores := "one core"
	if t.Cores > 1 {
		cores = fmt.Sprintf("%d cores", t.Cores)
	}
	fmt.Fprintf(b, "\n## %s: %s, %s\n\n|", t.Case, t.Title, cores)
	rows := slices.Concat(t.Rows, t.Ratios)
	var shown []quantity
	for _, q := range quantities {
		if slices.ContainsFunc(rows, func(w Row) bool { _, is := w.Stats[q.key]; return is }) {
			shown = append(shown, q)
		}
	}
	for _, q := range shown {
		fmt.Fprintf(b, " | %s", q.title)
	}
	fmt.Fprintf(b, " | good rounds |\n|---%s|---|\n", strings.Repeat("|--:", len(shown)))
	for _, w := range rows {
		w.markdown(b, shown)
	}
}

func (w *Row) markdown(b *strings.Builder, shown []quantity) {
	fmt.Fprintf(b, "| %s", w.Of)
	good := 0
	for _, q := range shown {
		s, is := w.Stats[q.key]
		if !is {
			b.WriteString(" | ")
			continue
		}
		good = max(good, len(s.Rounds))
		fmt.Fprintf(b, " | %s", plot.Number(s.Median))
		if s.Range != nil {
			fmt.Fprintf(b, " (%s … %s)", plot.Number(s.Range[0]), plot.Number(s.Range[1]))
		}
	}
	fmt.Fprintf(b, " | %d", good)
	if w.Void > 0 {
		fmt.Fprintf(b, ", %d void", w.Void)
	}
	if w.Failed > 0 {
		fmt.Fprintf(b, ", %d failed", w.Failed)
	}
	if w.Why != "" {
		fmt.Fprintf(b, ": %s", strings.NewReplacer("|", "/", "\n", " ").Replace(w.Why))
	}
	b.WriteString(" |\n")
}

// chart draws CPU and p99 of the cases.
func (rep *Report) chart() *plot.Chart {
	c := &plot.Chart{
		Title:   "Poise beside its peers",
		Notes:   []string{rep.Machine + ", " + rep.When.Format("2006-01-02"), "Medians with 95 % intervals; less is better. CPU: user and system of the proxy's processes, at its peak. Latency: at 70 % of the slowest peak."},
		Columns: []string{"CPU us a request", "p99 us"},
	}
	for i := range rep.Tables {
		t := &rep.Tables[i]
		switch t.Phase {
		case peak:
			c.Panels = append(c.Panels, rep.panel(t, "cpu_us", "p99_us"))
		case "idle":
			c.Panels = append(c.Panels, rep.panel(t, "idle_kib", ""))
			c.Panels[len(c.Panels)-1].Title += ", KiB each"
		case "growth":
			c.Panels = append(c.Panels, rep.panel(t, "cpu_us", ""))
		}
	}
	return c
}

func (rep *Report) panel(t *Table, left, right string) plot.Panel {
	what := t.Title
	if k, is := rig.CaseOf(t.Case); is {
		what = k.What
	}
	p := plot.Panel{Title: fmt.Sprintf("%s, %d core(s)", what, t.Cores)}
	at := slices.IndexFunc(rep.Tables, func(o Table) bool { return o.Case == t.Case && o.Cores == t.Cores && o.Phase == rate })
	for _, w := range t.Rows {
		row := plot.Row{Name: w.Of, Strong: w.Of == "poise", Values: []plot.Value{valueOf(&w, left)}}
		if right != "" && at >= 0 {
			second := plot.Value{Missing: "not measured"}
			if i := slices.IndexFunc(rep.Tables[at].Rows, func(o Row) bool { return o.Of == w.Of }); i >= 0 {
				second = valueOf(&rep.Tables[at].Rows[i], right)
			}
			row.Values = append(row.Values, second)
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

func valueOf(w *Row, key string) plot.Value {
	s, is := w.Stats[key]
	switch {
	case is && s.Range != nil:
		return plot.Value{Median: s.Median, Lo: s.Range[0], Hi: s.Range[1]}
	case is:
		return plot.Value{Median: s.Median, Lo: math.Inf(-1), Hi: math.Inf(1)}
	case w.Failed > 0:
		return plot.Value{Missing: "failed"}
	}
	return plot.Value{Missing: "void"}
}
