package decide_test

import (
	"fmt"
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

func TestSpike(t *testing.T) {
	for _, from := range []string{"least-request", "hot-cold", "expected-delay", "round-robin"} {
		for name, make := range map[string]func(uint64) *twintest.World{
			"homog": func(s uint64) *twintest.World { return fleet(s, 1400, same) },
			"speed": func(s uint64) *twintest.World {
				return fleet(s, 750, func(i int, s *twintest.Server) { s.Mean *= time.Duration(1 + 3*(i%2)) })
			},
			"batch": func(s uint64) *twintest.World { w := fleet(s, 1200, same); w.Batch = 30; return w },
			"slow": func(s uint64) *twintest.World {
				return fleet(s, 1200, func(i int, s *twintest.Server) {
					if i == 3 {
						s.Mean *= 10
					}
				})
			},
			"affinity": func(s uint64) *twintest.World {
				w := fleet(s, 900, func(_ int, s *twintest.Server) { s.Cache, s.Hit, s.Miss = 400, 0.2, 2 })
				w.Keys, w.Skew = 4000, 0.7
				return w
			},
		} {
			t.Run(fmt.Sprint(name, "/", from), func(t *testing.T) {
				o := decide.Options{}
				if name == "affinity" {
					o.Candidates = append([]string{"bounded-hash"}, decide.DefaultCandidates...)
				}
				l := newLoop(make(1), from, o)
				l.run(150)
				l.log(t)
			})
		}
	}
}
