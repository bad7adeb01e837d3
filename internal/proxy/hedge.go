package proxy

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"poise/internal/balance"
	"poise/internal/guard"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/stats"
	"poise/internal/transport"
)

// hedge is a second attempt that begins while the first has no answer yet. A
// timer starts a goroutine for it, and the owner of the exchange waits for
// that before it goes on: only a request that waits longer than nearly all
// others pays for one.
//
// Who has a good head first takes race, and the other attempt is canceled. The
// goroutine only fetches a head; the owner carries on with its stream. While
// it runs the owner waits as well, so that what both read stands still.
type hedge struct {
	timer *time.Timer
	done  chan struct{}
	dice  stats.Dice
	race  atomic.Int32

	ticket guard.Ticket
	ended  lb.Outcome // of a hedge that did not win
	lease  record.Lease
	to     *lb.Endpoint
	out    message.Head
	head   *message.Head
	headAt stats.Instant

	stream transport.Stream   // under state.mu while the race is open
	cancel context.CancelFunc // likewise: ends the making of a connection
}

// The outcomes of a race.
const (
	raceOpen int32 = iota
	firstWon
	hedgeWon
)

// hedgeAfter returns when a hedge of this attempt is sent, false for never: it
// must do no harm twice, and be a first attempt that the policy has placed.
func (a *attempt) hedgeAfter() (time.Duration, bool) {
	after, on := a.up.Guard.HedgeAfter()
	return after, on && a.tries == 1 && a.whole && a.flags&(lb.Trial|lb.Sticky) == 0 && idempotent(a.in.Method)
}

// arm starts the time after which a hedge is sent.
func (s *state) arm(after time.Duration) *hedge {
	h := s.hedge
	if h == nil {
		h = &hedge{done: make(chan struct{}, 1), dice: stats.NewDice(s.proxy.options.Seed())}
		s.mu.Lock()
		s.hedge = h
		s.mu.Unlock()
	}
	h.race.Store(raceOpen)
	h.to, h.head, h.headAt, h.ended = nil, nil, 0, lb.Canceled
	if h.timer == nil {
		h.timer = time.AfterFunc(after, func() { s.runHedge(); h.done <- struct{}{} })
	} else {
		h.timer.Reset(after)
	}
	return h
}

// awaitHeads waits for the heads of one attempt or of two. It returns the head
// to go on with; when the hedge won, the attempt is that one from then on.
func (a *attempt) awaitHeads() (*message.Head, error) {
	after, on := a.hedgeAfter()
	if !on {
		return a.awaitHead()
	}
	h := a.arm(after)
	head, err := a.awaitHead()
	if err == nil && !(head.Status >= 500 && a.up.Retry.coversStatus(head.Status)) {
		h.race.CompareAndSwap(raceOpen, firstWon)
	}
	if !h.timer.Stop() {
		if h.race.Load() == firstWon {
			a.mu.Lock()
			h.abort()
			a.mu.Unlock()
		}
		<-h.done
		if h.to != nil {
			a.tries++
			a.flags |= lb.Hedge
			if h.ended.Failed() {
				a.exclude(h.to)
			}
		}
	}
	if h.race.Load() == hedgeWon {
		a.adopt(h, head, err)
		return h.head, nil
	}
	return head, err
}

// runHedge makes the second attempt, on a goroutine of its own.
func (s *state) runHedge() {
	h := s.hedge
	if h.race.Load() != raceOpen || !s.beginHedge() {
		return
	}
	outcome, won := s.fetch()
	if won {
		return
	}
	h.ended = outcome
	end := guard.End{Now: s.proxy.options.Now(), Outcome: outcome}
	if h.headAt != 0 {
		end.Latency = h.latency()
	} else if outcome == lb.Canceled {
		h.lease.Waited(waitedFor(h.stream, end.Now))
	}
	h.lease.Close(end.Now, end.Latency, outcome)
	s.up.Guard.Close(&h.ticket, end)
	what := record.HedgeFailed
	if outcome == lb.Canceled || h.race.Load() == firstWon {
		what = record.HedgeLost
	}
	s.up.Attempts.Hedges[what].Add(1)
	s.mu.Lock()
	stream := h.stream
	h.stream, h.cancel = nil, nil
	s.mu.Unlock()
	if stream != nil {
		stream.Release()
	}
}

