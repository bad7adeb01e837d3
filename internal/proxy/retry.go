package proxy

import (
	"slices"
	"time"

	"poise/internal/guard/retry"
	"poise/internal/lb"
)

// mostResent bounds the attempts of which no endpoint saw anything.
const mostResent = 3

// again decides whether a failed attempt is followed by another, and where
// that goes: s.next. It is decided before an answer is thrown away, so that
// one that nothing better can follow reaches the client.
//
// An attempt that the endpoint saw nothing of is made again whatever the
// method. It still takes of the budget: when everything is down, each request
// would otherwise knock at every endpoint.
func (s *state) again(v verdict) bool {
	switch {
	case v.taken: // paid when it was taken back
	case v.free:
		if s.resent++; s.resent > mostResent {
			return false
		}
	case !s.repeatable() || !s.up.Retry.covers(v.outcome):
		return false
	}
	now := s.proxy.options.Now()
	if total := s.up.Timeouts.Total; total > 0 && now.Sub(s.begun) >= total {
		return false
	}
	s.exclude(s.last)
	next, err := s.pick(now)
	if err != nil {
		return false
	}
	if !v.taken && !s.up.Guard.Budget().Spend(now) {
		s.up.Attempts.BudgetExhausted.Add(1)
		return false
	}
	s.up.Attempts.Retries[v.outcome].Add(1)
	if !v.free {
		s.retries++
		s.backoff = retry.Backoff(s.retries, &s.dice)
	}
	s.next = next
	return true
}

// pause waits before a retry, and reports whether the client is still there.
func (s *state) pause() bool {
	if s.backoff <= 0 {
		return true
	}
	timer := time.NewTimer(s.backoff)
	defer timer.Stop()
	s.waited += s.backoff
	s.backoff = 0
	select {
	case <-timer.C:
	case <-s.gone:
	}
	return !s.left()
}

// repeatable reports whether a failed attempt of the request may and can be
// followed by another: it does no harm twice, is held whole, and nothing of an
// answer was passed on.
func (s *state) repeatable() bool {
	return s.whole && !s.answered && s.retries < s.up.Retry.Most && idempotent(s.in.Method)
}

// covers reports whether the configuration names an outcome.
func (r *Retry) covers(o lb.Outcome) bool {
	switch o {
	case lb.Connect:
		return r.Connect
	case lb.Reset, lb.Cut:
		return r.Reset
	case lb.Timeout:
		return r.PerTry > 0
	case lb.Status5xx:
		return true // the status was looked at before
	}
	return false
}

func (r *Retry) coversStatus(status int) bool {
	return slices.Contains(r.Statuses, status)
}
