package rig

import (
	"context"
	"fmt"
	"time"
)

// Measured is what one load showed of one proxy.
type Measured struct {
	Answers
	CPU   float64 // us of user and system time of the proxy's processes a request
	RSS   float64 // bytes, right after
	Proxy float64 // how busy the busiest of the proxy's cores was
	Load  float64 // and of those of load and endpoints
}

// A core counts as busy above this.
const busy = 0.95

// Others may use so much of the proxy's cores, and the host may keep so much
// of them back, before a measurement is void.
const disturbed = 0.05

// Measure loads a proxy and reads what that cost.
func (g Generators) Measure(ctx context.Context, r *Running, l Load) (m Measured, err error) {
	before, err := take(r)
	if err != nil {
		return m, err
	}
	if m.Answers, err = g.Send(ctx, r.Layout.Load, r.Address, l); err != nil {
		return m, err
	}
	after, err := take(r)
	if err != nil {
		return m, err
	}
	own := after.usage.CPU - before.usage.CPU
	m.CPU = float64(own) / float64(time.Microsecond) / m.Requests
	m.RSS = after.usage.RSS
	proxy := after.ticks.since(before.ticks, r.Layout.Proxy)
	m.Proxy = proxy.busiest
	m.Load = max(after.ticks.since(before.ticks, r.Layout.Load).busiest, after.ticks.since(before.ticks, r.Layout.Endpoints).busiest)
	others := (proxy.tasks - float64((own+after.kernel-before.kernel)/tick)) / max(1, proxy.all)
	if m.Void == "" {
		m.Void = m.void(r.Layout, others, proxy.stolen)
	}
	return m, nil
}

// void says why a measurement is none.
func (m *Measured) void(l Layout, others, stolen float64) string {
	switch {
	case stolen > disturbed:
		return fmt.Sprintf("the host kept %.0f %% of the proxy's cores", 100*stolen)
	case l.Shared:
		return "" // load and proxy share cores by design; nothing can be told apart
	case others > disturbed:
		return fmt.Sprintf("other programs used %.0f %% of the proxy's cores", 100*others)
	case m.Load > busy && m.Proxy <= busy:
		return fmt.Sprintf("the load was the bottleneck: its core was busy for %.0f %%, the proxy's for %.0f %%", 100*m.Load, 100*m.Proxy)
	}
	return ""
}

// state is what is read before and after.
type state struct {
	usage  Usage
	kernel time.Duration
	ticks  ticks
}

func take(r *Running) (s state, err error) {
	all, err := stats()
	if err != nil {
		return s, err
	}
	if s.usage, err = r.usageIn(all); err != nil {
		return s, err
	}
	s.kernel = kernel(all)
	s.ticks, err = readTicks()
	return s, err
}
