package twin_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
	"poise/internal/twin/twintest"
)

func world(name string, seed uint64) *twintest.World {
	for _, s := range scenes() {
		if s.name == name {
			return s.make(seed)
		}
	}
	panic(name)
}

// off is by how much a prediction is off, as a logarithm.
func off(got, want float64) float64 { return math.Abs(math.Log(got / want)) }

// most is the error, as a logarithm, that a prediction may have here.
const most = 0.15

// compare wants a prediction within that error, and the same prediction with
// one part of the model left out beyond it.
func compare(t *testing.T, in twin.Input, ablate twin.Ablation, policy string, want float64) {
	t.Helper()
	memory := *in.Memory
	with := replay(t, twin.Fit(in), policy).Loss
	in.Memory = &memory
	in.Options.Ablate = ablate
	without := replay(t, twin.Fit(in), policy).Loss
	t.Logf("true %.1f ms, predicted %.1f, with the part left out %.1f", want*1e3, with*1e3, without*1e3)
	if off(with, want) > most {
		t.Errorf("predicted %.1f ms; the truth is %.1f", with*1e3, want*1e3)
	}
	if off(without, want) <= most {
		t.Errorf("without the part it predicts %.1f ms of %.1f: the test does not need it", without*1e3, want*1e3)
	}
}

func TestPitfall1StarvedEndpointsAreRemembered(t *testing.T) {
	slow := func(seed uint64) *twintest.World {
		w := world("speed", seed)
		w.Rate = 300
		return w
	}
	w := slow(1)
	memory := &twin.Memory{}
	in := window(w, "least-request", 10*time.Second, 10*time.Second)
	in.Memory = memory
	twin.Fit(in)
	in = window(w, "expected-delay", 10*time.Second, 10*time.Second)
	in.Memory = memory
	in.Records = slices.DeleteFunc(in.Records, func(r lb.Record) bool { return r.Endpoint%2 == 0 }) // not even a probe
	compare(t, in, twin.Ablation{NoMemory: true}, "least-request", truth(slow(2), "least-request", 20*time.Second, 20*time.Second))
}

func TestPitfall2PoliciesStartWithWhatTheyKnow(t *testing.T) {
	in := window(world("speed", 1), "expected-delay", 30*time.Second, 3*time.Second)
	compare(t, in, twin.Ablation{ColdStart: true}, "expected-delay", truth(world("speed", 1), "expected-delay", 30*time.Second, 10*time.Second))
}

func TestPitfall3LatencyIsNotTheTimeOfService(t *testing.T) {
	in := window(world("busy", 1), "least-request", 20*time.Second, 10*time.Second)
	compare(t, in, twin.Ablation{NoQueue: true}, "round-robin", truth(world("busy", 1), "round-robin", 20*time.Second, 10*time.Second))
}

func TestPitfall5LargeRequestsStayLarge(t *testing.T) {
	in := window(world("heavy", 1), "least-request", 20*time.Second, 10*time.Second)
	compare(t, in, twin.Ablation{MeanSizes: true}, "round-robin", truth(world("heavy", 1), "round-robin", 20*time.Second, 10*time.Second))
}

func TestPitfall6SlowSecondsCountOnce(t *testing.T) {
	w := world("homogeneous", 1)
	w.Rate, w.Policy = 800, "round-robin"
	w.Run(10 * time.Second)
	w.Drain()
	w.Losses()
	for second := range 10 {
		for i, s := range w.Servers {
			s.Mean = 20 * time.Millisecond
			if (second+i)%3 == 0 {
				s.Mean = 60 * time.Millisecond
			}
		}
		w.Run(time.Second)
	}
	in := input(w)
	compare(t, in, twin.Ablation{SlowTwice: true}, "round-robin", twin.Fit(in).Measured().Loss)
}

