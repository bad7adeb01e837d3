package main

import (
	"context"

	"poise/bench/figure"
	"poise/bench/rig"
)

const (
	rounds    = 9 // one outlier on each side leaves the interval alone
	roundTime = 3 // seconds
	idle      = 10_000
	idleRuns  = 6
)

var figuresOf1 = []figure.Figure{
	{ID: "R1", What: "CPU per request, of the better of nginx and HAProxy", Unit: "x", AtMost: 1.15, Against: "reference instead"},
	{ID: "R2", What: "CPU per request, of the net/http reference", Unit: "x", AtMost: 0.5, Against: "nginx instead, twice"},
	{ID: "R3", What: "allocations per request, steady", Unit: "", AtMost: 0.005, Against: "reference instead"},
	{ID: "R4", What: "RSS per idle connection of 10,000", Unit: "KiB", AtMost: 8, Against: "reference instead"},
}

// measure1 runs all proxies in every round, each round beginning with another
// one, and takes ratios within the round only.
func measure1(ctx context.Context, s *figure.Sheet) error {
	b, err := rig.Open(ctx, "nginx", "haproxy", "poise", "reference")
	if err != nil {
		return err
	}
	defer b.Close()
	layout, err := begin(s, b)
	if err != nil {
		return err
	}
	small, _ := rig.CaseOf(rig.SmallGet)
	all, err := rotate(ctx, s, b, job{proxies: rig.All, layout: layout, of: small, rounds: rounds, allocations: true})
	if err != nil {
		return err
	}
	for _, m := range all {
		cpu := func(name string) float64 { return m[name]["CPU us"] }
		best := min(cpu("nginx"), cpu("haproxy"))
		s.Add("R1", cpu("poise")/best)
		s.Control("R1", cpu("reference")/best)
		s.Add("R2", cpu("poise")/cpu("reference"))
		s.Control("R2", 2*cpu("nginx")/cpu("reference"))
		s.Add("R3", m["poise"]["mallocs"])
		s.Control("R3", m["reference"]["mallocs"])
	}
	return idleCosts(ctx, s, b, layout, "R4")
}
