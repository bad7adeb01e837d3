package decide_test

import (
	"slices"
	"testing"
	"time"

	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
	"poise/internal/twin/twintest"
)

// loop is what the engine does around a judge, in a world of its own.
type loop struct {
	w        *twintest.World
	j        *decide.Judge
	o        decide.Options
	each     func(second int)
	entries  []decide.Decision
	outcomes []decide.OutcomeOf
	switches []stats.Instant
	observe  func([]lb.Record)
	view     func(*decide.View, bool)
	second   int
	losses   []float64 // of each second
	all      []float64
	pinned   bool
}

func newLoop(w *twintest.World, policy string, o decide.Options) *loop {
	l := &loop{w: w, j: decide.New(o), o: o.WithDefaults()}
	w.Policy = policy
	l.j.Resume(policy)
	return l
}

func (l *loop) see() *decide.View {
	v := &decide.View{
		Now: l.w.Now, Cluster: "web", Policy: l.w.Policy, Pinned: l.pinned, Pending: l.w.Pending(), Cursor: l.w.Cursor.At(),
		Learner: l.w.Learner, Affinity: l.w.Affinity,
	}
	for _, e := range l.w.Endpoints {
		v.Endpoints = append(v.Endpoints, decide.EndpointView{Endpoint: e, Eligible: true})
	}
	return v
}

func (l *loop) do(a decide.Action) {
	if a.Floor > 0 {
		for _, e := range l.w.Endpoints {
			e.Live.Floor(l.w.Now, a.Floor)
		}
	}
	if a.Share >= 1 {
		l.w.Policy, l.w.Trial, l.w.Share = a.Policy, "", 0
		return
	}
	l.w.Trial, l.w.Share = a.Policy, a.Share
}

func (l *loop) note(d decide.Decision) {
	l.entries = append(l.entries, d)
	if d.Action == decide.Switch || d.Action == decide.Undo {
		l.switches = append(l.switches, d.At)
	}
}

// run goes on for some seconds.
func (l *loop) run(n int) {
	for range n {
		l.second++
		if l.each != nil {
			l.each(l.second)
		}
		l.w.Run(time.Second)
		records := l.w.Drain()
		l.j.Observe(records)
		if l.observe != nil {
			l.observe(records)
		}
		got := l.w.Losses()
		loss, _ := twin.Loss(got)
		l.losses = append(l.losses, loss)
		l.all = append(l.all, got...)
		v := l.see()
		if l.view != nil {
			l.view(v, false)
		}
		step := l.j.Step(v)
		if step.Changed {
			l.do(step.Action)
		}
		for _, e := range step.Entries {
			l.note(e)
		}
		l.outcomes = append(l.outcomes, step.Outcomes...)
		if l.second%int(l.o.Evaluate/time.Second) == 0 {
			v := l.see()
			if l.view != nil {
				l.view(v, true)
			}
			d := l.j.Evaluate(v)
			if d.Changed {
				l.do(d.Do)
			}
			l.note(d)
		}
	}
}

func (l *loop) log(t *testing.T) {
	for _, e := range l.entries {
		t.Logf("%4ds %-8s %-13s %s", e.At.Sub(twintest.Begin)/time.Second, e.Action, e.Gate, e.Text)
	}
	for _, o := range l.outcomes {
		t.Logf("outcome of %ds: %s", o.At.Sub(twintest.Begin)/time.Second, o.Text)
	}
	h, m := l.j.Calibration()
	t.Logf("intervals held %d, missed %d; runs %s", h, m, l.w.Policy)
}

func fleet(seed uint64, rate float64, change func(i int, s *twintest.Server)) *twintest.World {
	servers := twintest.Fleet(10, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond})
	for i, s := range servers {
		change(i, s)
	}
	w := twintest.New(seed, servers...)
	w.Rate = rate
	return w
}

func same(int, *twintest.Server) {}

func scenario(name string, seed uint64) *twintest.World {
	switch name {
	case "speed":
		return fleet(seed, 750, func(i int, s *twintest.Server) { s.Mean *= time.Duration(1 + 3*(i%2)) })
	case "one slow":
		return fleet(seed, 1200, func(i int, s *twintest.Server) {
			if i == 3 {
				s.Mean *= 10
			}
		})
	case "bursty":
		w := fleet(seed, 1200, same)
		w.Batch = 30
		return w
	case "affinity":
		w := fleet(seed, 900, func(_ int, s *twintest.Server) { s.Cache, s.Hit, s.Miss = 400, 0.2, 2 })
		w.Keys, w.Skew = 4000, 0.7
		return w
	case "shared heavy":
		return fleet(seed, 350, func(_ int, s *twintest.Server) { s.Sharing, s.Heavy, s.Slots = true, true, 1 })
	}
	return fleet(seed, 1400, same)
}

