package engine

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/balance/catalog"
	"poise/internal/cluster"
	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mind is a learner and a judge that do what a test says.
type mind struct {
	learnt, judged, stepped int
	forgiven                int
	seen                    int // records by the judge
	members                 int
	mode                    decide.Mode
	configured              decide.Options
	view                    decide.View
	evaluate                func(*decide.View) decide.Decision
	step                    func(*decide.View) decide.Step
	observe                 func()
}

func (m *mind) Members(all []*lb.Endpoint) { m.members = len(all) }
func (m *mind) Waiting([]lb.Pending)       {}
func (m *mind) Tick(stats.Instant)         {}
func (m *mind) SetMode(to decide.Mode)     { m.mode = to }
func (m *mind) Forgive()                   { m.forgiven++ }
func (m *mind) Configure(o decide.Options) { m.configured = o }

// asLearner and asJudge tell the two Observes apart.
type asLearner struct{ *mind }

func (l *asLearner) Observe(*lb.Record) {
	l.learnt++
	if l.observe != nil {
		l.observe()
	}
}

type asJudge struct{ *mind }

func (j *asJudge) Observe(r []lb.Record) { j.seen += len(r) }

func (j *asJudge) Evaluate(v *decide.View) decide.Decision {
	j.judged++
	j.view = *v
	if j.evaluate == nil {
		return decide.Decision{At: v.Now, Policy: v.Policy, Action: decide.Hold, Gate: "margin", Text: "holds"}
	}
	return j.evaluate(v)
}

func (j *asJudge) Step(v *decide.View) decide.Step {
	j.stepped++
	if j.step == nil {
		return decide.Step{}
	}
	return j.step(v)
}

// bench is an engine with one cluster, driven by hand on a clock of its own.
type bench struct {
	*Engine
	cluster *cluster.Cluster
	mind    *mind
	made    int // minds
	subject *Subject
	now     stats.Instant
	ring    []lb.Record
	lost    uint64
	terms   *Terms
	told    []Entry
}

func newBench(policy string) *bench {
	b := &bench{mind: &mind{}, now: 1, terms: &Terms{Evaluate: 10 * time.Second}}
	b.cluster = cluster.New(cluster.Options{
		Name: "web", Policy: policy, Start: "expected-delay", Builders: catalog.Builders(), Wall: time.Now,
	}, []cluster.Spec{{Address: "a:1"}, {Address: "b:1"}})
	b.subject = &Subject{
		Cluster: b.cluster, Terms: func() *Terms { return b.terms }, Shed: func() uint64 { return 0 },
		Drain: func(into []lb.Record) (int, uint64) {
			n := copy(into, b.ring)
			b.ring = b.ring[n:]
			lost := b.lost
			b.lost = 0
			return n, lost
		},
		Pending: func(into []lb.Pending) []lb.Pending { return into },
		Minds: func(*Terms, func()) Minds {
			b.made++
			return Minds{Learner: &asLearner{b.mind}, Judge: &asJudge{b.mind}}
		},
	}
	b.Engine = New(Options{
		Now: func() stats.Instant { return b.now }, Wall: time.Now, Log: slog.New(slog.DiscardHandler),
		Journal: NewJournal(nil, func(e Entry) { b.told = append(b.told, e) }),
	})
	b.Set([]*Subject{b.subject})
	return b
}

// run lets time pass, tick by tick.
func (b *bench) run(d time.Duration) {
	for end := b.now.Add(d); b.now < end; {
		b.now = b.now.Add(tickEvery)
		b.tick(context.Background())
	}
}

func TestTheEngineLearnsStepsAndJudgesInTime(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.ring = make([]lb.Record, 3*batch+5)
	b.lost = 7
	b.Note("web", "guard ejected a:1")
	b.run(10100 * time.Millisecond)
	m := b.mind
	if m.learnt != 3*batch+5 || m.seen != 3*batch+5 || m.members != 2 {
		t.Errorf("learnt from %d records of %d members, the judge saw %d", m.learnt, m.members, m.seen)
	}
	if m.judged != 1 || m.stepped != 10 {
		t.Errorf("judged %d times and stepped %d in 10 s", m.judged, m.stepped)
	}
	v := &m.view
	if v.Cluster != "web" || v.Policy != "expected-delay" || v.Pinned || v.Lost != 7 || len(v.Endpoints) != 2 || !v.Endpoints[0].Eligible || len(v.Notes) != 1 {
		t.Errorf("the judge saw %+v", v)
	}
	if len(b.told) != 1 || b.told[0].Cluster != "web" || b.told[0].ID != 1 {
		t.Errorf("journal %+v", b.told)
	}
	b.run(10 * time.Second)
	if len(m.view.Notes) != 0 || m.view.Lost != 0 {
		t.Errorf("the second judgement sees what the first saw: %+v", m.view)
	}
	if s := b.Status("web"); s.Decisions[Counted{decide.Hold, "margin"}] != 2 || s.Judged.IsZero() {
		t.Errorf("status %+v", s)
	}
}

