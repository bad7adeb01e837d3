package proxy

import (
	"errors"
	"io"
	"slices"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
)

// What the proxy refuses.
var (
	noConfiguration = &message.Refusal{Status: 503, Word: "starting", Text: "no configuration is loaded yet"}
	methodRefused   = &message.Refusal{Status: 405, Word: "method-not-allowed", Text: "CONNECT and TRACE are not served"}
	noRoute         = &message.Refusal{Status: 404, Word: "no-route", Text: "no route matches this request"}
	noEndpoint      = &message.Refusal{Status: 503, Word: "no-endpoint", Text: "no endpoint can take this request now"}
	unreachable     = &message.Refusal{Status: 502, Word: "endpoint-unreachable", Text: "no connection to the endpoint could be made"}
	connectTimeout  = &message.Refusal{Status: 504, Word: "connect-timeout", Text: "the endpoint did not accept a connection in time"}
	endpointReset   = &message.Refusal{Status: 502, Word: "endpoint-reset", Text: "the endpoint closed the connection without an answer"}
	endpointTimeout = &message.Refusal{Status: 504, Word: "endpoint-timeout", Text: "the endpoint did not answer in time"}
	badAnswer       = &message.Refusal{Status: 502, Word: "bad-answer", Text: "the endpoint's answer is not valid HTTP"}
)

// serve finds out where the request goes and sends it there.
func (s *state) serve() {
	table := s.books.table
	switch {
	case table == nil:
		s.answer(noConfiguration)
		return
	case refusedMethod(s.in.Method):
		s.answer(methodRefused)
		return
	}
	match, refusal := table.Routes.Match(s.in, &s.scratch)
	switch {
	case refusal != nil:
		s.answer(refusal)
		return
	case match == nil:
		s.answer(noRoute)
		return
	}
	s.route = match
	if match.Redirects() {
		s.traffic = s.books.routes[match.Index]
		s.redirect()
		return
	}
	target := match.Choose(&s.dice)
	s.up = table.Targets[match.Index][target]
	s.traffic = s.books.targets[match.Index][target]
	s.forward()
}

// forward makes attempts until one settles the request.
func (s *state) forward() {
	s.up.Budget.Request()
	s.prepare()
	if refusal := s.takeFirst(); refusal != nil {
		s.answer(refusal)
		return
	}
	failure := noEndpoint
	for {
		terms, err := s.pick()
		if err != nil {
			s.answer(failure)
			return
		}
		v := s.attempt(terms)
		if v.settled || s.left() {
			return
		}
		failure, s.detail = v.refusal, v.err
		if !v.again && !s.again(v) {
			s.answer(failure)
			return
		}
		if s.triedN < mostTried {
			s.tried[s.triedN] = terms.Endpoint
			s.triedN++
		}
	}
}

// takeFirst reads what is at hand of the body without waiting. A small body
// has usually come with its head; it can then be sent in one write, and sent
// again.
func (s *state) takeFirst() *message.Refusal {
	if s.in.Framing == message.NoBody || s.in.Framing == message.Length && s.in.Length == 0 {
		s.whole = true
		return nil
	}
	if !s.x.Buffered() {
		return nil
	}
	p, err := s.x.ReadBody()
	if err != nil && !errors.Is(err, io.EOF) {
		return asRefusal(err)
	}
	s.first = p
	s.upload.bytes = int64(len(p))
	s.whole = s.in.Framing == message.Length && int64(len(p)) == s.in.Length
	return nil
}

// asRefusal is what a client is told whose body could not be read.
func asRefusal(err error) *message.Refusal {
	if r, ok := errors.AsType[*message.Refusal](err); ok {
		return r
	}
	return &message.Refusal{Status: 400, Word: "body-cut", Text: "the body of the request broke off"}
}

// pick chooses the endpoint of the next attempt.
func (s *state) pick() (record.Terms, error) {
	snapshot := s.up.Cluster.Snapshot()
	terms := record.Terms{Attempt: s.tries + 1, Route: s.route.Index}
	if s.tries > 0 {
		terms.Flags |= lb.Retry
	}
	if s.up.Sticky != nil && s.triedN == 0 {
		if e := s.stuckTo(snapshot); e != nil {
			terms.Endpoint = e
			terms.Flags |= lb.Sticky
			return terms, nil
		}
	}
	info := balance.PickInfo{Now: s.begun, Dice: &s.dice, Exclude: s.tried[:s.triedN]}
	if s.up.Key != nil {
		info.Key, info.HasKey = s.up.Key.Hash(s.in, s.x.Conn().RemoteText)
	}
	e, err := snapshot.Picker.Pick(info)
	terms.Endpoint = e
	s.newCookie = e
	return terms, err
}

// again decides whether a failed attempt is followed by another.
func (s *state) again(v verdict) bool {
	if v.free {
		s.resent++
		return s.resent < mostTried/2
	}
	retry := &s.up.Retry
	if s.retries >= retry.Most || !s.replayable() || !retry.covers(v.outcome) {
		return false
	}
	if !s.up.Budget.Spend(s.proxy.options.Now()) {
		s.up.Attempts.BudgetExhausted.Add(1)
		return false
	}
	s.up.Attempts.Retries[v.outcome].Add(1)
	s.retries++
	return true
}

// replayable reports whether the request may and can be sent once more.
func (s *state) replayable() bool { return s.whole && !s.answered && idempotent(s.in.Method) }

// covers reports whether the configuration names an outcome.
func (r *Retry) covers(o lb.Outcome) bool {
	switch o {
	case lb.Connect:
		return r.Connect
	case lb.Reset:
		return r.Reset
	case lb.Status5xx:
		return true // the status was looked at before
	}
	return false
}

func (r *Retry) coversStatus(status int) bool {
	return slices.Contains(r.Statuses, status)
}