func TestSwitchesWhereItPaysWithinTwoEvaluations(t *testing.T) {
	simulated(t)
	for _, name := range []string{"speed", "one slow", "affinity"} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(scenario(name, 1), "least-request", decide.Options{})
			l.run(90)
			l.log(t)
			if len(l.switches) != 1 || l.switches[0].Sub(twintest.Begin) > 36*time.Second {
				t.Fatalf("switches at %v; want one, two evaluations and a canary after the begin", l.switches)
			}
			before, _ := twin.Loss(l.losses[5:20])
			after, _ := twin.Loss(l.losses[45:])
			if after > before*0.85 {
				t.Errorf("loss %.1f → %.1f ms; want a clear gain", before*1e3, after*1e3)
			}
			if len(l.outcomes) != 1 || l.outcomes[0].Verdict != decide.Kept {
				t.Errorf("outcomes %+v; want one: kept", l.outcomes)
			}
		})
	}
}

func TestNoSwitchInTenHomogeneousMinutes(t *testing.T) {
	simulated(t)
	for seed := range uint64(3) {
		for _, from := range []string{"expected-delay", "least-request"} {
			l := newLoop(scenario("homogeneous", seed+10), from, decide.Options{})
			l.run(600)
			for _, e := range l.entries {
				if e.Action != decide.Hold {
					t.Errorf("seed %d, %s: %s: %s", seed, from, e.Action, e.Text)
				}
			}
		}
	}
}

func TestConditionsAreNamed(t *testing.T) {
	for name, want := range map[string]string{
		"speed": decide.Heterogeneous, "one slow": decide.SlowEndpoint, "bursty": decide.Bursty,
		"affinity": decide.Affinity, "shared heavy": decide.HeavyTail,
	} {
		l := newLoop(scenario(name, 1), "least-request", decide.Options{Mode: decide.Freeze})
		l.run(20)
		found := false
		for _, c := range l.entries[1].Conditions {
			found = found || c.Name == want
		}
		if !found {
			t.Errorf("%s: %s is not among %+v; statistics %+v", name, want, l.entries[1].Conditions, l.entries[1].Evidence.Statistics)
		}
	}
}

// sabotage praises the worst candidate.
func sabotage(all []decide.Candidate) {
	worst := 0
	for i := range all {
		if all[i].Loss > all[worst].Loss {
			worst = i
		}
	}
	if worst > 0 {
		all[worst].Scale(all[0].Loss / all[worst].Loss / 4)
	}
}

func TestSabotagedPredictorCostsLittle(t *testing.T) {
	simulated(t)
	for _, name := range []string{"speed", "one slow", "homogeneous", "bursty"} {
		for seed := range uint64(2) {
			l := newLoop(scenario(name, seed+1), "expected-delay", decide.Options{Distort: sabotage})
			l.run(360)
			quiet := newLoop(scenario(name, seed+1), "expected-delay", decide.Options{Mode: decide.Freeze})
			quiet.run(360)
			worst := 0.0
			for from := 0; from+120 <= 360; from += 10 {
				a, b := 0.0, 0.0
				for s := from; s < from+120; s++ {
					a += l.losses[s]
					b += quiet.losses[s]
				}
				worst = max(worst, a/b)
			}
			t.Logf("%s: %.2f times the loss at worst, %d switches", name, worst, len(l.switches))
			if worst > 1.2 {
				l.log(t)
				t.Errorf("%s: %.2f times the loss over two minutes; 1.2 is allowed", name, worst)
			}
		}
	}
}

