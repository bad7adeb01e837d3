package learn

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"poise/internal/lb"
	"poise/internal/stats"
)

// history is anything that may happen to a learner, drawn from a seed.
type history struct {
	dice    stats.Dice
	now     stats.Instant
	members []*lb.Endpoint
	lastID  uint32
}

// step does one thing: a record, however odd, a tick, a jump of the clock, an
// endpoint that leaves or comes.
func (h *history) step(l *Learner) {
	switch d := h.dice.IntN(100); {
	case d < 80:
		l.Observe(h.record())
	case d < 90:
		h.now = h.now.Add(time.Duration(h.dice.IntN(300)) * time.Millisecond)
		l.Tick(h.now)
	case d < 92:
		h.now = h.now.Add(time.Duration(h.dice.IntN(2_000_000)-1_000_000) * time.Millisecond) // also back
		l.Tick(h.now)
	case d < 95:
		l.Waiting([]lb.Pending{{Endpoint: h.anybody(), Age: h.duration()}, {Endpoint: 0, Age: h.duration()}})
	case d < 97 && len(h.members) > 1:
		i := h.dice.IntN(len(h.members))
		h.members = append(append([]*lb.Endpoint(nil), h.members[:i]...), h.members[i+1:]...)
		l.Members(h.members)
	default:
		h.lastID++
		address := string(rune('a' + h.dice.IntN(20))) // often one that was here before
		for _, m := range h.members {
			if m.Address == address {
				return
			}
		}
		h.members = append(append([]*lb.Endpoint(nil), h.members...), &lb.Endpoint{ID: h.lastID, Address: address, Weight: 1, Live: &lb.Live{}})
		l.Members(h.members)
	}
}

func (h *history) anybody() uint32 { return uint32(h.dice.IntN(int(h.lastID) + 2)) }

func (h *history) duration() time.Duration {
	odd := []time.Duration{0, 1, -1, time.Nanosecond, time.Hour, math.MaxInt64, math.MinInt64, 30 * time.Second}
	if i := h.dice.IntN(4 * len(odd)); i < len(odd) {
		return odd[i]
	}
	return time.Duration(math.Exp(h.dice.Float64()*12) * float64(time.Microsecond))
}

func (h *history) record() *lb.Record {
	latency := h.duration()
	return &lb.Record{
		Sent: h.now.Add(-max(min(latency, time.Hour), -time.Hour)), Took: max(min(latency, time.Hour), -time.Hour), Latency: latency, Key: uint64(h.dice.IntN(50)),
		Endpoint: h.anybody(), Inflight: uint16(math.Exp(h.dice.Float64()*11.1) - 1), Outcome: lb.Outcome(h.dice.IntN(int(lb.OutcomeCount))),
		Attempt: 1, Flags: lb.Flags(h.dice.IntN(256)),
	}
}

// check fails when anything published is nonsense.
func (h *history) check(t *rapid.T, a *lb.Affinity) {
	for _, m := range h.members {
		l := m.Live.Learnt()
		known := l.Service > 0
		switch {
		case l.Service < 0 || l.Service > 1000*time.Hour, known != (l.Capacity >= 1), l.Capacity > 128 || math.IsNaN(l.Capacity):
			t.Fatalf("%s: %+v", m.Address, l)
		case !(l.Failing >= 0 && l.Failing < 1) || !(l.Usual >= 0 && l.Usual <= 1):
			t.Fatalf("%s: %+v", m.Address, l)
		}
	}
	if hit, miss, near := a.Effect(); !(hit > 0 && hit <= miss && miss < 1000) || near < 0 || near > 1024 {
		t.Fatalf("effect %g, %g, %d", hit, miss, near)
	}
}

// Whatever comes, what is published makes sense, the same history makes the
// same state, and a clone or a restored learner goes on like the original.
func TestNothingMakesNonsense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		var one, two lb.Affinity
		a, b := New(Options{Affinity: &one}), New(Options{Affinity: &two})
		h := &history{dice: stats.NewDice(seed), now: stats.Instant(time.Hour)}
		g := &history{dice: stats.NewDice(seed), now: stats.Instant(time.Hour)}
		for range 1500 {
			h.step(a)
			g.step(b)
			h.check(t, &one)
		}
		first, second := state(t, a), state(t, b)
		if !bytes.Equal(first, second) {
			t.Fatal("the same history made two states")
		}

		copies := clones(h.members)
		third := one.Clone()
		c := a.Clone(copies, third)
		var fourth lb.Affinity
		kept, _ := one.MarshalBinary()
		if err := fourth.UnmarshalBinary(kept); err != nil {
			t.Fatal(err)
		}
		d := New(Options{Affinity: &fourth})
		if err := d.UnmarshalBinary(first); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(state(t, d), first) {
			t.Fatal("what was restored is something else")
		}
		restored := clones(h.members)
		d.Members(restored)
		for range 300 {
			r := h.record()
			a.Observe(r)
			c.Observe(r)
			d.Observe(r)
		}
		for range 30 {
			h.now = h.now.Add(100 * time.Millisecond)
			a.Tick(h.now)
			c.Tick(h.now)
			d.Tick(h.now)
		}
		for i, m := range h.members {
			if m.Live.Learnt() != copies[i].Live.Learnt() || m.Live.Learnt() != restored[i].Live.Learnt() {
				t.Fatalf("%s: %+v, the clone %+v, restored %+v", m.Address, m.Live.Learnt(), copies[i].Live.Learnt(), restored[i].Live.Learnt())
			}
		}
	})
}

func state(t *rapid.T, l *Learner) []byte {
	b, err := l.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func clones(members []*lb.Endpoint) (all []*lb.Endpoint) {
	for _, m := range members {
		c := *m
		c.Live = m.Live.Clone()
		all = append(all, &c)
	}
	return all
}

func TestBrokenStateIsRefusedAndChangesNothing(t *testing.T) {
	w := newWorld(2)
	w.live(0, 3*time.Second, 100, 3, truth{20 * ms, 4}, truth{20 * ms, 4})
	whole, _ := w.learner.MarshalBinary()
	dice := stats.NewDice(3)
	for i := range 3000 {
		broken := append([]byte(nil), whole...)
		if i%2 == 0 {
			broken = broken[:dice.IntN(len(broken))]
			if err := New(Options{}).UnmarshalBinary(broken); err == nil {
				t.Fatalf("cut to %d of %d bytes it was taken", len(broken), len(whole))
			}
			continue
		}
		broken[dice.IntN(len(broken))] ^= byte(1 + dice.IntN(255))
		l := New(Options{})
		if err := l.UnmarshalBinary(broken); err == nil { // another number is another state, and does no harm
			l.Members(w.members)
			l.Tick(w.start.Add(4 * time.Second))
		}
	}
}

func TestOneEndpointOneObservationAndTenThousand(t *testing.T) {
	for _, n := range []int{1, 10_000} {
		w := newWorld(n)
		r := w.record(0, 0, 20*ms, 0)
		w.learner.Observe(&r)
		w.learner.Tick(w.start)
		w.learner.Tick(w.start.Add(time.Second))
		for _, i := range []int{0, n - 1} {
			if l := w.learnt(i); l.Service < 19*ms || l.Service > 21*ms || l.Capacity != 4 {
				t.Errorf("of %d, endpoint %d: %+v; one answer of 20 ms is all there is", n, i, l)
			}
		}
	}
}
