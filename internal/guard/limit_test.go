package guard

import (
	"testing"
	"time"

	"poise/internal/lb"
)

func TestWhatTheModesOfALimitDo(t *testing.T) {
	for _, row := range []struct {
		name           string
		mode           Mode
		proposed, kept bool
	}{
		{"observe shows a limit and keeps none", Observe, true, false},
		{"enforce keeps it", Enforce, true, true},
		{"a number is kept", Fixed, true, true},
		{"off does neither", Off, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := Defaults()
			o.Concurrency, o.Limit = row.mode, 7
			f := newFleet(2, o)
			for range 5 {
				for range 50 {
					f.endpoints[0].Stats.Latency.Observe(10 * time.Millisecond)
				}
				f.pass(limitsEvery)
			}
			e := of(f.endpoints[0])
			s := f.Status(f.endpoints[0], f.now)
			if s.Limit > 0 != row.proposed || e.limit.Load() > 0 != row.kept {
				t.Errorf("shows %d, keeps %d", s.Limit, e.limit.Load())
			}
			if row.mode == Fixed && e.limit.Load() != 7 {
				t.Errorf("keeps %d; want 7", e.limit.Load())
			}
			o.Concurrency = Off
			f.Configure(o)
			if e.limit.Load() != 0 {
				t.Error("a limit is still kept after it was turned off")
			}
		})
	}
}

func TestPressureShrinksAnEnforcedLimit(t *testing.T) {
	o := Defaults()
	o.Concurrency = Enforce
	f := newFleet(2, o)
	for range 30 {
		for range 30 {
			f.endpoints[0].Stats.Latency.Observe(10 * time.Millisecond)
			f.endpoints[1].Stats.Latency.Observe(10 * time.Millisecond)
		}
		f.attempt(0, lb.Pressure, 0)
		f.pass(limitsEvery)
	}
	if a, b := of(f.endpoints[0]).limit.Load(), of(f.endpoints[1]).limit.Load(); a >= b {
		t.Errorf("the endpoint that says 429 has the limit %d, the other one %d", a, b)
	}
}
