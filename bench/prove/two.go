package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"poise/bench/figure"
	"poise/bench/rig"
)

const conformance = "docs/evidence/conformance.json"

// The figures of the data plane. "The better" is the one of nginx and HAProxy
// whose median is lower; ratios to it are taken round by round.
var figuresOf2 = []figure.Figure{
	{ID: "F1", What: "CPU per request, small GET, of the better of nginx and HAProxy", Unit: "x", AtMost: 0.90, Against: "reference instead"},
	{ID: "F2", What: "the same, of the better of Debian's Caddy and the newest", Unit: "x", AtMost: 0.25, Against: "reference instead"},
	{ID: "F3", What: "CPU per request, 20 fields of a browser, of the better of nginx and HAProxy", Unit: "x", AtMost: 1.0, Against: "reference instead"},
	{ID: "F4a", What: "the same, answers of 64 KiB", Unit: "x", AtMost: 1.0, Against: "reference instead"},
	{ID: "F4b", What: "the same, answers of 10 MiB", Unit: "x", AtMost: 1.1}, // no control: net/http meets it too
	{ID: "F5", What: "the same, a connection for each request", Unit: "x", AtMost: 1.3, Against: "reference instead"},
	{ID: "F6", What: "p99 at 35 % of the slowest peak, of the better of nginx and HAProxy", Unit: "x", AtMost: 1.05, Against: "reference instead"},
	{ID: "F7", What: "allocations per request, a long load less a short one", Unit: "", AtMost: 0.005, Against: "reference instead"},
	{ID: "F8", What: "RSS per idle connection of 10,000, above rest", Unit: "KiB", AtMost: 5, Against: "reference instead"},
	{ID: "F9a", What: "p50 added at half load, open loop", Unit: "us", AtMost: 60, Against: "reference instead"},
	{ID: "F9b", What: "p99 added at half load, open loop", Unit: "us", AtMost: 300, Against: "reference instead"},
	{ID: "F9c", What: "p50 added at half load, wrk", Unit: "us", AtMost: 60, Against: "reference instead"},
	{ID: "F9d", What: "p99 added at half load, wrk", Unit: "us", AtMost: 300, Against: "reference instead"},
	{ID: "F9e", What: "mean added less the mean of poise_overhead_seconds, wrk, either way", Unit: "us", AtMost: 30},
	{ID: "F10a", What: "ambiguous messages forwarded, conformance suite", Unit: "", AtMost: 0, Count: true},
	{ID: "F10b", What: "odd but legal messages forwarded, conformance suite", Unit: "of 1", AtMost: 1, Least: true, Count: true},
}

// groups2 are the figures that are measured together.
var groups2 = [][]string{{"F1", "F2", "F6"}, {"F3"}, {"F4a"}, {"F4b"}, {"F5"}, {"F7"}, {"F8"}, addedFigures, {"F10a", "F10b"}}

