package rig

import (
	"context"
	"math"
)

// Added is what a proxy adds to the latency of its endpoint, in us: the same
// load through it, less straight to the endpoint. Means subtract exactly,
// percentiles nearly.
type Added struct {
	Mean, P50, P99 float64
	// Overhead is the mean that the proxy itself states for the same requests,
	// NaN when it states none.
	Overhead float64
	Void     string
}

// Added measures it. The proxy and the endpoint get the same load, the one
// right after the other.
func (b *Bench) Added(ctx context.Context, straight, r *Running, l Load) (a Added, err error) {
	without, err := b.Measure(ctx, straight, l)
	if err != nil {
		return a, err
	}
	states := r.Name == "poise"
	var seconds, requests, seconds2, requests2 float64
	if states {
		if seconds, requests, err = r.Overhead(); err != nil {
			return a, err
		}
	}
	through, err := b.Measure(ctx, r, l)
	if err != nil {
		return a, err
	}
	a = Added{Mean: through.Mean - without.Mean, P50: through.P50 - without.P50, P99: through.P99 - without.P99, Overhead: math.NaN(), Void: through.Void}
	if states {
		if seconds2, requests2, err = r.Overhead(); err != nil {
			return a, err
		}
		a.Overhead = 1e6 * (seconds2 - seconds) / (requests2 - requests)
	}
	if a.Void == "" && without.Void != "" {
		a.Void = "straight: " + without.Void
	}
	return a, nil
}

// HalfLoad finds what keeps r at half of its peak: a rate for an open loop, and
// the connections of a closed one that come nearest to that rate.
func (b *Bench) HalfLoad(ctx context.Context, r *Running) (rate float64, connections int, err error) {
	full, err := b.Send(ctx, r.Layout.Load, r.Address, Load{Seconds: 3})
	if err != nil {
		return 0, 0, err
	}
	rate = full.Requests / full.Seconds / 2
	nearest := math.Inf(1)
	for n := 1; n <= 8; n++ {
		a, err := b.Send(ctx, r.Layout.Load, r.Address, Load{Seconds: 1, Connections: n})
		if err != nil {
			return 0, 0, err
		}
		d := math.Abs(a.Requests/a.Seconds - rate)
		if d >= nearest {
			break // more connections only add to it
		}
		nearest, connections = d, n
	}
	rate, err = b.sendable(ctx, r, rate)
	return rate, connections, err
}

// sendable returns rate, or half of what the open loop can send through r
// without being late, where that is less.
func (b *Bench) sendable(ctx context.Context, r *Running, rate float64) (float64, error) {
	for tried := rate; ; tried *= 0.7 {
		a, err := b.Send(ctx, r.Layout.Load, r.Address, Load{Seconds: 2, Rate: tried})
		if err != nil {
			return 0, err
		}
		if a.Void == "" || tried < 100 {
			if tried < rate {
				tried /= 2
			}
			return tried, nil
		}
	}
}

// Fingerprint tells builds of Poise and of the endpoint apart.
func (b *Bench) Fingerprint() (string, error) { return Fingerprint(b.Poise, b.endpoint) }
