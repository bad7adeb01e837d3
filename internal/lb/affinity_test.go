package lb

import (
	"math"
	"testing"
	"time"

	"poise/internal/stats"
)

func TestAffinityOfNobodyKnowsNothing(t *testing.T) {
	for name, a := range map[string]*Affinity{"nil": nil, "zero": {}} {
		hit, miss, near := a.Effect()
		if hit != 1 || miss != 1 || near != 0 || a.Home(7).Known() || a.Clone().Home(7).Known() {
			t.Errorf("%s: %g, %g, %d", name, hit, miss, near)
		}
	}
}

func TestHomesAreKeptByKey(t *testing.T) {
	var a Affinity
	dice := stats.NewDice(1)
	keys := map[uint64]uint32{0: 1, 1: 2, math.MaxUint64: 3}
	for i := range uint32(5000) {
		keys[dice.Uint64()] = i%1000 + 1
	}
	for key, id := range keys {
		a.SetHome(key, id, id+7)
	}
	kept, wrong := 0, 0
	for key, id := range keys {
		switch h := a.Home(key); {
		case h.At(id):
			kept++
			if h.Distance(id+10) != 3 || h.Distance(id+7) != 0 || h.Distance(id) != 0 || h.ID() != id {
				t.Fatalf("key %x: distance %d", key, h.Distance(id+10))
			}
		case h.Known():
			wrong++
		}
	}
	if share := float64(kept) / float64(len(keys)); share < 0.94 { // 5000 into 65536 slots: 7 % meet another, half of them lose
		t.Errorf("%.1f %% of the keys are kept", 100*share)
	}
	if wrong > 5 {
		t.Errorf("%d keys have the home of another; a tag of 12 bits lets one in 4096 of those that meet through", wrong)
	}
}

func TestDistanceOutlivesTheWrap(t *testing.T) {
	var a Affinity
	a.SetHome(7, 1, math.MaxUint32-1)
	if d := a.Home(7).Distance(3); d != 5 {
		t.Errorf("distance %d over the wrap; want 5", d)
	}
}

func TestAffinityClonesAndRestores(t *testing.T) {
	var a, b Affinity
	a.SetEffect(0.5, 1.25, 64)
	a.SetHome(7, 3, 4)
	text, _ := a.MarshalBinary()
	if err := b.UnmarshalBinary(text); err != nil {
		t.Fatal(err)
	}
	c := a.Clone()
	a.SetHome(7, 9, 9)
	a.SetEffect(1, 1, 0)
	for name, o := range map[string]*Affinity{"clone": c, "restored": &b} {
		if hit, miss, near := o.Effect(); hit != 0.5 || miss != 1.25 || near != 64 || !o.Home(7).At(3) {
			t.Errorf("%s: %g, %g, %d", name, hit, miss, near)
		}
	}
	for n := range len(text) {
		if n != 16 && (n-16)%12 != 0 && b.UnmarshalBinary(text[:n]) == nil {
			t.Errorf("cut to %d bytes it was taken", n)
		}
	}
	text[7] = 0x7f // the hit is not a number
	text[6] = 0xff
	if b.UnmarshalBinary(text) == nil {
		t.Error("an effect that is no number was taken")
	}
}

func TestLearntIsReadAsItWasSet(t *testing.T) {
	var l Live
	for _, v := range []Learnt{
		{},
		{Service: 20 * time.Millisecond, Capacity: 128, Failing: 0.5, Usual: 1, Shown: true, Better: true},
		{Service: time.Hour, Capacity: 1, Better: true},
		{Service: time.Microsecond, Capacity: 4, Usual: 0.25, Shown: true},
	} {
		l.SetLearnt(v)
		got := l.Learnt()
		if math.Abs(got.Usual-v.Usual) > 1e-4 || math.Abs(got.Service.Seconds()-v.Service.Seconds()) > 1e-6*v.Service.Seconds() {
			t.Errorf("%+v; want %+v", got, v)
		}
		got.Usual, got.Service = v.Usual, v.Service
		if got != v {
			t.Errorf("%+v; want %+v", got, v)
		}
		if c := l.Clone(); c.Learnt() != l.Learnt() {
			t.Errorf("the clone has %+v; want %+v", c.Learnt(), l.Learnt())
		}
	}
}

func TestOneOfManyMovesTheNoteOfAChoice(t *testing.T) {
	var l Live
	now := stats.Instant(time.Hour)
	if l.Chosen() != 0 || !l.Choose(0, now) {
		t.Fatal("an endpoint that was never chosen cannot be")
	}
	was := l.Chosen()
	if age := SinceChosen(was, now.Add(1500*time.Millisecond)); age != 1500*time.Millisecond {
		t.Errorf("chosen %v ago; want 1.5 s", age)
	}
	later := now.Add(2 * time.Second)
	if !l.Choose(was, later) || l.Choose(was, later) || l.Choose(l.Chosen(), later) {
		t.Error("want the first to move the note, and nobody after")
	}
}
