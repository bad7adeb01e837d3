package proxy

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/guard"
	"poise/internal/guard/admit"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/route"
	"poise/internal/stats"
	"poise/internal/transport"
)

// mostTried bounds how many endpoints one request may try.
const mostTried = 8

// state is one exchange under way. It is used again for the next, so that an
// exchange allocates nothing.
type state struct {
	proxy *Proxy
	dice  stats.Dice

	handler *handler
	x       message.Exchange
	in      *message.Head // the client's request
	out     message.Head  // the request as endpoints get it
	ans     message.Head  // the answer as the client gets it
	text    []byte        // memory of field values made here
	scratch route.Scratch

	route   *route.Route
	books   *books
	traffic *record.Traffic
	up      *Upstream

	tried     [mostTried]*lb.Endpoint
	triedN    int
	retries   int
	resent    int           // attempts made again of which no endpoint saw anything
	backoff   time.Duration // before the next attempt
	next      record.Terms  // of the next attempt, once it is decided that there is one
	newCookie *lb.Endpoint

	why       bool   // a trusted peer asks why the request goes where it goes
	explained []byte // what it is told; nil for nothing

	hops  int64  // Max-Forwards as it came; -1 when it does not count
	first []byte // of the body, in hand before anything was sent
	whole bool   // first is all of the body

	upload   upload
	answered bool
	status   int
	fault    string // word of what Poise answered by itself
	detail   error

	begun   stats.Instant
	over    stats.Instant // the client has its answer; 0 while it does not
	waited  time.Duration // for endpoints
	latency time.Duration
	gotBody int64 // bytes of the answer's body
	last    *lb.Endpoint
	tries   int
	flags   lb.Flags       // of all attempts
	line    record.Request // here, since whoever logs it is not known

	waiter     admit.Waiter
	wake       chan admit.Verdict // what the waiter is told
	queued     time.Duration      // in the queue
	retryAfter time.Duration      // that a client which came too often is told

	ticket   guard.Ticket // of the attempt under way
	hedge    *hedge       // nil until the first one is armed; set under mu
	gone     chan struct{}
	mu       sync.Mutex
	stream   transport.Stream // that Cancel cancels; under mu
	dial     context.Context  // ends the making of a connection; used again until undial was called
	undial   context.CancelFunc
	canceled atomic.Bool
}

func newState(p *Proxy) *state {
	s := &state{proxy: p, dice: stats.NewDice(p.options.Seed())}
	s.upload.done = make(chan struct{}, 1)
	s.upload.run = s.sendBody
	s.wake, s.gone = make(chan admit.Verdict, 1), make(chan struct{}, 1)
	s.waiter.Wake = func(v admit.Verdict) { s.wake <- v }
	s.ticket.Take = s.takeBack
	s.dial, s.undial = context.WithCancel(context.Background())
	return s
}

// dialing is the context in which a connection is made.
func (s *state) dialing() context.Context {
	if s.dial.Err() != nil { // an attempt before this one was given up
		s.mu.Lock()
		if !s.canceled.Load() {
			s.dial, s.undial = context.WithCancel(context.Background())
		}
		s.mu.Unlock()
	}
	return s.dial
}

func (s *state) begin(h *handler, x message.Exchange) {
	s.handler, s.x, s.in = h, x, x.Head()
	s.begun = s.proxy.options.Now()
	t := s.proxy.table.Load()
	s.books = h.booksOf(t)
	s.traffic = s.books.unknown
	s.text = s.text[:0]
	s.out.Fields = s.out.Fields[:0] // a request that is refused has no id; the one before it had
	s.route, s.up, s.last, s.newCookie = nil, nil, nil, nil
	s.triedN, s.retries, s.resent, s.tries = 0, 0, 0, 0
	s.first, s.whole = nil, false
	s.why, s.explained = false, nil
	s.answered, s.status, s.fault, s.detail = false, 0, "", nil
	s.over, s.waited, s.latency, s.gotBody = 0, 0, 0, 0
	s.flags, s.backoff, s.queued, s.retryAfter = 0, 0, 0, 0
	u := &s.upload
	u.started, u.joined, u.bytes, u.broken = false, false, 0, nil
	if u.ended.Load() { // a store is a locked instruction, a look is not
		u.ended.Store(false)
	}
	s.stream = nil // nobody watches yet: no lock
	if s.canceled.Load() {
		s.canceled.Store(false)
		select {
		case <-s.gone:
		default:
		}
	}
}

