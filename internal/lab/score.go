package lab

import (
	"slices"
	"sync"
	"time"

	"poise/internal/load"
	"poise/internal/stats"
)

// score is what one policy did under one condition, as the clients saw it. It
// belongs to the lock of its board.
type score struct {
	policy, condition string
	label             string // the condition in words
	victim            string // name of the worker that has the fault
	workers           int
	began, ends       time.Time

	requests, failures int
	latency            stats.Histogram
	of                 map[string]int // answers by worker
	lateOf             map[string]int // likewise, in the last quarter
	lateFailures       int
	judged             bool   // it came to its end
	state              string // of the victim at the end, as the API says
	missing            string // what was expected and not seen
}

func newScore(policy, condition string, workers int) *score {
	return &score{policy: policy, condition: condition, label: condition, workers: workers, of: map[string]int{}, lateOf: map[string]int{}}
}

func (s *score) add(r load.Result) {
	s.requests++
	lastQuarter := r.Due.Sub(s.began) > s.ends.Sub(s.began)*3/4
	if r.Worker != "" {
		s.of[r.Worker]++
		if lastQuarter {
			s.lateOf[r.Worker]++
		}
	}
	if r.Fault != load.None {
		s.failures++
		if lastQuarter {
			s.lateFailures++
		}
		return
	}
	s.latency.Observe(r.Latency)
}

func (s *score) failed() float64 {
	if s.requests == 0 {
		return 0
	}
	return float64(s.failures) / float64(s.requests)
}

// share is the worker's part of the answers that named a worker.
func (s *score) share(worker string) float64 {
	all := 0
	for _, n := range s.of {
		all += n
	}
	if all == 0 {
		return 0
	}
	return float64(s.of[worker]) / float64(all)
}

func (s *score) p99() time.Duration { h := s.latency.Snapshot(); return h.Quantile(0.99) }

// board holds the scores; a result counts for the stop during which it was
// due.
type board struct {
	policies []string

	mu     sync.Mutex
	scores []*score
}

func (b *board) begin(s *score, lasts time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.began = time.Now()
	s.ends = s.began.Add(lasts)
	b.scores = append(b.scores, s)
}

func (b *board) add(r load.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range slices.Backward(b.scores) {
		if !r.Due.Before(s.began) {
			s.add(r)
			return
		}
	}
}

// last returns a copy of what is known of the latest stop's answers, nil
// before the first.
func (b *board) last() *score {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.scores) == 0 {
		return nil
	}
	s := b.scores[len(b.scores)-1]
	c := newScore(s.policy, s.condition, s.workers)
	for name, n := range s.lateOf {
		c.lateOf[name] = n
	}
	return c
}

// label is what happens now.
func (b *board) label() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.scores) == 0 {
		return ""
	}
	return b.scores[len(b.scores)-1].label
}

// judge ends a stop.
func (b *board) judge(s *score, state string, k *condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.judged, s.state = true, state
	if s.missing == "" {
		s.missing = k.expect(s.policy, s)
	}
}

// find returns the score of a policy under a condition, nil when there is
// none. The caller holds the lock.
func (b *board) find(policy, condition string) *score {
	i := slices.IndexFunc(b.scores, func(s *score) bool { return s.policy == policy && s.condition == condition })
	if i < 0 {
		return nil
	}
	return b.scores[i]
}

// outcome judges again, when every request is answered: those of a stop that
// were slow came in after its end.
func (b *board) outcome() *Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := &Outcome{Stops: len(b.policies) * len(conditions)}
	for _, policy := range b.policies {
		for _, k := range conditions {
			s := b.find(policy, k.name)
			if s == nil || !s.judged {
				continue
			}
			o.Run++
			if s.missing == "" {
				s.missing = k.expect(policy, s)
			}
			if s.missing != "" {
				o.Missing = append(o.Missing, policy+", "+s.label+": "+s.missing)
			}
		}
	}
	return o
}
