package rig

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"poise/internal/lab/rig"
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

// Others may use so much of the cores, and the host may keep so much of them
// back, before a measurement is void.
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
	own := after.proxy.CPU - before.proxy.CPU
	m.CPU = float64(own) / float64(time.Microsecond) / m.Requests
	m.RSS = after.proxy.RSS
	on := r.Layout
	proxy := after.ticks.Since(before.ticks, rig.CoresOf(on.Proxy))
	load := after.ticks.Since(before.ticks, rig.Union(on.Load, on.Endpoints))
	whole := after.ticks.Since(before.ticks, rig.Union(on.Proxy, on.Load, on.Endpoints))
	m.Proxy, m.Load = proxy.Busiest, load.Busiest
	kernel := after.kernel - before.kernel
	ours := m.generator + after.self - before.self + after.endpoints.CPU - before.endpoints.CPU
	if r.straight {
		own = 0 // it is the endpoint
	}
	if m.Void == "" {
		m.Void = m.void(r, disturbance{
			stolen: whole.Stolen, onProxy: proxy.Foreign(own + kernel), anywhere: whole.Foreign(own + ours + kernel),
		})
	}
	return m, nil
}

// A disturbance is what others took of the cores, as shares of them.
type disturbance struct{ stolen, onProxy, anywhere float64 }

// void says why a measurement is none.
func (m *Measured) void(r *Running, d disturbance) string {
	switch {
	case d.stolen > disturbed:
		return fmt.Sprintf("the host kept %.0f %% of the cores", 100*d.stolen)
	case !r.Layout.Shared && !r.straight && d.onProxy > disturbed:
		return fmt.Sprintf("other programs used %.0f %% of the proxy's cores", 100*d.onProxy)
	case d.anywhere > disturbed:
		return fmt.Sprintf("other programs used %.0f %% of the cores", 100*d.anywhere)
	case r.Layout.Shared || r.straight:
		return "" // load and what is measured share cores by design; nothing can be told apart
	case m.Load > busy && m.Proxy <= busy:
		return fmt.Sprintf("the load was the bottleneck: its core was busy for %.0f %%, the proxy's for %.0f %%", 100*m.Load, 100*m.Proxy)
	}
	return ""
}

// state is what is read before and after.
type state struct {
	proxy, endpoints Usage
	kernel, self     time.Duration
	ticks            rig.Ticks
}

func take(r *Running) (s state, err error) {
	all, err := rig.Stats()
	if err != nil {
		return s, err
	}
	if s.proxy, err = r.UsageIn(all); err != nil {
		return s, err
	}
	if s.endpoints, err = r.endpoints.UsageIn(all); err != nil {
		return s, err
	}
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return s, err
	}
	s.self = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	s.kernel = rig.Kernel(all)
	s.ticks, err = rig.ReadTicks()
	return s, err
}