// Cancel implements message.Canceler: the client has left.
func (s *state) Cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canceled.Store(true)
	s.giveUp()
	if s.hedge != nil {
		s.hedge.abort()
	}
	select {
	case s.gone <- struct{}{}:
	default:
	}
}

// takeBack ends an attempt that the guard took back.
func (s *state) takeBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ticket.Taken() {
		s.giveUp()
	}
}

// giveUp ends what the owner waits for, be it an answer or a connection. The
// caller holds the lock.
func (s *state) giveUp() {
	if s.stream != nil {
		s.stream.Cancel()
		return
	}
	s.undial()
}

// hold makes a stream the one that is canceled. It reports whether anybody
// still waits for what it brings.
func (s *state) hold(stream transport.Stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = stream
	return !s.canceled.Load() && !s.ticket.Taken()
}

// letGo makes sure that Cancel no longer touches the stream.
func (s *state) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = nil
}

func (s *state) left() bool { return s.canceled.Load() }

// statusClientLeft is what the log and the metrics say of a request whose
// client left before the answer; nginx made the number known.
const statusClientLeft = 499

// end counts the request and writes its line.
func (s *state) end() {
	if s.status == 0 {
		s.status, s.fault = statusClientLeft, "client-left"
	}
	if s.over == 0 {
		s.over = s.proxy.options.Now()
	}
	r := &s.line
	*r = record.Request{
		Listener: s.handler.listener, Status: s.status, Error: s.fault,
		Duration:      s.over.Sub(s.begun),
		Latency:       s.latency,
		RequestBytes:  s.upload.bytes,
		ResponseBytes: s.gotBody,
		Attempts:      s.tries,
		Flags:         s.flags,
		Queued:        s.queued,
	}
	if s.up != nil {
		r.Cluster = s.up.Name
	}
	if !s.upload.started && s.last != nil {
		r.Overhead = r.Duration - s.waited
	}
	s.traffic.Count(r)
	if access := s.proxy.access.Load(); access != nil {
		s.describe(r)
		(*access).Log(r)
	}
	if s.fault != "" && s.status >= 500 {
		s.proxy.mishaps.report(s)
	}
}

// describe adds what only the access log wants to know.
func (s *state) describe(r *record.Request) {
	c := s.x.Conn()
	r.Remote, r.Method, r.Host, r.Path = c.RemoteText, s.in.Method, s.in.Authority, s.in.Path
	r.Proto = protocolName(s.in)
	r.Route, r.ID = s.traffic.Key.Route, s.out.Get(message.XRequestID)
	for i := range s.in.Fields {
		switch f := &s.in.Fields[i]; {
		case message.EqualFold(f.Name, "user-agent"):
			r.UserAgent = f.Value
		case message.EqualFold(f.Name, "referer"):
			r.Referer = f.Value
		}
	}
	if s.last != nil {
		r.Endpoint = s.last.Address
	}
	if s.detail != nil {
		r.Detail = s.detail.Error()
	}
}

func protocolName(h *message.Head) string {
	switch {
	case h.Major == 2:
		return "HTTP/2"
	case h.Major == 1 && h.Minor == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// intern keeps text made here until the exchange is over.
func (s *state) intern(write func([]byte) []byte) []byte {
	start := len(s.text)
	s.text = write(s.text)
	return s.text[start:len(s.text):len(s.text)]
}

var (
	methodConnect = []byte("CONNECT")
	methodTrace   = []byte("TRACE")
	methodHead    = []byte("HEAD")
)

// idempotent methods may be sent again after an endpoint saw them (RFC 9110
// section 9.2.2).
func idempotent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}

func refusedMethod(method []byte) bool {
	return bytes.Equal(method, methodConnect) || bytes.Equal(method, methodTrace)
}
