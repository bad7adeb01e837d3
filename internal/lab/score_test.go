package lab

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// made is a score of n answers by each of the workers.
func made(victim string, of map[string]int, change func(*score)) *score {
	s := newScore("", "", 5)
	s.victim, s.state = victim, "healthy"
	for name, n := range of {
		s.of[name] = n
		s.requests += n
		for range n {
			s.latency.Observe(10 * time.Millisecond)
		}
	}
	if change != nil {
		change(s)
	}
	return s
}

func TestAResultCountsForTheStopInWhichItWasDue(t *testing.T) {
	b := &board{}
	first, second := newScore("p", "steady", 2), newScore("p", "back", 2)
	b.begin(first, time.Second)
	b.begin(second, time.Second)
	first.began = second.began.Add(-time.Second)
	first.ends = second.began
	b.add(load.Result{Due: second.began.Add(-200 * time.Millisecond), Worker: "1", Latency: time.Millisecond})
	b.add(load.Result{Due: second.began.Add(-time.Millisecond), Worker: "1", Latency: time.Millisecond})
	b.add(load.Result{Due: second.began, Worker: "2", Fault: load.Timeout})
	b.add(load.Result{Due: second.began.Add(800 * time.Millisecond), Worker: "2", Fault: load.Status})
	b.add(load.Result{Due: first.began.Add(-time.Second), Worker: "2"}) // before there was a stop
	if first.requests != 2 || first.of["1"] != 2 || first.lateOf["1"] != 1 || first.failures != 0 {
		t.Errorf("first: %d requests, %v, late %v, %d failed; want two, and the one late that was due 200 ms before the end", first.requests, first.of, first.lateOf, first.failures)
	}
	if second.requests != 2 || second.failures != 2 || second.lateFailures != 1 || second.lateOf["2"] != 1 {
		t.Errorf("second: %d requests, %d failed, %d of them late; want 2, 2, 1", second.requests, second.failures, second.lateFailures)
	}
}

func TestExpectations(t *testing.T) {
	even := map[string]int{"1": 200, "2": 200, "3": 200, "4": 200, "5": 200}
	without1 := map[string]int{"2": 250, "3": 250, "4": 250, "5": 250}
	slow := func(s *score) {
		for range 50 {
			s.latency.Observe(slowed + 10*time.Millisecond)
		}
	}
	failing := func(n int) func(*score) { return func(s *score) { s.failures = n } }
	out := func(s *score) { s.state = "unhealthy" }
	for _, c := range []struct {
		name, condition, policy string
		score                   *score
		want                    string // part of what is missing; "" when all was seen
	}{
		{"steady is steady", "steady", "p2c", made("1", even, nil), ""},
		{"one failure is not steady", "steady", "p2c", made("1", even, failing(1)), "1 requests failed"},
		{"one worker alone is not balanced", "steady", "p2c", made("1", map[string]int{"1": 9}, nil), "one worker got everything"},
		{"a blind policy runs into the slow one", "one slow", "round-robin", made("1", even, slow), ""},
		{"a blind policy that does not is a surprise", "one slow", "round-robin", made("1", even, nil), "should run into"},
		{"who looks leaves the slow one", "one slow", "peak-ewma", made("1", without1, nil), ""},
		{"who looks and stays", "one slow", "peak-ewma", made("1", even, nil), "got 20 % of the answers"},
		{"retries hide who fails", "one failing", "hot-cold", made("1", even, failing(5)), ""},
		{"more failures than retries hide", "one failing", "hot-cold", made("1", even, failing(6)), "0.6 % of the requests failed"},
		{"counting draws nobody to who fails fast", "one failing", "least-request", made("1", without1, failing(5)), ""},
		{"counting that does", "one failing", "least-request", made("1", even, failing(400)), "of the requests failed"},
		{"who hangs is found out", "one hanging", "p2c", made("1", without1, out), ""},
		{"who hangs is still in", "one hanging", "p2c", made("1", without1, nil), "is healthy"},
		{"who hangs still answers", "one hanging", "p2c", made("1", without1, func(s *score) { out(s); s.lateOf["1"] = 2 }), "answering 2"},
		{"failures with the worker long out", "one hanging", "p2c", made("1", without1, func(s *score) { out(s); s.lateFailures = 3 }), "3 requests still failed"},
		{"who is gone is out", "one gone", "p2c", made("1", without1, out), ""},
		{"who is gone is in", "one gone", "p2c", made("1", without1, nil), "is healthy"},
		{"who is gone was noticed by clients", "one gone", "p2c", made("1", without1, failing(60)), "6.0 %"},
		{"who is back gets requests", "back", "random", made("1", even, nil), ""},
		{"who is back gets none", "back", "random", made("1", without1, nil), "got no request"},
		{"who is back is still out", "back", "random", made("1", even, out), "is unhealthy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range conditions {
				if conditions[i].name != c.condition {
					continue
				}
				got := conditions[i].expect(c.policy, c.score)
				if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
					t.Errorf("missing: %q; want %q", got, c.want)
				}
				return
			}
			t.Fatalf("there is no condition %q", c.condition)
		})
	}
}

func TestTheFaultHitsTheBusiestOfTheFast(t *testing.T) {
	c, err := newCrew(5)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, k := range []struct {
		name string
		late map[string]int
		want string
	}{
		{"nothing is known", nil, "1"},
		{"turns that are even but for chance", map[string]int{"1": 100, "2": 105, "3": 99}, "1"},
		{"one that gets more", map[string]int{"1": 100, "2": 90, "3": 150}, "3"},
		{"a slow one that gets more", map[string]int{"1": 10, "2": 20, "5": 500}, "2"},
	} {
		s := newScore("", "", 5)
		s.lateOf = k.late
		if got := c.busiest(s); got.name != k.want {
			t.Errorf("%s: worker %s; want %s", k.name, got.name, k.want)
		}
	}
	if got := c.busiest(nil); got.name != "1" {
		t.Errorf("before the first stop: worker %s; want 1", got.name)
	}
}