func TestTheEngineDoesWhatWasDecided(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.mind.evaluate = func(v *decide.View) decide.Decision {
		return decide.Decision{At: v.Now, Action: decide.Canary, To: "p2c", Changed: true, Do: decide.Action{Policy: "p2c", Share: 0.1, Why: "faster"}}
	}
	b.run(10100 * time.Millisecond)
	if s := b.cluster.Snapshot(); s.Challenger != "p2c" || s.Share != 0.1 {
		t.Fatalf("%+v", s)
	}
	at := b.now
	b.mind.step = func(v *decide.View) decide.Step {
		return decide.Step{
			Changed: true, Action: decide.Action{Policy: "p2c", Share: 1}, Entries: []decide.Decision{{At: v.Now, Action: decide.Switch, To: "p2c"}},
			Outcomes: []decide.OutcomeOf{{At: b.told[0].At, Outcome: decide.Outcome{Verdict: decide.Kept}}},
		}
	}
	b.run(time.Second)
	if s := b.cluster.Snapshot(); s.Policy != "p2c" || s.Challenger != "" {
		t.Errorf("%+v", s)
	}
	e, ok := b.options.Journal.Entry(1)
	if !ok || e.Outcome == nil || e.Outcome.Verdict != decide.Kept || b.told[1].Action != decide.Switch || b.told[1].At <= at {
		t.Errorf("journal %+v", b.told)
	}
}

func TestAnOperatorsWordGoesBeforeADecision(t *testing.T) {
	for name, word := range map[string]func(*bench){
		"a pin":             func(b *bench) { _ = b.cluster.Pin("random") },
		"a mode":            func(b *bench) { b.cluster.SetMode(cluster.Advise) },
		"a file that names": func(b *bench) { b.cluster.Configure("random", 0.5) },
	} {
		b := newBench(lb.Adaptive)
		b.mind.evaluate = func(*decide.View) decide.Decision {
			word(b) // while the judge thinks
			return decide.Decision{Changed: true, Do: decide.Action{Policy: "p2c", Share: 1}}
		}
		b.run(10100 * time.Millisecond)
		if s := b.cluster.Snapshot(); s.Policy == "p2c" || s.Challenger != "" {
			t.Errorf("%s: %s picks", name, s.Policy)
		}
	}
}

func TestAPanicInTheJudgementFreezesTheClusterAndNothingElse(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.cluster.Choose("hot-cold", 1, "")
	b.cluster.Choose("p2c", 0.5, "a trial")
	b.mind.evaluate = func(*decide.View) decide.Decision { panic("index out of range") }
	b.run(10100 * time.Millisecond)
	s := b.cluster.Snapshot()
	if s.Policy != "hot-cold" || s.Challenger != "" {
		t.Errorf("after the failure %s picks, beside %q", s.Policy, s.Challenger)
	}
	if len(b.told) != 1 || b.told[0].Action != Frozen || !strings.Contains(b.told[0].Text, "index out of range") {
		t.Errorf("journal %+v", b.told)
	}
	if f := b.Status("web").Fault; !strings.Contains(f, "index out of range") {
		t.Errorf("status says %q", f)
	}
	learnt := b.mind.learnt
	b.ring = make([]lb.Record, 5)
	b.run(20 * time.Second)
	if b.mind.learnt != learnt+5 {
		t.Error("nothing is learnt any more, and expected-delay may still pick")
	}
	if b.mind.judged != 1 || len(b.told) != 1 {
		t.Errorf("it is judged on: %d times", b.mind.judged)
	}
	b.mind.evaluate = nil
	b.Resume("web")
	b.run(10100 * time.Millisecond)
	if b.mind.judged != 2 || b.made != 2 || b.Status("web").Fault != "" {
		t.Errorf("taken up again: judged %d times, minds %d, fault %q", b.mind.judged, b.made, b.Status("web").Fault)
	}
}

func TestExpectedDelayIsLeftWhenLearningFails(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.mind.observe = func() { panic("division by zero") }
	b.ring = make([]lb.Record, 1)
	b.run(time.Second)
	if s := b.cluster.Snapshot(); s.Policy != without {
		t.Errorf("%s picks; it has nothing to go by", s.Policy)
	}
	if len(b.told) != 1 || b.told[0].To != without {
		t.Errorf("journal %+v", b.told)
	}
}

