package lab

import (
	"slices"
	"sync"
	"time"

	"poise/internal/load"
	"poise/internal/stats"
)

// score is what one policy did under one condition, as the clients saw it.
type score struct {
	policy, condition string
	workers           int
	began, ends       time.Time

	requests, failures int
	latency            stats.Histogram
	of                 map[string]int // answers by worker
	lateOf             map[string]int // likewise, in the last quarter
	lateFailures       int
	state              string // of the first worker at the end, as the API says
	missing            string // what was expected and not seen
}

func newScore(policy, condition string, workers int) *score {
	return &score{policy: policy, condition: condition, workers: workers, of: map[string]int{}, lateOf: map[string]int{}}
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

func (s *score) share(worker string) float64 {
	if s.requests == 0 {
		return 0
	}
	return float64(s.of[worker]) / float64(s.requests)
}

func (s *score) late(worker string) int { return s.lateOf[worker] }

// board holds the scores; a result counts for the stop during which it was
// due.
type board struct {
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
