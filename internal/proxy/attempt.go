package proxy

import (
	"context"
	"errors"
	"os"
	"time"

	"poise/internal/guard"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/stats"
	"poise/internal/transport"
)

// mostInterim bounds the 1xx answers that come before a final one.
const mostInterim = 32

var errTooManyInterim = errors.New("too many interim answers")

// verdict is what came of an attempt.
type verdict struct {
	settled bool // the client has its answer, or has left
	outcome lb.Outcome
	refusal *message.Refusal // what the client is told when nothing follows
	err     error
	again   bool // it was decided already that another attempt follows
	free    bool // the endpoint saw nothing of the request: sent again whatever the method
	taken   bool // the guard took it back: another attempt is paid for
}

// pool is what the transport keeps for an endpoint.
type pool interface {
	Get(ctx context.Context, number uint64) (transport.Stream, error)
}

// attempt makes one try at one endpoint.
func (s *state) attempt(t record.Terms) verdict {
	s.last = t.Endpoint
	s.setAuthority(t.Endpoint)
	s.tries++
	s.flags |= t.Flags
	t.Sent = s.startedAt()
	lease := s.up.Attempts.Open(t)
	s.up.Guard.Open(&s.ticket, t.Endpoint, guard.Entry{
		Now: t.Sent, Flags: t.Flags, Replayable: s.repeatable(), Uploading: !s.whole, Usual: s.up.Usual,
	})
	stream, err := t.Endpoint.Transport.(pool).Get(s.dialing(), s.x.Conn().Number)
	if err != nil {
		v := s.notConnected(err)
		end := guard.End{Now: s.proxy.options.Now(), Outcome: v.outcome}
		lease.Close(end.Now, 0, v.outcome)
		v.taken = s.up.Guard.Close(&s.ticket, end) && !v.settled
		return v
	}
	a := attempt{state: s, stream: stream, lease: lease, ticket: &s.ticket}
	v := a.run()
	s.letGo()
	s.join()
	a.closeLease(v.outcome)
	end := guard.End{Now: a.ended(), Latency: a.latency, Outcome: v.outcome}
	v.taken = s.up.Guard.Close(a.ticket, end) && !v.settled
	s.latency = a.latency
	a.stream.Release()
	return v
}

// notConnected says what it means that there is no stream: the making of a
// connection also ends when nobody waits for it any more.
func (s *state) notConnected(err error) verdict {
	switch {
	case s.left():
		return verdict{settled: true, outcome: lb.Canceled}
	case s.ticket.Taken():
		return verdict{outcome: lb.Timeout, refusal: connectTimeout, err: err}
	}
	return connectFailed(err)
}

