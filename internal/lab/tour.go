package lab

import (
	"fmt"
	"time"

	"poise/internal/worker"
)

// condition is one stop of the tour: what is wrong with the first worker, and
// what should be seen of it.
type condition struct {
	name   string
	begin  func(*member) error
	expect func(policy string, s *score) string // "" when it was seen, else what is missing
}

// blind policies look at nothing but their turn.
func blind(policy string) bool { return policy == "round-robin" || policy == "random" }

// mostFailed is the share of requests that may fail where none should: those
// that were under way at the very moment.
const mostFailed = 0.005

var conditions = []condition{
	{
		name:  "steady",
		begin: func(*member) error { return nil },
		expect: func(_ string, s *score) string {
			if s.failures > 0 {
				return fmt.Sprintf("%d requests failed; none should", s.failures)
			}
			if len(s.of) < 2 {
				return "one worker got everything"
			}
			return ""
		},
	},
	{
		name: "one slow",
		begin: func(m *member) error {
			m.set(func(s *worker.Settings) { s.Delay = worker.Duration(200 * time.Millisecond) })
			return nil
		},
		expect: func(policy string, s *score) string {
			fair := 1 / float64(s.workers)
			if !blind(policy) && s.share("1") > fair*3/4 {
				return fmt.Sprintf("the slow worker got %.0f %% of the answers", 100*s.share("1"))
			}
			return ""
		},
	},
	{
		name:  "one failing fast",
		begin: func(m *member) error { m.set(func(s *worker.Settings) { s.Errors = 1 }); return nil },
		expect: func(policy string, s *score) string {
			switch {
			case policy == "least-request":
				// A known weakness of counting only what is under way: who fails
				// fast looks idle, draws the load, and the retry budget runs out.
				if s.of["1"] == 0 {
					return "the failing worker drew no requests, which under this policy it should"
				}
			case s.failed() > mostFailed:
				return fmt.Sprintf("%.1f %% of the requests failed in spite of the retries", 100*s.failed())
			}
			return ""
		},
	},
	{
		name: "one hanging",
		begin: func(m *member) error {
			m.set(func(s *worker.Settings) { s.Hang, s.Health = 1, "hang" })
			return nil
		},
		expect: func(_ string, s *score) string {
			if s.late("1") > 0 {
				return fmt.Sprintf("the worker that hangs was still answering %d requests at the end", s.late("1"))
			}
			if s.lateFailures > 0 {
				return fmt.Sprintf("%d requests still failed in the last part, with the worker long out", s.lateFailures)
			}
			return ""
		},
	},
	{
		name:  "one gone",
		begin: func(m *member) error { m.kill(); return nil },
		expect: func(_ string, s *score) string {
			if s.failed() > mostFailed {
				return fmt.Sprintf("%.1f %% of the requests failed", 100*s.failed())
			}
			return ""
		},
	},
	{
		name:  "back",
		begin: func(m *member) error { return m.start() },
		expect: func(policy string, s *score) string {
			switch {
			case s.failed() > mostFailed:
				return fmt.Sprintf("%.1f %% of the requests failed", 100*s.failed())
			case s.state != "healthy":
				return "the worker that came back is " + s.state
			case blind(policy) && s.of["1"] == 0:
				return "the worker that came back got no request"
			}
			return ""
		},
	},
}

// heal takes the fault of the last condition away before the next begins.
func heal(m *member) { m.set(func(*worker.Settings) {}) }