func TestAReloadReachesTheJudge(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.run(time.Second)
	b.terms = &Terms{Evaluate: 2 * time.Second, Judge: decide.Options{Margin: 0.2}}
	b.run(2200 * time.Millisecond)
	if b.mind.configured.Margin != 0.2 || b.mind.configured.Yield == nil || b.mind.judged != 1 {
		t.Errorf("configured %+v, judged %d times", b.mind.configured, b.mind.judged)
	}
	b.cluster.SetMode(cluster.Freeze)
	b.run(time.Second)
	if b.mind.mode != decide.Freeze {
		t.Error("the judge does not know the mode")
	}
}

func TestAClusterThatLeavesIsForgotten(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.run(10100 * time.Millisecond)
	b.Note("web", "x")
	b.Set(nil)
	b.run(20 * time.Second)
	if b.mind.judged != 1 || !b.Status("web").Judged.IsZero() {
		t.Error("it is judged on")
	}
}

func TestJudgementsWaitForTheirShareOfACore(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.budget = budget{at: time.Now(), spent: threadTime(), left: -time.Hour}
	b.budget.left = -mostDebt
	b.run(25 * time.Second) // a moment on the wall
	if b.mind.judged != 0 || b.Cost().Postponed != 1 {
		t.Errorf("judged %d times while the work was over its share, postponed %d", b.mind.judged, b.Cost().Postponed)
	}
	b.budget.left = budgetDepth
	b.run(time.Second)
	if b.mind.judged != 1 {
		t.Error("not judged when there was CPU time again")
	}
}

// With more clusters than there is CPU time for, each has its turn.
func TestWhoHasWaitedLongestIsJudgedFirst(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.terms = &Terms{Evaluate: tickEvery} // all are due again with every tick
	var all []*Subject
	minds := make([]*mind, 4)
	for i := range minds {
		m := &mind{}
		m.evaluate = func(v *decide.View) decide.Decision {
			b.budget.left = -time.Hour // one judgement takes all that there is
			return decide.Decision{At: v.Now, Policy: v.Policy, Action: decide.Hold}
		}
		minds[i] = m
		s := *b.subject
		s.Cluster = cluster.New(cluster.Options{Name: strings.Repeat("x", i+1), Policy: lb.Adaptive, Start: "expected-delay", Builders: catalog.Builders(), Wall: time.Now}, []cluster.Spec{{Address: "a:1"}})
		s.Minds = func(*Terms, func()) Minds { return Minds{Learner: &asLearner{m}, Judge: &asJudge{m}} }
		all = append(all, &s)
	}
	b.Set(all)
	b.now = b.now.Add(time.Second)
	for turn := range 3 * len(minds) {
		b.now = b.now.Add(tickEvery)
		b.budget = budget{at: time.Now(), spent: threadTime(), left: budgetDepth}
		b.tick(t.Context())
		for i, m := range minds {
			if want := (turn + 1) / len(minds); m.judged < want {
				t.Fatalf("cluster %d was judged %d times of %d; want %d at least", i, m.judged, turn+1, want)
			}
		}
	}
}

func TestTheBudgetIsOnePercentOfACoreInAnyMinute(t *testing.T) {
	for _, took := range []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond} {
		took *= slower
		var b budget
		at := time.Unix(1000, 0)
		b.settle(at, 0)
		spent := []time.Duration{0}
		for i := range 10000 { // 1000 s in which it works whenever it may
			at = at.Add(100 * time.Millisecond)
			now := spent[i]
			if b.settle(at, now); i > 0 && b.mayJudge(took) {
				now += took
			}
			spent = append(spent, now)
		}
		if share := spent[len(spent)-1].Seconds() / 1000; share > budgetShare*1.1 || share < budgetShare*0.9 {
			t.Errorf("judgements of %v: %.4f of a core; want %v", took, share, budgetShare)
		}
		for i := 600; i < len(spent); i++ {
			if used := spent[i] - spent[i-600]; used > slower*600*time.Millisecond {
				t.Fatalf("judgements of %v: %v in the minute that ends after %d s; want %v at most", took, used, i/10, slower*600*time.Millisecond)
			}
		}
	}
}

func TestRunStopsAndLeaksNothing(*testing.T) {
	b := newBench(lb.Adaptive)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(ctx) })
	time.Sleep(3 * tickEvery)
	cancel()
	wg.Wait()
}

func TestStrangeNumbersReachNobody(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.mind.evaluate = func(*decide.View) decide.Decision {
		return decide.Decision{Changed: true, Do: decide.Action{Policy: "p2c", Share: math.NaN()}}
	}
	b.run(10100 * time.Millisecond)
	if s := b.cluster.Snapshot(); s.Policy != "expected-delay" || s.Challenger != "" {
		t.Errorf("%+v", s)
	}
}

// listener counts what a judge is given.
type listener struct {
	Judge
	judged int
}

func (l *listener) Evaluate(v *decide.View) decide.Decision { l.judged++; return l.Judge.Evaluate(v) }

