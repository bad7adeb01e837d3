package decide

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
)

// history drives a judge by predictions that are drawn by chance.
type history struct {
	t        *testing.T
	dice     stats.Dice
	j        *Judge
	o        Options
	v        View
	switches []stats.Instant
	undone   []bool
	canary   bool
	jumps    bool
}

func (h *history) chance(p float64) bool { return h.dice.Float64() < p }

// oracle predicts anything, sometimes nonsense.
func (h *history) oracle(policy string) twin.Prediction {
	p := twin.Prediction{Policy: policy, Requests: 1000, Loss: math.Exp(3 * h.dice.Float64() * 1.2)}
	switch {
	case h.chance(0.01):
		p.Loss = math.NaN()
	case h.chance(0.01):
		p.Loss = 0
	case h.chance(0.01):
		p.Loss = math.Inf(1)
	}
	for i := range p.Blocks {
		p.Blocks[i] = p.Loss * (0.95 + 0.1*h.dice.Float64())
	}
	return p
}

// act checks what the judge wants done, and does it.
func (h *history) act(a Action, canary bool) {
	if h.v.Pinned && a.Share < 1 {
		h.t.Fatalf("pinned to %s, it wants %+v", h.v.Policy, a)
	}
	if a.Share < 0 || a.Share > 1 || math.IsNaN(a.Share) {
		h.t.Fatalf("a share of %g", a.Share)
	}
	if canary && h.canary {
		h.t.Fatal("a second canary beside the first")
	}
	h.canary = a.Share < 1
	if a.Share == 1 {
		h.v.Policy = a.Policy
	}
}

func (h *history) entry(d Decision) {
	if _, err := json.Marshal(d); err != nil {
		h.t.Fatalf("a decision that cannot be written down: %v", err)
	}
	if d.Text == "" {
		h.t.Fatal("a decision that says nothing")
	}
	if d.Action == Switch || d.Action == Undo {
		h.switches = append(h.switches, d.At)
		h.undone = append(h.undone, d.Action == Undo)
	}
}

func (h *history) records() {
	for range h.dice.IntN(3) {
		r := lb.Record{
			Sent: h.v.Now - stats.Instant(h.dice.IntN(int(time.Second))), Took: time.Duration(h.dice.IntN(int(time.Second))),
			Endpoint: uint32(h.dice.IntN(4)), Outcome: lb.Outcome(h.dice.IntN(int(lb.OutcomeCount))), Attempt: 1,
			Flags: lb.Flags(h.dice.Uint64()), Inflight: uint16(h.dice.IntN(9)),
		}
		r.Latency = time.Duration(h.dice.IntN(int(r.Took) + 2))
		h.j.Observe([]lb.Record{r})
	}
}

func (h *history) second(n int) {
	h.v.Now = h.v.Now.Add(time.Second)
	if h.jumps && h.chance(0.05) {
		h.v.Now = max(h.v.Now.Add(time.Duration(h.dice.IntN(7200)-3600)*time.Second), 1)
	}
	if h.chance(0.01) {
		h.v.Pinned = !h.v.Pinned
		h.v.Policy = DefaultCandidates[h.dice.IntN(len(DefaultCandidates))]
		h.canary = false
	}
	if h.chance(0.01) {
		h.j.SetMode(Mode(h.dice.IntN(3)))
	}
	h.records()
	s := h.j.Step(&h.v)
	if s.Changed {
		h.act(s.Action, false)
	}
	for _, e := range s.Entries {
		h.entry(e)
	}
	if n%10 == 0 {
		d := h.j.Evaluate(&h.v)
		if d.Changed {
			h.act(d.Do, true)
		}
		h.entry(d)
	}
}

func TestNeverTwoSwitchesWithinTheDwell(t *testing.T) {
	simulated(t)
	total := 0
	for seed := range uint64(10000) {
		h := &history{t: t, dice: stats.NewDice(seed), jumps: seed%4 == 3}
		h.o = Options{UndoImmediately: seed%2 == 1, Dwell: time.Duration(20+h.dice.IntN(60)) * time.Second, Kind: Kind(h.dice.IntN(10) / 9)}
		h.j = New(h.o)
		h.j.oracle = h.oracle
		h.v = View{Now: stats.Instant(time.Hour), Cluster: "web", Policy: Start(nil), Endpoints: []EndpointView{
			{Endpoint: &lb.Endpoint{ID: 1, Address: "a", Weight: 1, Live: &lb.Live{}}, Eligible: true},
			{Endpoint: &lb.Endpoint{ID: 2, Address: "b", Weight: 1, Live: &lb.Live{}}, Eligible: h.chance(0.9)},
		}}
		for n := 1; n <= 200; n++ {
			h.second(n)
		}
		total += len(h.switches)
		if h.jumps {
			continue
		}
		for i := 1; i < len(h.switches); i++ {
			if h.switches[i].Sub(h.switches[i-1]) >= h.o.Dwell {
				continue
			}
			if !h.o.UndoImmediately || !h.undone[i] || h.undone[i-1] {
				t.Fatalf("history %d: switches at %v and %v within the dwell of %v", seed, h.switches[i-1], h.switches[i], h.o.Dwell)
			}
		}
	}
	if total < 5000 {
		t.Errorf("%d switches in all histories; want enough to test something", total)
	}
}

// simulated marks a test of minutes of simulated time. It has no goroutine, so
// the race detector, under which it takes ten times as long, finds nothing in
// it: CI runs it without.
func simulated(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT-RUN under -short: a simulation")
	}
	t.Parallel()
}