func connectFailed(err error) verdict {
	v := verdict{outcome: lb.Connect, refusal: unreachable, err: err, free: true}
	if local(err) { // another endpoint may have a connection that waits
		v.outcome, v.refusal = lb.Canceled, noDescriptors
		return v
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || isTimeout(err) {
		v.refusal = connectTimeout
	}
	return v
}

func local(err error) bool {
	e, ok := errors.AsType[*transport.Error](err)
	return ok && e.Local
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// attempt is one try on one stream.
type attempt struct {
	*state
	stream  transport.Stream
	lease   record.Lease
	ticket  *guard.Ticket
	latency time.Duration
	headAt  stats.Instant
}

func (a *attempt) run() verdict {
	if !a.hold(a.stream) {
		return a.unwanted(verdict{})
	}
	if err := a.send(); err != nil && !a.stream.Sent() {
		return a.failed(err)
	} // otherwise the endpoint may have answered before it closed
	head, err := a.awaitHeads()
	if err != nil {
		return a.failed(err)
	}
	if !a.ticket.Answered(a.headAt) {
		return a.unwanted(verdict{})
	}
	if a.up.LoadField != "" {
		a.noteLoad(head)
	}
	v := verdict{outcome: outcomeOf(head.Status)}
	if v.outcome == lb.Status5xx && a.up.Retry.coversStatus(head.Status) && a.again(v) {
		a.discardAnswer()
		v.again = true
		return v
	}
	if err := a.gather(head); err != nil {
		return a.failed(err)
	}
	v.settled = true
	if o := a.pass(head); o != lb.Success {
		v.outcome = o
	}
	return v
}

func outcomeOf(status int) lb.Outcome {
	switch {
	case status >= 500:
		return lb.Status5xx
	case status == 429:
		return lb.Pressure
	}
	return lb.Success
}

// send sends the request as far as it is at hand and leaves the rest to the
// helper.
func (a *attempt) send() error {
	a.stream.SetTimeout(a.startedAt(), a.headTimeout())
	if err := a.stream.WriteHead(&a.out); err != nil {
		return err
	}
	if len(a.first) > 0 {
		if err := a.stream.WriteBody(a.first); err != nil {
			return err
		}
	}
	if !a.whole {
		if err := a.stream.Flush(); err != nil { // before there are two who write
			return err
		}
		a.upload.started, a.upload.joined, a.upload.stream = true, false, a.stream
		go a.upload.run()
		return nil
	}
	return a.stream.Finish(nil)
}

// startedAt is when the attempt began. The first begins with the request, whose
// time is known already, unless it waited in the queue.
func (s *state) startedAt() stats.Instant {
	if s.tries == 1 && s.queued == 0 {
		return s.begun
	}
	return s.proxy.options.Now()
}

func (s *state) headTimeout() time.Duration {
	d := s.up.Timeouts.Head
	if t := s.route.Timeout; t > 0 {
		d = t
	}
	if t := s.up.Retry.PerTry; t > 0 && (d <= 0 || t < d) && s.repeatable() {
		d = t
	}
	return s.within(d)
}

// within shortens a timeout to what is left of the total.
func (s *state) within(d time.Duration) time.Duration {
	total := s.up.Timeouts.Total
	if total <= 0 {
		return d
	}
	left := max(total-s.proxy.options.Now().Sub(s.begun), time.Millisecond)
	if d <= 0 || left < d {
		return left
	}
	return d
}

// awaitHead passes interim answers on and returns the final head.
func (a *attempt) awaitHead() (*message.Head, error) {
	for range mostInterim {
		h, err := a.stream.ReadHead()
		if err != nil {
			return nil, err
		}
		if h.Status >= 200 || h.Framing == message.TunnelRaw {
			a.measure()
			return h, nil
		}
		if err := a.passInterim(h); err != nil {
			return nil, &transport.Error{Op: "head", Outcome: lb.Canceled, Err: err}
		}
	}
	return nil, &transport.Error{Op: "head", Outcome: lb.Malformed, Err: errTooManyInterim}
}

// measure takes the latency up to the head.
func (a *attempt) measure() {
	a.headAt = a.proxy.options.Now()
	a.latency = time.Nanosecond // an answer that came before its request was whole took no time
	if sent := a.stream.SentAt(); sent != 0 && a.headAt > sent {
		a.latency = a.headAt.Sub(sent)
	}
	a.waited += a.latency
}

// closeLease counts the attempt out. One that is canceled before its answer
// has waited since its request was sent.
func (a *attempt) closeLease(outcome lb.Outcome) {
	now := a.proxy.options.Now()
	if outcome == lb.Canceled && a.headAt == 0 {
		a.lease.Waited(waitedFor(a.stream, now))
	}
	a.lease.Out(now)
	if outcome == lb.Success { // the request ends with this attempt: one reading of the clock for both
		a.over = now
	}
	a.lease.Close(a.ended(), a.latency, outcome)
}

// waitedFor is how long an answer was waited for that did not come; 0 where
// the request was not sent whole.
func waitedFor(stream transport.Stream, now stats.Instant) time.Duration {
	if stream == nil || stream.SentAt() == 0 {
		return 0
	}
	return max(now.Sub(stream.SentAt()), 0)
}

func (a *attempt) ended() stats.Instant {
	if a.headAt != 0 {
		return a.headAt
	}
	return a.proxy.options.Now()
}

// failed says what an error before the answer's head means.
func (a *attempt) failed(err error) verdict {
	a.letGo() // the client leaving changes nothing any more
	v := verdict{err: err, outcome: lb.Reset, refusal: endpointReset}
	if e, ok := errors.AsType[*transport.Error](err); ok {
		v.outcome = e.Outcome
	}
	if v.outcome == lb.Connect || local(err) {
		return connectFailed(err)
	}
	switch v.outcome {
	case lb.Timeout:
		v.refusal = endpointTimeout
	case lb.Malformed:
		v.refusal = badAnswer
	case lb.Cut:
		v.refusal = answerCut
	case lb.Canceled:
		return a.unwanted(v)
	case lb.Reset:
		v.free = !a.stream.Sent()
	}
	return v
}

// unwanted ends an attempt that was canceled. Either the guard took it back,
// since its endpoint hangs, or it ended because of the client: it left, or the
// body that it sent was no good.
func (a *attempt) unwanted(v verdict) verdict {
	a.join()
	if a.ticket.Taken() && !a.left() {
		v.outcome, v.refusal = lb.Timeout, endpointTimeout
		return v
	}
	v.settled, v.outcome = true, lb.Canceled
	if a.upload.broken != nil && !a.left() {
		a.answer(asRefusal(a.upload.broken))
	}
	return v
}

// discardAnswer reads what is at hand of an answer that is not passed on, so
// that its connection can be kept.
func (a *attempt) discardAnswer() {
	for a.stream.Buffered() {
		if _, err := a.stream.ReadBody(); err != nil {
			return
		}
	}
}

// idleTimeout bounds the wait for the endpoint after the client sent more.
func (s *state) idleTimeout() time.Duration {
	if s.out.Upgrade != nil {
		return s.up.Timeouts.TunnelIdle
	}
	d := s.up.Timeouts.Head
	if t := s.route.Timeout; t > 0 {
		d = t
	}
	return s.within(d)
}