func TestPitfall7CandidatesShareTheirLuck(t *testing.T) {
	in := window(world("homogeneous", 1), "least-request", 10*time.Second, 10*time.Second)
	noise := func(ablate twin.Ablation) float64 {
		in.Options.Ablate = ablate
		m := twin.Fit(in)
		a, b := replay(t, m, "least-request"), replay(t, m, "p2c")
		var sum, squares float64
		for i := range a.Blocks {
			d := a.Blocks[i] - b.Blocks[i]
			sum += d
			squares += d * d
		}
		n := float64(twin.Blocks)
		return math.Sqrt(squares/n-sum*sum/n/n) * 1e3
	}
	common, own := noise(twin.Ablation{}), noise(twin.Ablation{OwnDice: true})
	if common > own/2 {
		t.Errorf("differences between blocks vary by %.2f ms with the same luck, %.2f ms with luck of their own; want less than half", common, own)
	}
}

func TestPitfall8NobodyHerdsToWhatDecayed(t *testing.T) {
	now := stats.Instant(time.Hour)
	toSlow := func(floor bool) (n int) {
		var all []*lb.Endpoint
		for i := range 10 {
			e := &lb.Endpoint{ID: uint32(i + 1), Weight: 1, Live: &lb.Live{}}
			at, latency := now.Add(-time.Second), 20*time.Millisecond
			if i%2 == 1 {
				at, latency = now.Add(-time.Minute), 100*time.Millisecond // and then nothing more
			}
			e.Live.Observe(lb.Observation{End: at, Latency: latency, Outcome: lb.Success})
			all = append(all, e)
		}
		if floor {
			least := twin.Floor(now, all)
			for _, e := range all {
				e.Live.Floor(now, least)
			}
		}
		dice := stats.NewDice(1)
		p := catalog.Builders()["hot-cold"](balance.Set{Members: all, Eligible: all, Cursor: &balance.Cursor{}}, balance.Options{})
		for range 20 {
			e, err := p.Pick(balance.PickInfo{Now: now, Dice: &dice})
			if err != nil {
				t.Fatal(err)
			}
			e.Live.Begin()
			if e.ID%2 == 0 {
				n++
			}
		}
		return n
	}
	with, without := toSlow(true), toSlow(false)
	t.Logf("of the first 20 requests %d go to the slow endpoints, %d without the floor", with, without)
	if with >= without {
		t.Errorf("%d of the first 20 requests go to the slow endpoints, %d without the floor; want fewer", with, without)
	}
}

func TestPitfall10WhatHangsIsSeen(t *testing.T) {
	w := world("homogeneous", 1)
	w.Timeout = time.Minute
	w.Policy = "round-robin"
	w.Run(5 * time.Second)
	w.Servers[3].Hangs = true
	w.Drain()
	w.Run(10 * time.Second)
	in := input(w)
	service := func(ablate twin.Ablation) float64 {
		in.Memory, in.Options.Ablate = &twin.Memory{}, ablate
		return twin.Fit(in).Endpoints()[3].Service
	}
	if s := service(twin.Ablation{}); s < 1 {
		t.Errorf("an endpoint that hangs has a time of service of %.3f s; want over 1 s", s)
	}
	if s := service(twin.Ablation{NoPending: true}); s >= 1 {
		t.Errorf("without what is under way %.3f s are known; the test does not need it", s)
	}
}

func TestRetriesAreNoArrivals(t *testing.T) {
	in := window(world("homogeneous", 1), "least-request", 5*time.Second, 5*time.Second)
	n := twin.Fit(in).Jobs()
	for i := range 100 {
		r := in.Records[i*7]
		r.Flags |= lb.Retry
		r.Attempt = 2
		in.Records = append(in.Records, r)
		r.Flags, r.Attempt = lb.Hedge, 1
		in.Records = append(in.Records, r)
	}
	if got := twin.Fit(in).Jobs(); got != n {
		t.Errorf("%d requests came in; want %d: retries and hedges are our own", got, n)
	}
	in.Options.Ablate.RetriesCount = true
	if got := twin.Fit(in).Jobs(); got != n+200 {
		t.Errorf("%d when they count; want %d", got, n+200)
	}
}

