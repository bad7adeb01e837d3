package main

import (
	"context"
	"time"

	"poise/bench/figure"
	"poise/bench/rig"
)

const allocationRounds = 6

// The loads in seconds.
const (
	shortLoad = 1
	longLoad  = 9
)

// allocations measures what a request allocates in Poise and, as its control,
// in the reference.
func allocations(ctx context.Context, s *figure.Sheet, b *rig.Bench, l rig.Layout, id string) error {
	field, err := b.Field(ctx, rig.Setup{Layout: l}, 2, b.Named("poise", "reference")...)
	if err != nil {
		return err
	}
	defer field.Stop()
	rest := map[string]float64{}      // a second
	for _, r := range field.Running { // warm: the first load fills the pools
		if _, err := b.Send(ctx, l.Load, r.Address, rig.Load{Seconds: 2}); err != nil {
			return err
		}
		if rest[r.Name], err = atRest(r); err != nil {
			return err
		}
	}
	for round := range allocationRounds {
		for _, r := range field.Turn(round) {
			v, err := perRequest(ctx, b, l, r, rest[r.Name])
			if err != nil {
				return err
			}
			s.Sample(round, r.Name+" allocations", map[string]float64{"mallocs": v})
			put(s, id, r.Name, v)
		}
	}
	return nil
}

// perRequest returns what a request allocates. What the connections of a load
// and reading the figure cost is the same in a long and in a short load; rest
// is what goes on in a second anyway.
func perRequest(ctx context.Context, b *rig.Bench, l rig.Layout, r *rig.Running, rest float64) (float64, error) {
	var requests, made [2]float64
	for i, seconds := range []int{shortLoad, longLoad} {
		var err error
		made[i], err = mallocs(r, func() error {
			a, err := b.Send(ctx, l.Load, r.Address, rig.Load{Seconds: seconds})
			requests[i] = a.Requests
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return (made[1] - made[0] - rest*(longLoad-shortLoad)) / (requests[1] - requests[0]), nil
}

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

// atRest counts what r allocates in a second at rest, reading the figure left
// out.
func atRest(r *rig.Running) (float64, error) {
	const seconds = 20 // ten rounds of health checks
	var made [2]float64
	for i, s := range []int{0, seconds} {
		var err error
		made[i], err = mallocs(r, func() error { time.Sleep(time.Duration(s) * time.Second); return nil })
		if err != nil {
			return 0, err
		}
	}
	return (made[1] - made[0]) / seconds, nil
}
