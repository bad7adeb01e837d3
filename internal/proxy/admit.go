package proxy

import (
	"errors"
	"hash/maphash"
	"time"

	"poise/internal/guard"
	"poise/internal/guard/admit"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/stats"
)

// admission is what the route asks of a request.
func (s *state) admission() *Admission {
	if all := s.books.table.Admission; s.route.Index < len(all) {
		return &all[s.route.Index]
	}
	return &noCondition
}

var noCondition Admission

// mayCome takes the request's turn at the rate of its route, where it has one.
func (s *state) mayCome() bool {
	r := s.admission().Rate
	if r == nil {
		return true
	}
	key := r.Key.Value(s.in, s.x.Conn().RemoteText)
	wait, ok := r.Limit.Take(maphash.Bytes(s.proxy.secret, key), s.begun)
	if !ok {
		s.retryAfter = wait
		s.up.Attempts.Shed[record.ShedRate].Add(1)
	}
	return ok
}

// queue waits for room at an endpoint.
func (s *state) queue() (record.Terms, *message.Refusal) {
	w := &s.waiter
	w.Since, w.Priority = 0, s.admission().Priority
	reason := record.ShedLimit
	now := s.proxy.options.Now()
	began := now
	for s.up.Guard.Queue().Push(w, now) {
		terms, v, err := s.await(now)
		now = s.proxy.options.Now()
		s.queued = now.Sub(began)
		switch {
		case err == nil:
			s.waited += s.queued
			return terms, nil
		case s.left():
			return terms, overloaded // nobody is there to read it
		case !errors.Is(err, guard.ErrSaturated):
			return terms, noEndpoint
		case v == admit.Expired:
			s.up.Attempts.Shed[record.ShedTimeout].Add(1)
			return terms, overloaded
		case v == admit.Shed:
			s.up.Attempts.Shed[record.ShedQueue].Add(1)
			return terms, overloaded
		}
		reason = record.ShedQueue
	}
	s.up.Attempts.Shed[reason].Add(1)
	return record.Terms{}, overloaded
}

// await waits for its turn and picks. What made room may have ended just
// before the request was in the queue, so it looks once more at first.
func (s *state) await(now stats.Instant) (record.Terms, admit.Verdict, error) {
	terms, err := s.pick(now)
	if !errors.Is(err, guard.ErrSaturated) {
		s.leaveQueue(now)
		return terms, admit.Go, err
	}
	select {
	case v := <-s.wake:
		if v != admit.Go {
			return terms, v, err
		}
		terms, err = s.pick(s.proxy.options.Now())
		return terms, v, err
	case <-s.gone:
		s.leaveQueue(s.proxy.options.Now())
		return terms, admit.Go, err
	}
}

// leaveQueue takes the request out. When it has just been told that there is
// room, the next one is told instead.
func (s *state) leaveQueue(now stats.Instant) {
	q := s.up.Guard.Queue()
	if !q.Remove(&s.waiter) && <-s.wake == admit.Go {
		q.Next(now)
	}
}

// retrySeconds is what Retry-After says, rounded up.
func (s *state) retrySeconds() int {
	return max(1, int((s.retryAfter+time.Second-1)/time.Second))
}