func TestStickyRequestsAreReplayedWhereTheyWent(t *testing.T) {
	in := window(world("speed", 1), "least-request", 10*time.Second, 10*time.Second)
	for i := range in.Records {
		in.Records[i].Flags |= lb.Sticky
	}
	m := twin.Fit(in)
	a, b := replay(t, m, "least-request"), replay(t, m, "round-robin")
	if off(a.Loss, b.Loss) > 0.01 || off(a.Loss, m.Measured().Loss) > 0.1 {
		t.Errorf("least-request %.1f ms, round-robin %.1f, measured %.1f; want the same of all", a.Loss*1e3, b.Loss*1e3, m.Measured().Loss*1e3)
	}
}

func TestSharingIsToldFromQueues(t *testing.T) {
	for name, want := range map[string]bool{"sharing heavy": true, "heavy": false, "busy": false, "homogeneous": false} {
		m := twin.Fit(window(world(name, 1), "least-request", 20*time.Second, 20*time.Second))
		n := 0
		for _, e := range m.Endpoints() {
			if e.Sharing {
				n++
			}
		}
		if want && n < 7 || !want && n > 1 {
			t.Errorf("%s: %d of 10 endpoints are taken for sharing", name, n)
		}
	}
}

func TestWhatIfLoadsAndLeavesOut(t *testing.T) {
	in := window(world("homogeneous", 1), "least-request", 10*time.Second, 10*time.Second)
	m := twin.Fit(in)
	more, err := m.Replay("least-request", twin.Scenario{Load: 1.3})
	if err != nil {
		t.Fatal(err)
	}
	w := world("homogeneous", 2)
	w.Rate *= 1.3
	want := truth(w, "least-request", 10*time.Second, 10*time.Second)
	if off(more.Loss, want) > 0.15 {
		t.Errorf("with 1.3 times the load %.1f ms; the truth is %.1f", more.Loss*1e3, want*1e3)
	}
	fewer, err := m.Replay("least-request", twin.Scenario{Without: []uint32{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	w = twintest.New(3, twintest.Fleet(8, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond})...)
	w.Rate = 1400
	want = truth(w, "least-request", 10*time.Second, 10*time.Second)
	if off(fewer.Loss, want) > 0.15 {
		t.Errorf("without two endpoints %.1f ms; the truth is %.1f", fewer.Loss*1e3, want*1e3)
	}
}

func TestReplayYields(t *testing.T) {
	in := window(world("homogeneous", 1), "least-request", 2*time.Second, 5*time.Second)
	n := 0
	in.Yield = func() { n++ }
	m := twin.Fit(in)
	n = 0
	replay(t, m, "least-request")
	if n < m.Jobs()/64 {
		t.Errorf("it yielded %d times in %d requests; want every 64", n, m.Jobs())
	}
}

func TestNobodyKnowsThePolicy(t *testing.T) {
	if _, err := twin.Fit(twin.Input{Now: 1}).Replay("best", twin.Scenario{}); err == nil {
		t.Error("want an error that names it")
	}
}

func TestLossIsTheMeanAndATenthOfTheWorstHundredth(t *testing.T) {
	var losses []float64
	for i := range 1000 {
		losses = append(losses, 0.010)
		if i%100 == 99 { // ten of a thousand
			losses[i] = 0.510
		}
	}
	total, blocks := twin.Loss(losses)
	if want := 0.015 + 0.1*0.510; math.Abs(total-want) > 1e-9 {
		t.Errorf("loss %.6f s; want %.6f", total, want)
	}
	sum := 0.0
	for _, b := range blocks {
		sum += b / twin.Blocks
	}
	if math.Abs(sum-total) > 1e-9 {
		t.Errorf("the blocks' mean is %.6f s, the loss %.6f", sum, total)
	}
}
