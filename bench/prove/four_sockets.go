package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"poise/bench/arena"
	"poise/bench/figure"
	"poise/bench/guard"
	"poise/bench/rig"
)

const (
	engineTime = "60s"
	freezeTime = 15 // seconds of a round
	ofCluster  = 100
)

// figuresOfSockets are E5 to E7 of issue 4: what is measured over sockets, and
// what the engine costs.
func figuresOfSockets() []figure.Figure {
	return append([]figure.Figure{
		{ID: "E6 record", What: "an attempt recorded", Unit: "ns", AtMost: 50},
		{ID: "E6 pick", What: "a pick of expected-delay, at the slowest cluster size", Unit: "ns", AtMost: 250},
		{ID: "E6 engine", What: "engine at 10,000 requests/s, one cluster of 100 endpoints, of a core", Unit: "%", AtMost: 1},
		{ID: "E6 engine 20", What: "the same rate over 20 clusters of 10 endpoints, of a core", Unit: "%", AtMost: 1},
		{ID: "E6 beside", What: "p99.9 with auto, of freeze, one core at half load", Unit: "x", AtMost: 1.05},
	}, arena.Figures()...)
}

// against takes the runs over sockets that are missing and judges all.
func against(ctx context.Context, s *figure.Sheet, o asked) error {
	b, err := rig.Open(ctx, "nginx", "haproxy", "caddy", "poise")
	if err != nil {
		return err
	}
	defer b.Close()
	size := arena.Full
	if o.size == guard.Quick {
		size = arena.Quick
	}
	a, err := arena.Open(size, b.Poise, rig.Commit(), o.lanes)
	if err != nil {
		return err
	}
	defer a.Close()
	maps.Copy(s.Versions, b.Versions())
	fmt.Printf("runs that were made earlier are in %s and are not made again\n", arena.Cells)
	if err := a.Take(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err) // each figure says by itself what is missing
	}
	a.Judge(s)
	return a.Report("docs/evidence")
}

// notRun4 notes an error with the figures that it kept from being measured.
func notRun4(s *figure.Sheet, err error, ids ...string) error {
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		for _, id := range ids {
			s.NotRun(id, first)
		}
	}
	return err
}

func benchmarks4(ctx context.Context, s *figure.Sheet) error {
	append1, err := rig.GoBench(ctx, "./internal/record", "^BenchmarkLease$", figure.MinRounds)
	err = notRun4(s, err, "E6 record")
	put4(s, "E6 record", append1)
	picks, err2 := rig.GoBench(ctx, "./internal/balance/catalog", "^BenchmarkPick$/^expected-delay$", figure.MinRounds)
	put4(s, "E6 pick", picks)
	return errors.Join(err, notRun4(s, err2, "E6 pick"))
}

// put4 adds the rounds of the slowest of several benchmarks.
func put4(s *figure.Sheet, id string, all map[string][]float64) {
	slowest := ""
	for name := range all {
		if slowest == "" || figure.Median(all[name]) > figure.Median(all[slowest]) {
			slowest = name
		}
	}
	for _, v := range all[slowest] {
		s.Add(id, v)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s.Sample(0, name, map[string]float64{"ns": figure.Median(all[name])})
	}
}

// engineCost runs the engine beside records that are made up, one cluster and
// twenty at once: each takes a few hundredths of a core.
func engineCost(ctx context.Context, s *figure.Sheet) error {
	ids := []string{"E6 engine", "E6 engine 20"}
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return notRun4(s, err, ids...)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin, err := rig.Build(ctx, dir, "./bench/engine")
	if err != nil {
		return notRun4(s, err, ids...)
	}
	for round := range figure.MinRounds {
		var found [2]cost
		var failed [2]error
		var both sync.WaitGroup
		for i, args := range [][]string{{"-clusters", "1", "-endpoints", "100"}, {"-clusters", "20", "-endpoints", "10"}} {
			both.Go(func() { found[i], failed[i] = engineFor(ctx, bin, args) })
		}
		both.Wait()
		if err := errors.Join(failed[:]...); err != nil {
			return notRun4(s, err, ids...)
		}
		for i, f := range found {
			s.Add(ids[i], f.percent(f.Engine))
			s.Sample(round, ids[i], map[string]float64{"engine %": f.percent(f.Engine), "process %": f.percent(f.Process), "postponed": f.Postponed, "decisions": f.Decisions, "records": f.Records})
			fmt.Printf("%s, round %d: engine %.2f %% of a core, the whole process %.2f %%, %.0f decisions, %.0f postponed\n", ids[i], round+1, f.percent(f.Engine), f.percent(f.Process), f.Decisions, f.Postponed)
		}
	}
	return nil
}

// cost is what bench/engine prints.
type cost struct {
	Seconds   float64
	Engine    float64 `json:"engine_cpu"`
	Process   float64 `json:"process_cpu"`
	Postponed float64
	Decisions float64
	Records   float64
}

// percent of a core.
func (c *cost) percent(cpu float64) float64 { return 100 * cpu / c.Seconds }

func engineFor(ctx context.Context, bin string, args []string) (c cost, err error) {
	out, err := exec.CommandContext(ctx, filepath.Clean(bin), append(args, "-for", engineTime)...).Output()
	if err != nil {
		return c, fmt.Errorf("bench/engine: %w", err)
	}
	if err := json.Unmarshal(out, &c); err != nil {
		return c, fmt.Errorf("bench/engine printed %s: %w", out, err)
	}
	return c, nil
}

// beside measures what the engine does to the requests that it does not touch.
func beside(ctx context.Context, s *figure.Sheet) error {
	const id = "E6 beside"
	b, err := rig.Open(ctx, "poise")
	if err != nil {
		return notRun4(s, err, id)
	}
	defer b.Close()
	l := rig.Cores(1)
	f, err := b.Field(ctx, rig.Setup{Layout: l, Policy: "adaptive"}, ofCluster)
	if err != nil {
		return notRun4(s, err, id)
	}
	defer f.Stop()
	for _, mode := range []string{"auto", "freeze"} {
		if err := f.Add(ctx, b.Proxy("poise"), "engine: {mode: "+mode+"}\n"); err != nil {
			return notRun4(s, err, id)
		}
	}
	rate, _, err := b.HalfLoad(ctx, f.Running[1])
	if err != nil {
		return notRun4(s, err, id)
	}
	for round, good := 0, 0; good < figure.MinRounds && round < 2*figure.MinRounds; round++ {
		p, void := map[*rig.Running]float64{}, ""
		for _, r := range f.Turn(round) {
			m, err := b.Measure(ctx, r, rig.Load{Seconds: freezeTime, Rate: rate})
			if err != nil {
				return notRun4(s, err, id)
			}
			p[r] = m.P999
			void += m.Void
		}
		auto, freeze := p[f.Running[0]], p[f.Running[1]]
		fmt.Printf("%s, round %d, %.0f requests/s: p99.9 %.0f us with auto, %.0f with freeze %s\n", id, round+1, rate, auto, freeze, void)
		if void != "" {
			continue
		}
		good++
		s.Sample(round, id, map[string]float64{"auto us": auto, "freeze us": freeze})
		s.Add(id, auto/freeze)
	}
	return nil
}
