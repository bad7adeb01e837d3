package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poise/bench/rig"
)

func opened(t *testing.T, path string, id identity, want int) *store {
	t.Helper()
	s, kept, err := openStore(path, id)
	if err != nil {
		t.Fatal(err)
	}
	if kept != want {
		t.Fatalf("%d cells kept, want %d", kept, want)
	}
	return s
}

func TestARunThatWasInterruptedGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "cells.jsonl")
	id := identity{Machine: "m", Versions: map[string]string{"nginx": "1"}, Build: "x", Seconds: 1}
	r := &runner{store: opened(t, path, id, 0), size: sizes["quick"]}
	good, void, failed := Key{"c", 1, peak, "nginx", 0}, Key{"c", 1, peak, "nginx", 1}, Key{"c", 1, peak, "nginx", 2}
	took := 0
	take := func(k Key, void string, err error) {
		t.Helper()
		if err := r.cell(context.Background(), k, func() (map[string]float64, string, error) {
			took++
			return map[string]float64{"cpu_us": float64(10 + took)}, void, err
		}); err != nil {
			t.Fatal(err)
		}
	}
	take(good, "", nil)
	take(void, "disturbed", nil)
	take(failed, "", errors.New("502"))
	r.store.f.Close()

	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n" + `{"case":"c","cor`); err != nil { // cut by a power failure
		t.Fatal(err)
	}
	f.Close()
	r.store = opened(t, path, id, 3)
	take(good, "", nil)
	if took != 3 {
		t.Error("a finished cell was measured again")
	}
	take(void, "", nil)
	take(failed, "", nil)
	if took != 5 {
		t.Errorf("%d measurements, want those of the void and the failed cell again", took)
	}
	if got := r.store.values(good, "cpu_us"); !slices.Equal(got, []float64{11, 14, 15}) {
		t.Errorf("values %v, want those of the good cells", got)
	}
	r.store.f.Close()
	r.store = opened(t, path, id, 3)
	r.store.f.Close()

	id.Build = "y"
	s := opened(t, path, id, 0) // another build: nothing of it may be put together
	s.f.Close()
	if _, err := os.Stat(path + ".old"); err != nil {
		t.Error("cells of another build were not kept aside:", err)
	}
}

func TestARunThatIsInterruptedKeepsNoCell(t *testing.T) {
	r := &runner{store: opened(t, filepath.Join(t.TempDir(), "c"), identity{}, 0)}
	ctx, cancel := context.WithCancel(context.Background())
	k := Key{Case: "c", Proxy: "nginx"}
	err := r.cell(ctx, k, func() (map[string]float64, string, error) { cancel(); return nil, "", errors.New("killed") })
	if !errors.Is(err, context.Canceled) || len(r.store.order) != 0 {
		t.Errorf("cell = %v, %d kept", err, len(r.store.order))
	}
}

// filled returns a runner whose store holds what seven rounds found.
func filled(t *testing.T, void string) *runner {
	t.Helper()
	s := sizes["full"]
	r := &runner{Bench: &rig.Bench{}, size: s, store: opened(t, filepath.Join(t.TempDir(), "c"), identity{}, 0)}
	t.Cleanup(func() { r.store.f.Close() })
	for i, p := range []string{"poise", "haproxy", "nginx"} { // nginx 30, haproxy 20, poise 10
		for round := range s.rounds {
			c := &Cell{Key: Key{rig.SmallGet, 1, peak, p, round}, Values: map[string]float64{"cpu_us": float64(10*(i+1)) + float64(round), "per_second": float64(1000 * (i + 1))}}
			if p == "haproxy" {
				c.Void = void
			}
			if err := r.store.add(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

func TestTablesCompareWithTheBetterRoundByRound(t *testing.T) {
	r := filled(t, "")
	tables := r.tables()
	if len(tables) != 1 || len(tables[0].Ratios) != 1 {
		t.Fatalf("%+v; want one table with one ratio, as no Caddy was measured", tables)
	}
	if got := tables[0].Rows[0].Of; got != "nginx" {
		t.Errorf("the first row is %s; want nginx, whatever was measured first", got)
	}
	ratio := tables[0].Ratios[0].Stats["cpu_us"]
	if want := 13.0 / 23; ratio.Median != want || len(ratio.Rounds) != 7 || ratio.Range == nil {
		t.Errorf("ratio %+v; want the median %v of seven to haproxy, with an interval", ratio, want)
	}
	if got := r.pace(rig.Cases[0], 1); got != 700 {
		t.Errorf("pace %v; want 70 %% of Poise's 1,000", got)
	}
}

func TestWhatIsVoidIsCountedAndNotReported(t *testing.T) {
	r := filled(t, "the load was the bottleneck")
	table := r.tables()[0]
	if w := table.Rows[1]; w.Of != "haproxy" || w.Void != 7 || len(w.Stats) != 0 {
		t.Errorf("%+v; want seven void rounds and no figure", w)
	}
	if ratio := table.Ratios[0].Stats["cpu_us"]; ratio.Median != 13.0/33 {
		t.Errorf("ratio %v; want that to nginx, the only one", ratio.Median)
	}
	var b strings.Builder
	table.markdown(&b)
	if !strings.Contains(b.String(), "| haproxy |  |  | 0, 7 void: the load was the bottleneck |") {
		t.Errorf("the table hides what is void:\n%s", b.String())
	}
}

func TestChooseTakesCasesByName(t *testing.T) {
	got, err := choose(sizes["quick"], "headers,endpoints")
	if err != nil || len(got) != 2 || got[1].name != endpointsName {
		t.Errorf("choose = %v, %v", got, err)
	}
	if _, err := choose(sizes["quick"], "heders"); err == nil || !strings.Contains(err.Error(), rig.Headers) {
		t.Errorf("a wrong name: %v; want the right ones", err)
	}
	for name, s := range sizes {
		if _, err := choose(s, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStepsOfGrowthStandSideBySide(t *testing.T) {
	var rep Report
	for i, n := range []string{"2", "10"} {
		rep.Tables = append(rep.Tables, Table{Case: endpointsName + "-" + n, Cores: 1, Phase: growth, Rows: []Row{
			{Of: "p2c", Stats: map[string]Stat{"cpu_us": {Median: float64(17 + i), Range: &[2]float64{16, 19}}}},
			{Of: "random", Void: 2},
		}})
	}
	var b strings.Builder
	for _, g := range rep.growths() {
		g.markdown(&b)
	}
	for _, want := range []string{"| 2 | 10 |", "| p2c | 17 (16 … 19) | 18 (16 … 19) |", "| random | 2 void, 0 failed | 2 void, 0 failed |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if c := rep.growthChart(); len(c.Panels) != 2 || len(c.Panels[0].Rows) != 2 || c.Panels[1].Rows[0].Values[0].Missing != "void" {
		t.Errorf("the chart has %+v", c.Panels)
	}
}