// choose2 returns the figures to measure: the whole groups of those that are
// named, F4 for F4a and F4b, everything where none is.
func choose2(names string) (chosen []string, err error) {
	all := list(names)
	if len(all) == 0 {
		return slices.Concat(groups2...), nil
	}
	for _, name := range all {
		before := len(chosen)
		for _, g := range groups2 {
			if slices.ContainsFunc(g, func(id string) bool { return id == name || strings.TrimRight(id, "abcde") == name }) {
				chosen = append(chosen, g...)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("FIGURE=%s: there are F1 to F10", name)
		}
	}
	return chosen, nil
}

// measure2 measures one group after the other; what goes wrong in one leaves
// the others alone.
func measure2(ctx context.Context, s *figure.Sheet, chosen []string) error {
	f := &second{Sheet: s, chosen: chosen}
	if f.wants("F10a") {
		f.conformance(conformance)
	}
	b, err := rig.Open(ctx, rig.All...)
	if err != nil {
		return err
	}
	defer b.Close()
	f.Bench = b
	if f.layout, err = begin(s, b); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{f.cpu, f.allocations, f.idle, f.added} {
		if err := step(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "prove:", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// second measures the figures of issue 2.
type second struct {
	*figure.Sheet
	*rig.Bench
	layout rig.Layout
	chosen []string
}

func (f *second) wants(id string) bool { return slices.Contains(f.chosen, id) }

// four are compared; Caddy besides them only where a figure asks for it.
var four = []string{"nginx", "haproxy", "poise", "reference"}

// notRun notes an error with the figures that it kept from being measured.
func (f *second) notRun(err error, ids ...string) error {
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n") // the rest stands above the table
		for _, id := range ids {
			f.NotRun(id, first)
		}
	}
	return err
}

// cpu measures F1 to F6.
func (f *second) cpu(ctx context.Context) error {
	var all error
	for _, c := range []struct {
		name    string
		figure  string
		proxies []string
		part    float64
	}{
		{rig.SmallGet, "F1", rig.All, 0},
		{rig.Headers, "F3", four, 0},
		{rig.Get64K, "F4a", four, 0.5},
		{rig.Get10M, "F4b", four, 0.5},
		{rig.NewConnection, "F5", four, 0.2},
	} {
		if !f.wants(c.figure) {
			continue
		}
		of, _ := rig.CaseOf(c.name)
		found, err := rotate(ctx, f.Sheet, f.Bench, job{proxies: c.proxies, layout: f.layout, of: of, rounds: rounds, part: c.part})
		all = errors.Join(all, f.notRun(err, c.figure))
		f.ratio(c.figure, found, "CPU us", "nginx", "haproxy")
		if c.name == rig.SmallGet {
			f.ratio("F2", found, "CPU us", "caddy", "caddy-new")
			all = errors.Join(all, f.notRun(err, "F2"), f.notRun(f.p99(ctx, of, found), "F6"))
		}
	}
	return all
}

// p99 measures F6, at a rate that all can serve, Caddy too, and that the
// generator can send from the core that it shares with the endpoints: at 70 %
// of that peak two rounds of 18 were not late.
func (f *second) p99(ctx context.Context, of rig.Case, peaks []found) error {
	slowest := math.Inf(1)
	for _, p := range rig.All {
		slowest = min(slowest, figure.Median(of1(peaks, p, "requests/s")))
	}
	if math.IsInf(slowest, 0) || math.IsNaN(slowest) {
		return errors.New("the peaks that its rate comes from were not measured")
	}
	found, err := rotate(ctx, f.Sheet, f.Bench, job{proxies: four, layout: f.layout, of: of, rate: 0.35 * slowest, rounds: rounds})
	f.ratio("F6", found, "p99 us", "nginx", "haproxy")
	return err
}

// of1 returns a quantity of a proxy over the rounds.
func of1(rounds []found, proxy, quantity string) (all []float64) {
	for _, r := range rounds {
		all = append(all, r[proxy][quantity])
	}
	return all
}

// ratio adds, for every round, Poise's share of the better of two others, and
// the reference's as the control. Which one is the better the medians say: the
// lower of two in a round would be lower than either.
func (f *second) ratio(id string, rounds []found, quantity, one, other string) {
	if figure.Median(of1(rounds, other, quantity)) < figure.Median(of1(rounds, one, quantity)) {
		one = other
	}
	for _, r := range rounds {
		f.Add(id, r["poise"][quantity]/r[one][quantity])
		f.Control(id, r["reference"][quantity]/r[one][quantity])
	}
}

// allocations measures F7.
func (f *second) allocations(ctx context.Context) error {
	if !f.wants("F7") {
		return nil
	}
	return f.notRun(allocations(ctx, f.Sheet, f.Bench, f.layout, "F7"), "F7")
}

// idle measures F8.
func (f *second) idle(ctx context.Context) error {
	if !f.wants("F8") {
		return nil
	}
	return f.notRun(idleCosts(ctx, f.Sheet, f.Bench, f.layout, "F8"), "F8")
}

var addedFigures = []string{"F9a", "F9b", "F9c", "F9d", "F9e"}

// added measures F9, Poise and the reference each at half of its own peak.
func (f *second) added(ctx context.Context) error {
	if !f.wants("F9a") {
		return nil
	}
	field, err := f.Field(ctx, rig.Setup{Layout: f.layout}, 2, f.Named("poise", "reference")...)
	if err != nil {
		return f.notRun(err, addedFigures...)
	}
	defer field.Stop()
	for _, r := range field.Running {
		rate, connections, err := f.HalfLoad(ctx, r)
		if err != nil {
			return f.notRun(err, addedFigures...)
		}
		f.Sheet.Versions["half load of "+r.Name] = fmt.Sprintf("%.0f requests/s; wrk with %d connections", rate, connections)
		open := rig.Load{Seconds: roundTime, Rate: rate}
		closed := rig.Load{Seconds: roundTime, Connections: connections}
		if err := f.addedTo(ctx, field, r, added{of: open, p50: "F9a", p99: "F9b"}); err != nil {
			return f.notRun(err, addedFigures...)
		}
		if err := f.addedTo(ctx, field, r, added{of: closed, p50: "F9c", p99: "F9d", off: "F9e"}); err != nil {
			return f.notRun(err, addedFigures[2:]...)
		}
	}
	return nil
}

// added names a load and the figures of what it adds: p50, p99 and, unless it
// is "", how far off the proxy's own word is.
type added struct {
	of            rig.Load
	p50, p99, off string
}

// addedTo adds the rounds of a load to its figures.
func (f *second) addedTo(ctx context.Context, field *rig.Field, r *rig.Running, l added) error {
	name := r.Name + " added, wrk"
	if l.of.Rate > 0 {
		name = r.Name + " added, open loop"
	}
	for round, good := 0, 0; good < rounds && round < 2*rounds; round++ {
		a, err := f.Added(ctx, field.Straight, r, l.of)
		if err != nil {
			return err
		}
		fmt.Printf("%s, round %d: p50 %.0f us, p99 %.0f us, mean %.0f us, stated %.0f us  %s\n", name, round+1, a.P50, a.P99, a.Mean, a.Overhead, a.Void)
		if a.Void != "" {
			continue
		}
		good++
		values := map[string]float64{"p50 us": a.P50, "p99 us": a.P99, "mean us": a.Mean}
		put(f.Sheet, l.p50, r.Name, a.P50)
		put(f.Sheet, l.p99, r.Name, a.P99)
		if !math.IsNaN(a.Overhead) {
			values["stated us"] = a.Overhead
			if l.off != "" {
				f.Add(l.off, math.Abs(a.Mean-a.Overhead))
			}
		}
		f.Sample(round, name, values)
	}
	return nil
}

// conformance reads F10 from what the conformance suite wrote: for Poise how
// many ambiguous messages it forwarded, how many odd but legal ones there are,
// and how many of these it forwarded.
func (f *second) conformance(path string) {
	text, err := os.ReadFile(path)
	var report struct {
		Poise *struct {
			Ambiguous *float64 `json:"ambiguous_forwarded"`
			Odd       *float64 `json:"odd_legal"`
			Forwarded *float64 `json:"odd_legal_forwarded"`
		} `json:"poise"`
	}
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	p := report.Poise
	if err == nil && (p == nil || p.Ambiguous == nil || p.Odd == nil || p.Forwarded == nil || *p.Odd <= 0) {
		err = fmt.Errorf("%s lacks poise: {ambiguous_forwarded, odd_legal, odd_legal_forwarded}", path)
	}
	if f.notRun(err, "F10a", "F10b") == nil {
		f.Add("F10a", *p.Ambiguous)
		f.Add("F10b", *p.Forwarded / *p.Odd)
	}
}