// beginHedge finds another endpoint and counts the attempt in.
func (s *state) beginHedge() bool {
	h, now := s.hedge, s.proxy.options.Now()
	var tried [mostTried]*lb.Endpoint
	tried[0] = s.last
	info := balance.PickInfo{Now: now, Dice: &h.dice, Exclude: tried[:1], Idempotent: true}
	if s.up.Key != nil {
		info.Key, info.HasKey = s.up.Key.Hash(s.in, s.x.Conn().RemoteText)
	}
	e, _, err := s.up.Guard.Pick(s.up.Cluster.Snapshot().Picker, info, guard.Want{Retry: true})
	if err != nil {
		return false
	}
	if !s.up.Guard.Budget().SpendHedge(now) {
		s.up.Attempts.HedgesRefused.Add(1)
		return false
	}
	h.to, h.out = e, s.out
	h.out.Authority = s.authorityOf(e, func(address string) []byte { return []byte(address) })
	terms := record.Terms{Endpoint: e, Attempt: 2, Flags: lb.Hedge, Route: s.route.Index, Sent: now, Key: info.Key}
	if info.HasKey {
		terms.Flags |= lb.Keyed
	}
	h.lease = s.up.Attempts.Open(terms)
	s.up.Guard.Open(&h.ticket, e, guard.Entry{Now: now, Flags: lb.Hedge})
	return true
}

// fetch sends the request and waits for a good head. It reports how the
// attempt ended when it did not win.
func (s *state) fetch() (outcome lb.Outcome, won bool) {
	h := s.hedge
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if !s.holdHedge(nil, cancel) {
		return lb.Canceled, false
	}
	stream, err := h.to.Transport.(pool).Get(ctx, s.x.Conn().Number)
	switch {
	case err != nil && ctx.Err() != nil:
		return lb.Canceled, false
	case err != nil:
		return lb.Connect, false
	case !s.holdHedge(stream, nil):
		return lb.Canceled, false
	}
	if err := s.askHedge(); err != nil {
		outcome = lb.Reset
		if e, ok := errors.AsType[*transport.Error](err); ok {
			outcome = e.Outcome
		}
		return outcome, false
	}
	h.ticket.Answered(h.headAt)
	if outcome = outcomeOf(h.head.Status); outcome == lb.Status5xx || !h.race.CompareAndSwap(raceOpen, hedgeWon) {
		return outcome, false // of the two attempts one that failed may still be bettered
	}
	s.mu.Lock()
	if s.stream != nil {
		s.stream.Cancel()
	}
	s.mu.Unlock()
	return outcome, true
}

// askHedge sends the request whole and reads the final head. Interim answers
// are the first attempt's to pass on.
func (s *state) askHedge() error {
	h := s.hedge
	stream := h.stream
	stream.SetTimeout(s.proxy.options.Now(), s.headTimeout())
	if err := stream.WriteHead(&h.out); err != nil {
		return err
	}
	if len(s.first) > 0 {
		if err := stream.WriteBody(s.first); err != nil {
			return err
		}
	}
	if err := stream.Finish(nil); err != nil {
		return err
	}
	for range mostInterim {
		head, err := stream.ReadHead()
		if err != nil {
			return err
		}
		if head.Status >= 200 || head.Framing == message.TunnelRaw {
			h.head, h.headAt = head, s.proxy.options.Now()
			return nil
		}
	}
	return errTooManyInterim
}

// holdHedge makes the stream, or the making of one, what abort ends. It
// reports whether anybody still waits for it.
func (s *state) holdHedge(stream transport.Stream, cancel context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hedge.stream, s.hedge.cancel = stream, cancel
	return s.hedge.race.Load() == raceOpen && !s.canceled.Load()
}

// abort ends whatever the goroutine waits for. The caller holds the state's
// lock.
func (h *hedge) abort() {
	if h.cancel != nil {
		h.cancel()
	}
	if h.stream != nil {
		h.stream.Cancel()
	}
}

func (h *hedge) latency() time.Duration {
	if sent := h.stream.SentAt(); sent != 0 && h.headAt > sent {
		return h.headAt.Sub(sent)
	}
	return time.Nanosecond
}

// adopt ends the first attempt and goes on with the hedge.
func (a *attempt) adopt(h *hedge, head *message.Head, err error) {
	outcome := lb.Canceled
	if e, ok := errors.AsType[*transport.Error](err); ok {
		outcome = e.Outcome
	} else if err == nil && head.Status >= 500 {
		outcome = outcomeOf(head.Status)
	}
	first, end := a.stream, guard.End{Now: a.ended(), Outcome: outcome}
	if outcome == lb.Canceled {
		a.lease.Waited(waitedFor(first, end.Now))
	}
	a.lease.Close(end.Now, 0, outcome)
	a.up.Guard.Close(&a.state.ticket, end)
	if outcome.Failed() {
		a.exclude(a.last)
	}
	a.mu.Lock()
	a.state.stream, a.stream, h.stream = h.stream, h.stream, nil
	a.mu.Unlock()
	first.Release()
	a.lease, a.ticket = h.lease, &h.ticket
	a.last, a.newCookie = h.to, h.to
	a.up.Attempts.Hedges[record.HedgeWon].Add(1)
	a.headAt, a.latency = h.headAt, time.Nanosecond
	if sent := a.stream.SentAt(); sent != 0 && h.headAt > sent {
		a.latency = h.headAt.Sub(sent)
	}
	a.waited += h.headAt.Sub(a.begun)
}
