package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"poise/bench/arena"
	"poise/bench/figure"
	"poise/bench/guard"
	"poise/bench/rig"
	"poise/internal/lab/bench"
	"poise/internal/report"
	"poise/internal/report/reporttest"
)

// figuresOf5 are those of the evidence.
func figuresOf5() []figure.Figure {
	return []figure.Figure{
		{ID: "B1 near", What: "forecasts of p50 and p99 within 15 % of what then was", Unit: "%", AtMost: 80, Least: true, Count: true, Against: "that nothing changes"},
		{ID: "B1 held", What: "of the same, what then was within the 90 % interval", Unit: "%", AtMost: 85, Least: true, Count: true},
		{ID: "B1 not too wide", What: "the same", Unit: "%", AtMost: 95, Count: true},
		{ID: "B2 quick", What: "a bench of size quick", Unit: "min", AtMost: 6, Count: true},
		{ID: "B3 agree", What: "pairs that stand apart in one of two benches of size hour, with the same one ahead in both", Unit: "%", AtMost: 90, Least: true, Count: true},
		{ID: "B3 best", What: "scenarios in which the best of either is that of the other, or not to be told from it", Unit: "%", AtMost: 90, Least: true, Count: true},
		{ID: "B4 size", What: "a page of 10 policies and 12 scenarios", Unit: "MB", AtMost: 2, Count: true},
		{ID: "B4 time", What: "until it is painted, in chromium", Unit: "s", AtMost: 1},
	}
}

// measure5 measures those that were asked for. Each says by itself what kept it
// from being measured.
func measure5(ctx context.Context, s *figure.Sheet, o asked) error {
	wanted := func(id string) bool { return o.figures == "" || slices.Contains(list(o.figures), id) }
	s.Versions["poise"] = rig.Commit()
	note := func(err error, ids ...string) {
		if err != nil {
			_ = notRun4(s, err, ids...)
		}
	}
	if wanted("B4") {
		pageFigures(ctx, s)
	}
	dir, err := os.MkdirTemp("", "prove-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	poise, err := rig.Build(ctx, dir, "./cmd/poise")
	if err != nil {
		return err
	}
	if wanted("B1") {
		note(forecasts(ctx, s, poise, o.lanes), "B1 near", "B1 held", "B1 not too wide")
	}
	if wanted("B2") {
		note(quickBench(ctx, s, poise), "B2 quick")
	}
	switch {
	case !wanted("B3"):
	case o.size == guard.Quick:
		s.NotRun("B3 agree", "two hours; leave out SIZE=quick")
		s.NotRun("B3 best", "the same")
	default:
		note(agreement(ctx, s, poise, o.lanes), "B3 agree", "B3 best")
	}
	return ctx.Err()
}

func say(text string) { fmt.Println(text) }

// quickBench runs the command as a user does, and takes its time.
func quickBench(ctx context.Context, s *figure.Sheet, poise string) error {
	if err := os.MkdirAll(".cache", 0o755); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, filepath.Clean(poise), "bench", "--size", "quick", "--out", ".cache/quick.html")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	if err := c.Run(); err != nil {
		return fmt.Errorf("poise bench: %w", err)
	}
	s.Add("B2 quick", time.Since(began).Minutes())
	return nil
}

// evaluation is where the study is kept.
const evaluation = "docs/evidence/evaluation.html"

// agreement runs the hour of the evaluation twice, with other jobs, and compares
// the winners. The first has its runs in common with the arena and the
// evaluation, and is not made again where they are there.
func agreement(ctx context.Context, s *figure.Sheet, poise string, lanes int) error {
	if err := rig.Install(ctx, "nginx", "haproxy", "caddy"); err != nil {
		return err
	}
	o, err := hour(poise)
	if err != nil {
		return err
	}
	o.Lanes = lanes
	r, err := bench.Open(o)
	if err != nil {
		return err
	}
	defer r.Close()
	if err = r.Check(ctx); err == nil {
		err = r.Take(ctx)
	}
	if err != nil {
		return err
	}
	both := r.Results()
	for _, p := range both.Programs {
		s.Versions[p.Name] = p.Version
	}
	both.Title, both.Command = "What wins when", "make prove ISSUE=5 FIGURE=B3 LANES=3"
	both.Notes = append(both.Notes, "Two rounds: the hour that make evaluation makes, and once more with other jobs. Built from "+rig.Commit()+".")
	if err := bench.Write(both, evaluation, true); err != nil {
		return err
	}
	return agree(s, both)
}

// agree compares the rounds. That one stands apart from all others is rare where
// so many do the same, so it is asked of each pair which of the two wins.
func agree(s *figure.Sheet, both *report.Results) error {
	for _, line := range both.Compared(1, 2) {
		say(line)
	}
	v := report.Agree(both.Round(1), both.Round(2))
	if v.Apart == 0 || v.Known == 0 {
		return errors.New("in no scenario do two stand apart")
	}
	say(fmt.Sprintf("of %d pairs that stand apart %d have the same one ahead; in %d of %d scenarios the best is the best of the other hour", v.Apart, v.Same, v.Best, v.Known))
	s.Add("B3 agree", 100*float64(v.Same)/float64(v.Apart))
	s.Add("B3 best", 100*float64(v.Best)/float64(v.Known))
	return nil
}

// hour is the evaluation as a bench of size hour makes it with three lanes, one
// round, and once more with the jobs of the next.
func hour(poise string) (o bench.Options, err error) {
	o = bench.Options{Poise: poise, Version: rig.Commit(), Say: say, Length: arena.Full.Length, Rounds: 2, Cells: arena.Cells, Size: bench.Size{Name: "hour"}}
	err = arena.Choose(&o, bench.Conditions, bench.Names(), arena.Peers)
	return o, err
}

// watcher notes when the second frame after everything was loaded begins: the
// first one is painted by then.
const watcher = `<script>addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(() => console.log("painted after " + performance.now() + " ms"))))</script>`

var painting = regexp.MustCompile(`painted after ([0-9.]+) ms`)

// pageFigures makes the largest page that must be good, and opens it.
func pageFigures(ctx context.Context, s *figure.Sheet) {
	var page bytes.Buffer
	results := reporttest.Results(reporttest.Size{Policies: 10, Scenarios: 12, Endpoints: 10, Seconds: 33, Rounds: 6})
	if err := results.HTML(&page); err != nil {
		_ = notRun4(s, err, "B4 size", "B4 time")
		return
	}
	s.Add("B4 size", float64(page.Len())/1e6)
	if err := painted(ctx, s, page.Bytes()); err != nil {
		_ = notRun4(s, err, "B4 time")
	}
}

// painted takes the time from the begin of the navigation until everything that
// is in the window is painted.
func painted(ctx context.Context, s *figure.Sheet, page []byte) error {
	const browser = "chromium"
	if err := rig.Install(ctx, browser); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "page-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, append(page, watcher...), 0o600); err != nil {
		return err
	}
	for range figure.MinRounds {
		out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
			"--window-size=1280,1600", "--enable-logging=stderr", "--screenshot="+filepath.Join(dir, "page.png"), "file://"+file).CombinedOutput()
		if err != nil {
			return fmt.Errorf("chromium: %w: %s", err, out)
		}
		m := painting.FindSubmatch(out)
		if m == nil {
			return errors.New("the page did not say when it was painted")
		}
		ms, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return err
		}
		s.Add("B4 time", ms/1000)
	}
	return nil
}
