package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"

	"poise/bench/figure"
	"poise/bench/rig"
)

// begin notes versions and moves this process away from the proxy's core.
func begin(s *figure.Sheet, b *rig.Bench) (rig.Layout, error) {
	maps.Copy(s.Versions, b.Versions())
	l := rig.Cores(1)
	s.Versions["layout"] = l.String()
	return l, l.Move()
}

// found is what a round found, by proxy and quantity.
type found map[string]map[string]float64

// A job is a load that proxies get in turn.
type job struct {
	proxies []string
	layout  rig.Layout
	of      rig.Case
	rate    float64 // requests a second, due whatever the answers do; 0 for as many as there are answers
	part    float64 // instead, this part of the rate that the slowest takes, for a load that needs more of its core than the proxies of theirs
	rounds  int
}

// name is the job's in the raw figures.
func (j job) name(proxy string) string {
	if j.rate > 0 {
		return fmt.Sprintf("%s %s at a rate", proxy, j.of.Name)
	}
	return proxy + " " + j.of.Name
}

// rotate measures every proxy in every round, each round beginning with
// another one, and returns the good rounds. A round in which one measurement is
// void counts for nobody; it is made up for, up to as many
// rounds again.
func rotate(ctx context.Context, s *figure.Sheet, b *rig.Bench, j job) (all []found, err error) {
	f, err := b.Field(ctx, rig.Setup{Layout: j.layout}, 2, b.Named(j.proxies...)...)
	if err != nil {
		return nil, err
	}
	defer f.Stop()
	slowest := math.Inf(1)
	for _, r := range f.Running { // warm
		a, err := b.Send(ctx, j.layout.Load, r.Address, j.of.For(2, 0))
		if err != nil {
			return nil, err
		}
		slowest = min(slowest, a.Requests/a.Seconds)
	}
	if j.part > 0 {
		j.rate = j.part * slowest
	}
	for round, good := 0, 0; good < j.rounds && round < 2*j.rounds; round++ {
		in, void := found{}, ""
		var line strings.Builder
		fmt.Fprintf(&line, "%s, round %d, %d of %d good: us of CPU a request:", j.of.Name, round+1, good, j.rounds)
		for _, r := range f.Turn(round) {
			values, why, err := loaded(ctx, b, r, j)
			if err != nil {
				return all, err
			}
			if why != "" {
				void = r.Name + ": " + why
				values["void"] = 1
			}
			in[r.Name] = values
			s.Sample(round, j.name(r.Name), values)
			fmt.Fprintf(&line, "  %s %.1f", r.Name, values["CPU us"])
		}
		if void != "" {
			line.WriteString("  void, " + void)
		} else {
			all = append(all, in)
			good++
		}
		fmt.Println(line.String())
	}
	return all, nil
}

// loaded measures one proxy for one round.
func loaded(ctx context.Context, b *rig.Bench, r *rig.Running, j job) (map[string]float64, string, error) {
	m, err := b.Measure(ctx, r, j.of.For(roundTime, j.rate))
	if err != nil {
		return nil, "", err
	}
	return map[string]float64{"CPU us": m.CPU, "requests/s": m.Requests / m.Seconds, "p50 us": m.P50, "p99 us": m.P99}, m.Void, nil
}

// put adds a round of what Poise reached, or of its control.
func put(s *figure.Sheet, id, name string, v float64) {
	if name == "poise" {
		s.Add(id, v)
	} else {
		s.Control(id, v)
	}
}

// idleCosts measures what an idle connection costs in Poise and, as its
// control, in the reference: each just started and warmed.
func idleCosts(ctx context.Context, s *figure.Sheet, b *rig.Bench, l rig.Layout, id string) error {
	for round := range idleRuns {
		for _, name := range []string{"poise", "reference"} {
			kib, err := idleCost(ctx, b, l, name)
			if err != nil {
				return fmt.Errorf("idle connections of %s: %w", name, err)
			}
			s.Sample(round, name, map[string]float64{"idle KiB": kib})
			put(s, id, name, kib)
		}
	}
	return nil
}

// idleCost returns KiB.
func idleCost(ctx context.Context, b *rig.Bench, l rig.Layout, name string) (float64, error) {
	f, err := b.Field(ctx, rig.Setup{Layout: l}, 2, b.Proxy(name))
	if err != nil {
		return 0, err
	}
	defer f.Stop()
	if _, err := b.Send(ctx, l.Load, f.Running[0].Address, rig.Load{Seconds: 1}); err != nil {
		return 0, err
	}
	bytes, err := rig.IdleCost(f.Running[0], idle)
	return bytes / 1024, err
}
