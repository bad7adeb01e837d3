package proxy

import (
	"errors"
	"io"

	"poise/internal/balance"
	"poise/internal/guard"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/stats"
)

// What the proxy refuses.
var (
	noConfiguration = &message.Refusal{Status: 503, Word: "starting", Text: "no configuration is loaded yet"}
	methodRefused   = &message.Refusal{Status: 405, Word: "method-not-allowed", Text: "CONNECT and TRACE are not served"}
	noRoute         = &message.Refusal{Status: 404, Word: "no-route", Text: "no route matches this request"}
	noEndpoint      = &message.Refusal{Status: 503, Word: "no-endpoint", Text: "no endpoint can take this request now"}
	unreachable     = &message.Refusal{Status: 502, Word: "endpoint-unreachable", Text: "no connection to the endpoint could be made"}
	connectTimeout  = &message.Refusal{Status: 504, Word: "connect-timeout", Text: "the endpoint did not accept a connection in time"}
	noDescriptors   = &message.Refusal{Status: 503, Word: "no-descriptors", Text: "this balancer has no descriptors left for a connection to an endpoint"}
	endpointReset   = &message.Refusal{Status: 502, Word: "endpoint-reset", Text: "the endpoint closed the connection without an answer"}
	endpointTimeout = &message.Refusal{Status: 504, Word: "endpoint-timeout", Text: "the endpoint did not answer in time"}
	answerCut       = &message.Refusal{Status: 502, Word: "answer-cut", Text: "the endpoint's answer broke off"}
	tooMany         = &message.Refusal{Status: 429, Word: "rate", Text: "too many requests; come back later"}
	overloaded      = &message.Refusal{Status: 503, Word: "overloaded", Text: "every endpoint has as much to do as it may"}
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
	var refusal *message.Refusal
	if s.hops, refusal = hopsLeft(s.in); refusal != nil {
		s.answer(refusal)
		return
	}
	if s.hops == 0 {
		s.answerOptions()
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
	if !s.mayCome() {
		s.answer(tooMany)
		return
	}
	s.up.Guard.Request()
	s.prepare()
	if refusal := s.takeFirst(); refusal != nil {
		s.answer(refusal)
		return
	}
	terms, refusal := s.firstPick()
	for refusal == nil {
		v := s.attempt(terms)
		if v.settled || s.left() {
			return
		}
		s.detail = v.err
		if !v.again && !s.again(v) {
			refusal = v.refusal
		} else if !s.pause() {
			return
		}
		terms = s.next
	}
	if !s.left() {
		s.answer(refusal)
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

// firstPick chooses the endpoint of the first attempt, and waits for room when
// there is none.
func (s *state) firstPick() (record.Terms, *message.Refusal) {
	terms, err := s.pick(s.begun)
	switch {
	case err == nil:
		return terms, nil
	case errors.Is(err, guard.ErrSaturated):
		return s.queue()
	}
	return terms, noEndpoint
}

// pick chooses the endpoint of the next attempt.
func (s *state) pick(now stats.Instant) (record.Terms, error) {
	snapshot := s.up.Cluster.Snapshot()
	terms := record.Terms{Attempt: s.tries + 1, Route: s.route.Index}
	want := guard.Want{Replayable: s.repeatable(), Retry: s.tries > 0}
	if want.Retry {
		terms.Flags |= lb.Retry
	}
	info := balance.PickInfo{Now: now, Dice: &s.dice, Exclude: s.tried[:s.triedN], Idempotent: idempotent(s.in.Method)}
	if s.up.Key != nil {
		info.Key, info.HasKey = s.up.Key.Hash(s.in, s.x.Conn().RemoteText)
	}
	if info.HasKey {
		terms.Key = info.Key
		terms.Flags |= lb.Keyed
	}
	if s.up.Sticky != nil && s.triedN == 0 {
		if e := s.stuckTo(snapshot); e != nil && !guard.Full(e) {
			terms.Endpoint = e
			terms.Flags |= lb.Sticky
			return terms, nil
		}
	}
	e, flags, err := s.up.Guard.Pick(snapshot.Picker, info, want)
	terms.Endpoint = e
	terms.Flags |= flags
	s.newCookie = nil
	if flags&lb.Trial == 0 { // a client is not kept where only one request goes
		s.newCookie = e
	}
	return terms, err
}

// exclude keeps the next attempts of this request away from an endpoint.
func (s *state) exclude(e *lb.Endpoint) {
	if s.triedN < mostTried {
		s.tried[s.triedN] = e
		s.triedN++
	}
}
