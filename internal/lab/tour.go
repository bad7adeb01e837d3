package lab

import (
	"fmt"
	"time"

	"poise/internal/worker"
)

// condition is one stop of the tour: what is wrong with one worker, the
// victim, and what should be seen of it.
type condition struct {
	name       string
	says       string // what happens to worker %s; "" for nothing
	sameVictim bool   // as in the stop before
	begin      func(*member) error
	expect     func(policy string, s *score) string // "" when it was seen, else what is missing
}

// label is the condition in words.
func (k *condition) label(victim string) string {
	if k.says == "" {
		return k.name
	}
	return fmt.Sprintf(k.says, victim)
}

// blind policies look at nothing but their turn or their dice.
func blind(policy string) bool { return policy == "round-robin" || policy == "random" }

// mostFailed is the share of requests that may fail where none should: those
// that were under way at the very moment.
const mostFailed = 0.005

// slowed is what a slow worker takes.
const slowed = 200 * time.Millisecond

var conditions = []condition{
	{
		name:   "steady",
		begin:  func(*member) error { return nil },
		expect: expectSteady,
	},
	{
		name: "one slow", says: "worker %s takes 200 ms",
		begin: func(m *member) error {
			m.set(func(s *worker.Settings) { s.Delay = worker.Duration(slowed) })
			return nil
		},
		expect: expectSlow,
	},
	{
		name: "one failing", says: "worker %s answers 503",
		begin:  func(m *member) error { m.set(func(s *worker.Settings) { s.Errors = 1 }); return nil },
		expect: expectFailing,
	},
	{
		name: "one hanging", says: "worker %s hangs",
		begin: func(m *member) error {
			m.set(func(s *worker.Settings) { s.Hang, s.Health = 1, "hang" })
			return nil
		},
		expect: expectHanging,
	},
	{
		name: "one gone", says: "worker %s is killed",
		begin:  func(m *member) error { m.kill(); return nil },
		expect: expectGone,
	},
	{
		name: "back", says: "worker %s is back", sameVictim: true,
		begin:  func(m *member) error { return m.start() },
		expect: expectBack,
	},
}

func expectSteady(_ string, s *score) string {
	if s.failures > 0 {
		return fmt.Sprintf("%d requests failed; none should", s.failures)
	}
	if len(s.of) < 2 {
		return "one worker got everything"
	}
	return ""
}

// expectSlow: who looks sends less to the slow one; who does not makes the
// clients wait for it.
func expectSlow(policy string, s *score) string {
	fair := 1 / float64(s.workers)
	if blind(policy) {
		if p99 := s.p99(); p99 < slowed {
			return fmt.Sprintf("p99 is %v; a policy that does not look should run into the %v", p99, slowed)
		}
		return ""
	}
	if s.share(s.victim) > fair*3/4 {
		return fmt.Sprintf("the slow worker got %.0f %% of the answers", 100*s.share(s.victim))
	}
	return ""
}

// expectFailing: retries hide a failing worker until the guard ejects it.
// Without the guard it would look idle to policies that count what is under
// way, since it fails fast, and draw the load until the retry budget is empty.
func expectFailing(_ string, s *score) string {
	if s.failed() > mostFailed {
		return fmt.Sprintf("%.1f %% of the requests failed in spite of the retries", 100*s.failed())
	}
	return ""
}

func expectHanging(_ string, s *score) string {
	switch {
	case s.state != "unhealthy":
		return "the worker that hangs is " + s.state
	case s.lateOf[s.victim] > 0:
		return fmt.Sprintf("the worker that hangs was still answering %d requests at the end", s.lateOf[s.victim])
	case s.lateFailures > 0:
		return fmt.Sprintf("%d requests still failed in the last part, with the worker long out", s.lateFailures)
	}
	return ""
}

func expectGone(_ string, s *score) string {
	switch {
	case s.failed() > mostFailed:
		return fmt.Sprintf("%.1f %% of the requests failed", 100*s.failed())
	case s.state != "unhealthy":
		return "the worker that is gone is " + s.state
	}
	return ""
}

func expectBack(policy string, s *score) string {
	switch {
	case s.failed() > mostFailed:
		return fmt.Sprintf("%.1f %% of the requests failed", 100*s.failed())
	case s.state != "healthy":
		return "the worker that came back is " + s.state
	case blind(policy) && s.of[s.victim] == 0:
		return "the worker that came back got no request"
	}
	return ""
}

// heal takes the fault of the last condition away before the next begins.
func heal(m *member) { m.set(func(*worker.Settings) {}) }
