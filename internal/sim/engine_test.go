package sim

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"poise/internal/decide"
	"poise/internal/decide/recording"
	"poise/internal/scenario"
)

func find(t testing.TB, name string) *scenario.Scenario {
	t.Helper()
	s, hint := scenario.Find(name)
	if s == nil {
		t.Fatal(name, hint)
	}
	return s
}

// TestTheEngineLeavesABadPolicy: what it is there for.
func TestTheEngineLeavesABadPolicy(t *testing.T) {
	s := find(t, "speed")
	jobs := scenario.Draw(s, 1)
	bad := Play(s, jobs, Contender{Name: "round-robin"}, 1, Options{})
	got := Play(s, jobs, Contender{Name: Adaptive, From: "round-robin"}, 1, Options{})
	if len(got.Switches) == 0 || got.Switches[0].From != "round-robin" {
		t.Fatalf("switches: %+v", got.Switches)
	}
	if got.LossBetween(jobs, 60*time.Second, s.Run) > bad.LossBetween(jobs, 60*time.Second, s.Run)/2 {
		t.Errorf("after a minute it loses %.1f ms, round-robin %.1f ms", got.Loss*1e3, bad.Loss*1e3)
	}
	if got.Switches[0].At < 10*time.Second {
		t.Errorf("switched at %v, while the policy was pinned", got.Switches[0].At)
	}
}

func TestJudgesRepeatToTheBit(t *testing.T) {
	s := *find(t, "slowone")
	s.Run = 45 * time.Second
	jobs := scenario.Draw(&s, 3)
	for _, c := range []Contender{{Name: Adaptive, From: "least-request"}, {Name: Rules}, {Name: Bandit}} {
		a, b := Play(&s, jobs, c, 9, Options{}), Play(&s, jobs, c, 9, Options{})
		if !slices.Equal(a.Took, b.Took) {
			t.Errorf("%s: two runs differ", c)
		}
		if !slices.EqualFunc(a.Decisions, b.Decisions, func(x, y Told) bool { return x.Text == y.Text && x.At == y.At }) {
			t.Errorf("%s: two runs decided differently", c)
		}
	}
}

func TestAdviseChangesNothing(t *testing.T) {
	s := *find(t, "speed")
	s.Run = 45 * time.Second
	jobs := scenario.Draw(&s, 1)
	fixed := Play(&s, jobs, Contender{Name: "hot-cold"}, 1, Options{})
	got := Play(&s, jobs, Contender{Name: Adaptive, From: "hot-cold"}, 1, Options{Decide: decide.Options{Mode: decide.Freeze}})
	if !slices.Equal(fixed.Took, got.Took) {
		t.Error("a frozen engine must leave every request where the policy sends it")
	}
}

func TestBanditTriesEachPolicyOnce(t *testing.T) {
	s := *find(t, "constant")
	s.Run = 400 * time.Second
	jobs := scenario.Draw(&s, 1)
	got := Play(&s, jobs, Contender{Name: Bandit}, 1, Options{})
	ran := map[string]bool{fixed[0]: true}
	for i, w := range got.Switches {
		ran[w.To] = true
		if i > 0 && w.At-got.Switches[i-1].At < banditDwell {
			t.Errorf("switched at %v and %v", got.Switches[i-1].At, w.At)
		}
	}
	if len(ran) != len(fixed) {
		t.Errorf("after 400 s it has tried %v", ran)
	}
}

func TestCacheForgetsTheOneUnusedForLongest(t *testing.T) {
	var c cache
	for _, step := range []struct {
		key uint32
		hit bool
	}{{1, false}, {2, false}, {3, false}, {1, true}, {4, false}, {2, false}, {1, true}, {3, false}, {4, false}} {
		if got := c.hit(step.key, 3); got != step.hit {
			t.Fatalf("key %d: hit %t; want %t", step.key, got, step.hit)
		}
	}
	if c.hit(9, 1) || len(c.at) != 1 {
		t.Errorf("made smaller it remembers %d keys", len(c.at))
	}
}

func TestStallsStopBothDisciplines(t *testing.T) {
	for _, kind := range []string{"slots", "cores"} {
		s := parse(t, "run 20s warm 0s\nguard off\nretries 0\nendpoints one 1 "+kind+" 4 service 10ms constant stalls 500ms every 2s\narrivals 100/s steady\n")
		jobs := scenario.Draw(s, 1)
		got := Play(s, jobs, Contender{Name: "random"}, 1, Options{})
		late := 0
		for _, v := range got.Took {
			if v > 0.012 {
				late++
			}
		}
		share := float64(late) / float64(len(jobs))
		if got.P999 < 0.45 || got.P999 > 0.66 || share < 0.2 || share > 0.4 { // those that share the cores are all done late
			t.Errorf("%s: p99.9 %.0f ms, %.0f %% late; want 500 ms or a little more, and a little over a quarter", kind, got.P999*1e3, 100*share)
		}
	}
}

func TestHiddenLoadSlowsAnEndpointAndCountsForNobody(t *testing.T) {
	s := parse(t, "run 60s warm 5s\nguard off\nendpoints one 1 slots 1 service 10ms exponential others 40/s\narrivals 30/s\n")
	var sum float64
	for seed := range uint64(6) {
		jobs := scenario.Draw(s, seed)
		r := Play(s, jobs, Contender{Name: "random"}, seed, Options{})
		if r.Requests > 30*55*13/10 {
			t.Fatalf("%d requests were counted; want about %d", r.Requests, 30*55)
		}
		sum += r.Mean / 6
	}
	if want := 0.01 / 0.3; sum < want*0.85 || sum > want*1.15 {
		t.Errorf("mean %.1f ms; an M/M/1 at 0.7 has %.1f ms", sum*1e3, want*1e3)
	}
}

// TestARecordingJudgesTheSame writes down what the engine was given while a
// scenario ran, and has a new judge decide again from that alone.
func TestARecordingJudgesTheSame(t *testing.T) {
	s := *find(t, "speed")
	s.Run = 65 * time.Second
	jobs := scenario.Draw(&s, 1)
	var file bytes.Buffer
	// Without expected-delay, whose learner a recording does not hold yet.
	candidates := []string{"hot-cold", "peak-ewma", "least-request", "round-robin"}
	got := Play(&s, jobs, Contender{Name: Adaptive, From: "round-robin"}, 1, Options{Record: &file, Decide: decide.Options{Candidates: candidates}})
	r, err := recording.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if n != 6 || len(got.Switches) == 0 {
		t.Errorf("%d evaluations and %d switches; want 6 and at least one, or this shows little", n, len(got.Switches))
	}
}
