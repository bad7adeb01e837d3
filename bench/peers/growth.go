package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"poise/bench/rig"
)

// The parts that are no case: what grows, what is idle, what is added.
const (
	idleName        = "idle-10000"
	addedName       = "added-latency"
	endpointsName   = "endpoints"
	connectionsName = "connections"
)

// growth is the phase of what is measured in steps.
const growth = "growth"

const idleConnections = 10_000

func idleCells(s *size) int { return len(s.proxies) * s.rounds }

// idleRun measures what an idle connection costs: each proxy just started and
// warmed, one after the other.
func idleRun(ctx context.Context, r *runner) error {
	l := rig.Cores(1)
	for round := range r.size.rounds {
		for i := range r.Proxies {
			p := r.Proxies[(round+i)%len(r.Proxies)]
			err := r.cell(ctx, Key{idleName, 1, "idle", p.Name, round}, func() (map[string]float64, string, error) {
				return r.idle(ctx, l, p)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) idle(ctx context.Context, l rig.Layout, p rig.Proxy) (map[string]float64, string, error) {
	f, err := r.Field(ctx, rig.Setup{Layout: l}, 2, p)
	if err != nil {
		return nil, "", err
	}
	defer f.Stop()
	if _, err := r.Send(ctx, l.Load, f.Running[0].Address, rig.Load{Seconds: 1}); err != nil {
		return nil, "", err
	}
	bytes, err := rig.IdleCost(f.Running[0], idleConnections)
	return map[string]float64{"idle_kib": bytes / 1024}, "", err
}

// Growth of the number of endpoints. Each Poise runs alone: the health checks
// of five others with 1,000 endpoints each would be felt. There is no slow
// start, which would last for longer than a round, and a round begins when all
// have connections enough.
var (
	policies = []string{"round-robin", "p2c", "random", "peak-ewma", "hot-cold", "least-request"}
	clusters = []int{2, 10, 100, 1000}
)

const bothCores = 10 // the size of cluster that is measured on two cores as well

func endpointsCells(s *size) int { return (len(clusters) + 1) * len(policies) * s.rounds }

func endpointsRun(ctx context.Context, r *runner) error {
	for _, n := range clusters {
		if err := r.policies(ctx, rig.Cores(1), n); err != nil {
			return err
		}
	}
	return r.policies(ctx, rig.Cores(2), bothCores)
}

func (r *runner) policies(ctx context.Context, l rig.Layout, endpoints int) error {
	name := fmt.Sprintf("%s-%d", endpointsName, endpoints)
	for round := range r.size.rounds {
		for i := range policies {
			policy := policies[(round+i)%len(policies)]
			err := r.cell(ctx, Key{name, l.Workers, growth, policy, round}, func() (map[string]float64, string, error) {
				return r.policy(ctx, l, policy, endpoints)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) policy(ctx context.Context, l rig.Layout, policy string, endpoints int) (map[string]float64, string, error) {
	f, err := r.Field(ctx, rig.Setup{Layout: l, Policy: policy, Cluster: ", slow_start: 0s"}, endpoints, r.Proxy("poise"))
	if err != nil {
		return nil, "", err
	}
	defer f.Stop()
	p := f.Running[0]
	if _, err := r.Send(ctx, l.Load, p.Address, rig.Load{Seconds: 1 + endpoints/500}); err != nil {
		return nil, "", err
	}
	before, err := p.Usage()
	if err != nil {
		return nil, "", err
	}
	time.Sleep(time.Second)
	after, err := p.Usage()
	if err != nil {
		return nil, "", err
	}
	values, void, err := r.loaded(ctx, p, rig.Load{Seconds: r.size.seconds})
	if err == nil {
		values["rest_ms"] = float64(after.CPU-before.CPU) / float64(time.Millisecond)
	}
	return values, void, err
}

// Growth of the number of connections.
var (
	crowds   = []int{10, 100, 1000, 10_000}
	crowders = []string{"nginx", "haproxy", "poise"}
)

func connectionsCells(s *size) int { return len(crowds) * len(crowders) * s.rounds * len(s.cores) }

func connectionsRun(ctx context.Context, r *runner) error {
	for _, cores := range r.size.cores {
		if err := r.crowd(ctx, rig.Cores(cores)); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) crowd(ctx context.Context, l rig.Layout) error {
	f, err := r.Field(ctx, rig.Setup{Layout: l}, 2, r.Named(crowders...)...)
	if err != nil {
		return err
	}
	defer f.Stop()
	r.warm(ctx, f, rig.Case{})
	for _, n := range crowds {
		name := fmt.Sprintf("%s-%d", connectionsName, n)
		for round := range r.size.rounds {
			for _, p := range f.Turn(round) {
				err := r.cell(ctx, Key{name, l.Workers, growth, p.Name, round}, func() (map[string]float64, string, error) {
					return r.loaded(ctx, p, rig.Load{Seconds: r.crowdSeconds(n), Connections: n})
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// crowdSeconds is longer where connecting alone takes part of a second: it is
// in the cost per request.
func (r *runner) crowdSeconds(connections int) int {
	if connections >= 10_000 {
		return 4 * r.size.seconds
	}
	return r.size.seconds
}

// Latency that is added at half load of Poise, by both generators.
var adders = []string{"nginx", "haproxy", "poise"}

func addedCells(s *size) int { return len(adders) * s.rounds * 2 }

func addedRun(ctx context.Context, r *runner) error {
	if !r.missing(addedName, 1, []string{"poise load", "wrk"}, adders) {
		r.seen += addedCells(&r.size)
		return nil
	}
	f, err := r.Field(ctx, rig.Setup{Layout: rig.Cores(1)}, 2, r.Named(adders...)...)
	if err != nil {
		return err
	}
	defer f.Stop()
	r.warm(ctx, f, rig.Case{})
	half, connections, err := r.half(ctx, f)
	if err != nil {
		return err
	}
	for phase, l := range map[string]rig.Load{
		"poise load": {Seconds: r.size.seconds, Rate: half},
		"wrk":        {Seconds: r.size.seconds, Connections: connections},
	} {
		for round := range r.size.rounds {
			for _, p := range f.Turn(round) {
				err := r.cell(ctx, Key{addedName, 1, phase, p.Name, round}, func() (map[string]float64, string, error) {
					a, err := r.Added(ctx, f.Straight, p, l)
					v := map[string]float64{"added_mean_us": a.Mean, "added_p50_us": a.P50, "added_p99_us": a.P99}
					if !math.IsNaN(a.Overhead) { // JSON has no NaN
						v["overhead_us"] = a.Overhead
					}
					return v, a.Void, err
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// half is the load that all are given, kept so that a run that goes on uses
// the same.
func (r *runner) half(ctx context.Context, f *rig.Field) (perSecond float64, connections int, err error) {
	k := Key{Case: addedName, Phase: "half load"}
	if c := r.store.cells[k]; c != nil {
		return c.Values["per_second"], int(c.Values["connections"]), nil
	}
	for _, p := range f.Running {
		if p.Name == "poise" {
			if perSecond, connections, err = r.HalfLoad(ctx, p); err != nil {
				return 0, 0, err
			}
		}
	}
	return perSecond, connections, r.store.add(&Cell{Key: k, Values: map[string]float64{"per_second": perSecond, "connections": float64(connections)}})
}