func TestATapSeesWhatTheJudgeIsGivenUntilItIsTakenAway(t *testing.T) {
	b := newBench(lb.Adaptive)
	var l *listener
	untap, err := b.Tap("web", func(j Judge) Judge { l = &listener{Judge: j}; return l })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Tap("web", func(j Judge) Judge { return j }); err == nil {
		t.Error("two may listen at a time")
	}
	b.run(10100 * time.Millisecond)
	untap()
	b.run(10 * time.Second)
	if l == nil || l.judged != 1 || b.mind.judged != 2 {
		t.Fatalf("the tap saw %+v of %d", l, b.mind.judged)
	}
	if _, err := b.Tap("web", func(Judge) Judge { panic("disk full") }); err != nil {
		t.Errorf("taken away, and nobody else may listen: %v", err)
	}
	b.run(time.Second)
	if f := b.Status("web").Fault; f == "" {
		t.Error("a tap that fails went unnoticed")
	}
}

// TestAQuestionIsAnsweredByTheEngine asks from another goroutine: one at a
// time, with a view of the cluster, and a panic in it harms nobody.
func TestAQuestionIsAnsweredByTheEngine(t *testing.T) {
	b := newBench("adaptive")
	b.run(time.Second)
	ask := func(ctx context.Context, c Consultation) chan error {
		done := make(chan error, 1)
		go func() { done <- b.Consult(ctx, c) }()
		for {
			b.mu.Lock()
			waits := b.asked != nil
			b.mu.Unlock()
			if waits || ctx.Err() != nil {
				return done
			}
			time.Sleep(time.Millisecond)
		}
	}
	ctx := t.Context()
	members := 0
	done := ask(ctx, Consultation{Cluster: "web", Ask: func(_ Judge, v *decide.View) {
		members = len(v.Endpoints)
		if err := b.Consult(ctx, Consultation{Cluster: "web"}); !errors.Is(err, ErrBusy) {
			t.Errorf("a second question while one is answered: %v; want it told to wait", err)
		}
	}})
	if err := b.Consult(ctx, Consultation{Cluster: "web"}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second question while one waits: %v; want it told to wait", err)
	}
	b.run(tickEvery)
	if err := <-done; err != nil || members != 2 {
		t.Errorf("got %v and %d endpoints; want 2", err, members)
	}
	done = ask(ctx, Consultation{Cluster: "web", Ask: func(Judge, *decide.View) { panic("out of range") }})
	b.run(tickEvery)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("got %v; want the failure", err)
	}
	done = ask(ctx, Consultation{Cluster: "none", Ask: func(Judge, *decide.View) { t.Error("asked") }})
	b.run(tickEvery)
	if err := <-done; !errors.Is(err, ErrNoCluster) {
		t.Errorf("got %v; want that there is no such cluster", err)
	}
	done = ask(ctx, Consultation{Cluster: "web", Idle: true, Ask: func(Judge, *decide.View) { t.Error("did not give way") }})
	asked := false
	second := make(chan error, 1)
	go func() {
		second <- b.Consult(ctx, Consultation{Cluster: "web", Ask: func(Judge, *decide.View) { asked = true }})
	}()
	if err := <-done; !errors.Is(err, ErrBusy) {
		t.Errorf("a question that nobody waits for: %v; want it to give way to one of somebody", err)
	}
	b.run(tickEvery)
	if err := <-second; err != nil || !asked {
		t.Errorf("got %v; want it answered", err)
	}
	judged := b.mind.judged
	b.run(20 * time.Second)
	if b.mind.judged == judged {
		t.Error("after the questions nothing is judged any more")
	}
}

// TestAQuestionWaitsForCPUTime asks while the engine has none left.
func TestAQuestionWaitsForCPUTime(t *testing.T) {
	b := newBench("adaptive")
	b.run(tickEvery)
	b.budget.left = -time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- b.Consult(ctx, Consultation{Cluster: "web", Ask: func(Judge, *decide.View) { t.Error("asked without CPU time") }})
	}()
	for ctx.Err() == nil {
		b.run(tickEvery)
		time.Sleep(time.Millisecond)
	}
	if err := <-done; !errors.Is(err, ErrNoTime) {
		t.Errorf("got %v; want that there was no time", err)
	}
	b.run(tickEvery) // with nothing asked
}

// TestAutoGivesTrust: an operator's auto goes before the score of forecasts, any
// other word does not touch it.
func TestAutoGivesTrust(t *testing.T) {
	b := newBench(lb.Adaptive)
	b.cluster.SetMode(cluster.Advise)
	b.Resume("web")
	b.run(tickEvery)
	if b.mind.forgiven != 0 {
		t.Error("advise gives trust")
	}
	b.cluster.SetMode(cluster.Auto)
	b.Resume("web")
	b.run(tickEvery)
	if b.mind.forgiven != 1 {
		t.Errorf("auto gave trust %d times; want once", b.mind.forgiven)
	}
}
