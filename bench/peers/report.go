package main

import (
	"encoding/json"
	"errors"
	"fmt"
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
	if err := draw(base+".svg", rep.chart()); err != nil {
		return err
	}
	if err := draw(base+"-growth.svg", rep.growthChart()); err != nil {
		return err
	}
	fmt.Printf("\nwritten: %s.{json,md,svg} and %s-growth.svg\n", base, base)
	return nil
}

// draw writes a chart, unless there is nothing in it.
func draw(path string, c *plot.Chart) error {
	if len(c.Panels) == 0 {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(c.Write(f), f.Close())
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