func TestUnderHiddenLoadOnlyThoseAreConsideredThatSeeIt(t *testing.T) {
	l := newLoop(scenario("speed", 1), "least-request", decide.Options{Candidates: []string{"expected-delay", "hot-cold", "round-robin"}})
	l.view = func(v *decide.View, _ bool) { v.Foreign = 3 }
	l.run(11)
	first := l.entries[0]
	if !slices.ContainsFunc(first.Conditions, func(c decide.Condition) bool { return c.Name == decide.HiddenLoad }) {
		t.Error("hidden_load is not named")
	}
	for _, c := range first.Candidates {
		if blind := c.Policy == "round-robin"; blind != (c.Note != "") {
			t.Errorf("%s: %q; want a note on round-robin alone, which does not see what others do", c.Policy, c.Note)
		}
	}
	if len(first.Candidates) != 4 {
		t.Errorf("%d candidates; want the incumbent and three", len(first.Candidates))
	}
}

func TestAPinAlwaysWins(t *testing.T) {
	l := newLoop(scenario("speed", 1), "round-robin", decide.Options{})
	l.pinned = true
	l.run(40)
	for _, e := range l.entries {
		if e.Action != decide.Hold || e.Gate != decide.GatePin && e.Gate != decide.GateOverload {
			t.Errorf("%s (%s): %s", e.Action, e.Gate, e.Text)
		}
	}
	l.pinned = false
	l.run(10)
	l.j.Operator(l.w.Policy, false)
	l.run(30)
	if l.w.Policy == "round-robin" {
		t.Error("handed back, it stays with round-robin")
	}
}

// TestAHandOverKeepsWhatWasSeen: the policy that was pinned goes on, so what
// was recorded under the pin tells as much as what comes after.
func TestAHandOverKeepsWhatWasSeen(t *testing.T) {
	l := newLoop(scenario("speed", 1), "least-request", decide.Options{})
	l.pinned = true
	l.run(19)
	l.pinned = false
	l.run(1)
	last := l.entries[len(l.entries)-1]
	if last.Gate == decide.GateData || last.Evidence.Records < 3000 {
		t.Errorf("a second after the hand-over it judges by %d requests: %s", last.Evidence.Records, last.Text)
	}
	l.j.Operator("p2c", false)
	if d := l.j.Evaluate(l.see()); d.Evidence.Records > 100 {
		t.Errorf("another policy is judged by %d requests that were not its own", d.Evidence.Records)
	}
}

func TestRulesJudgeToo(t *testing.T) {
	l := newLoop(scenario("one slow", 1), "least-request", decide.Options{Kind: decide.ByRules})
	l.run(60)
	l.log(t)
	if l.w.Policy != "hot-cold" || len(l.switches) != 1 {
		t.Errorf("runs %s after %d switches; want hot-cold after one", l.w.Policy, len(l.switches))
	}
}

func TestOddClustersDoNoHarm(t *testing.T) {
	for _, n := range []int{0, 1, 10000} {
		servers := twintest.Fleet(max(n, 1), twintest.Server{Slots: 4, Mean: 20 * time.Millisecond})
		w := twintest.New(1, servers...)
		w.Rate = 100
		l := newLoop(w, "expected-delay", decide.Options{})
		l.run(1)
		if n == 0 {
			w.Endpoints = nil
		}
		for _, records := range [][]lb.Record{nil, {{}}, {{Sent: w.Now, Endpoint: 1, Took: 1, Attempt: 1}}} {
			l.j.Observe(records)
			start := time.Now()
			if d := l.j.Evaluate(l.see()); d.Action != decide.Hold {
				t.Errorf("%d endpoints: %s", n, d.Text)
			}
			t.Logf("%d endpoints: %v", n, time.Since(start))
		}
	}
}

func TestSaveAndRestore(t *testing.T) {
	l := newLoop(scenario("speed", 1), "least-request", decide.Options{})
	l.run(40)
	data, err := l.j.Save()
	if err != nil {
		t.Fatal(err)
	}
	j := decide.New(decide.Options{})
	if err := j.Restore(data, 0); err != nil {
		t.Fatal(err)
	}
	again, _ := j.Save()
	if string(again) != string(data) {
		t.Errorf("saved %s\nafter restoring %s", data, again)
	}
	if err := j.Restore([]byte(`{"version": 1, "state": {`), 0); err == nil {
		t.Error("a damaged state is taken")
	}
	if err := j.Restore([]byte(`{"version": 99}`), 0); err == nil {
		t.Error("a state of another version is taken")
	}
	if err := j.Restore(data, -time.Hour); err != nil || j.Running().Policy != l.w.Policy {
		t.Errorf("with another clock: %v, runs %s", err, j.Running().Policy)
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
