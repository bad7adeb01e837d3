package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"poise/bench/figure"
	"poise/bench/rig"
)

const (
	rounds    = 9 // one outlier on each side leaves the interval alone
	roundTime = 3 * time.Second
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
	if runtime.NumCPU() < 2 {
		return errors.New("two cores are needed: one for the proxy, one for load and endpoints")
	}
	if err := rig.Install(ctx, "nginx", "haproxy", "wrk"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "prove-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var bins [3]string
	for i, pkg := range []string{"./cmd/poise", "./bench/reference", "./bench/endpoint"} {
		if bins[i], err = rig.Build(ctx, dir, pkg); err != nil {
			return err
		}
	}
	poise, reference := rig.Poise(bins[0]), rig.Reference(bins[1])
	proxies := []rig.Proxy{rig.Nginx(), rig.HAProxy(), poise, reference}
	for _, p := range proxies {
		s.Versions[p.Name] = p.Version
	}
	endpoints, stop, err := startEndpoints(ctx, bins[2])
	if err != nil {
		return err
	}
	defer stop()
	if err := cpu(ctx, s, proxies, dir, endpoints); err != nil {
		return err
	}
	for round := range idleRuns {
		for _, p := range []rig.Proxy{poise, reference} {
			kib, err := idleCost(ctx, p, dir, endpoints)
			if err != nil {
				return fmt.Errorf("idle connections of %s: %w", p.Name, err)
			}
			s.Sample(round, p.Name, map[string]float64{"idle KiB": kib})
			put(s, "R4", p.Name, kib)
		}
	}
	return nil
}

// put adds a round of what Poise reached, or of its control.
func put(s *figure.Sheet, id, name string, v float64) {
	if name == "poise" {
		s.Add(id, v)
	} else {
		s.Control(id, v)
	}
}

func startEndpoints(ctx context.Context, bin string) (addresses []string, stop func(), err error) {
	var started []*rig.Process
	stop = func() {
		for _, p := range started {
			p.Stop()
		}
	}
	for range 2 {
		a, err := rig.FreeAddress()
		if err != nil {
			return nil, stop, err
		}
		p, err := rig.Start(rig.LoadCore, bin, "-listen", a)
		if err != nil {
			return nil, stop, err
		}
		started, addresses = append(started, p), append(addresses, a)
		if err := p.Ready(ctx, a); err != nil {
			stop()
			return nil, stop, err
		}
	}
	return addresses, stop, nil
}

// cpu measures R1 to R3.
func cpu(ctx context.Context, s *figure.Sheet, proxies []rig.Proxy, dir string, endpoints []string) error {
	var running []*rig.Running
	defer func() {
		for _, r := range running {
			r.Stop()
		}
	}()
	for _, p := range proxies {
		r, err := p.Start(ctx, dir, endpoints)
		if err != nil {
			return err
		}
		running = append(running, r)
		if _, err := rig.Wrk(ctx, r.Address, 2*time.Second); err != nil { // warm
			return err
		}
	}
	for round := range rounds {
		us := map[string]float64{}
		for i := range proxies {
			k := (round + i) % len(proxies)
			values, err := loaded(ctx, proxies[k], running[k])
			if err != nil {
				return err
			}
			name := proxies[k].Name
			s.Sample(round, name, values)
			us[name] = values["CPU us"]
			if proxies[k].Metrics {
				put(s, "R3", name, values["mallocs"])
			}
		}
		best := min(us["nginx"], us["haproxy"])
		s.Add("R1", us["poise"]/best)
		s.Control("R1", us["reference"]/best)
		s.Add("R2", us["poise"]/us["reference"])
		s.Control("R2", 2*us["nginx"]/us["reference"])
		fmt.Printf("round %d of %d: us of CPU a request: nginx %.1f haproxy %.1f poise %.1f reference %.1f\n",
			round+1, rounds, us["nginx"], us["haproxy"], us["poise"], us["reference"])
	}
	return nil
}

// loaded measures one proxy for one round. Allocations are what came in the
// round less what the same time costs at rest, reading the figure included.
func loaded(ctx context.Context, p rig.Proxy, r *rig.Running) (map[string]float64, error) {
	rest := 0.0
	if p.Metrics {
		var err error
		if rest, err = mallocs(r, func() error { time.Sleep(roundTime); return nil }); err != nil {
			return nil, err
		}
	}
	var requests float64
	var spent time.Duration
	load := func() error {
		before, err := r.Usage()
		if err != nil {
			return err
		}
		if requests, err = rig.Wrk(ctx, r.Address, roundTime); err != nil {
			return err
		}
		after, err := r.Usage()
		spent = after.CPU - before.CPU
		return err
	}
	if !p.Metrics {
		if err := load(); err != nil {
			return nil, err
		}
		return map[string]float64{"CPU us": micros(spent) / requests, "requests/s": requests / roundTime.Seconds()}, nil
	}
	made, err := mallocs(r, load)
	if err != nil {
		return nil, err
	}
	return map[string]float64{"CPU us": micros(spent) / requests, "requests/s": requests / roundTime.Seconds(), "mallocs": (made - rest) / requests}, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// mallocs counts the allocations of r while do runs.
func mallocs(r *rig.Running, do func() error) (float64, error) {
	before, err := r.Mallocs()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := r.Mallocs()
	return after - before, err
}

// idleCost returns the KiB of RSS that an idle connection costs in a proxy
// that has just been started and warmed.
func idleCost(ctx context.Context, p rig.Proxy, dir string, endpoints []string) (float64, error) {
	r, err := p.Start(ctx, dir, endpoints)
	if err != nil {
		return 0, err
	}
	defer r.Stop()
	if _, err := rig.Wrk(ctx, r.Address, time.Second); err != nil {
		return 0, err
	}
	before, err := r.Usage()
	if err != nil {
		return 0, err
	}
	closeAll, err := rig.Idle(r.Address, idle)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	time.Sleep(time.Second)
	after, err := r.Usage()
	return (after.RSS - before.RSS) / idle / 1024, err
}
