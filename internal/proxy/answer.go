package proxy

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"

	"poise/internal/buffer"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/transport"
)

// pass hands the answer of an endpoint on to the client, piece by piece as it
// comes. It returns lb.Success when it went through whole.
func (a *attempt) pass(h *message.Head) lb.Outcome {
	between := a.up.Timeouts.Between
	if h.Framing == message.TunnelRaw {
		between = a.up.Timeouts.TunnelIdle
		a.streaming()
	} else if isEventStream(h) {
		a.streaming()
	}
	a.buildAnswer(h)
	a.answered, a.status = true, h.Status
	a.clientsTurn(a.stream)
	if err := a.x.WriteHead(&a.ans); err != nil {
		return a.clientGone(err)
	}
	if h.Framing == message.TunnelRaw {
		a.openTunnel()
	}
	for {
		p, err := a.nextPiece(between)
		if err == io.EOF {
			return a.complete(h.Framing)
		}
		if err != nil {
			return a.broken(err)
		}
		a.gotBody += int64(len(p))
		if err := a.x.WriteBody(p); err != nil {
			return a.clientGone(err)
		}
	}
}

// mostGathered is the longest answer that is passed on only when it is whole,
// so that one that breaks off can still be asked for elsewhere.
const mostGathered = buffer.Large

// gather waits for the rest of an answer that is small.
func (a *attempt) gather(h *message.Head) error {
	if h.Framing != message.Length || h.Length > mostGathered || a.stream.Whole() {
		return nil
	}
	began := a.proxy.options.Now()
	a.stream.SetTimeout(began, a.within(a.up.Timeouts.Between))
	err := a.stream.Gather()
	waited := a.proxy.options.Now().Sub(began)
	a.waited += waited
	a.latency += waited
	return err
}

func (a *attempt) streaming() {
	a.lease.Flag(lb.Streaming)
	a.flags |= lb.Streaming
}

func isEventStream(h *message.Head) bool {
	for i := range h.Fields {
		f := &h.Fields[i]
		if len(f.Name) == len("content-type") && message.EqualFold(f.Name, "content-type") {
			return bytes.HasPrefix(f.Value, []byte("text/event-stream"))
		}
	}
	return false
}

// nextPiece returns more of the answer's body. Before it waits, the client
// gets what there is; the wait is the endpoint's time.
func (a *attempt) nextPiece(between time.Duration) ([]byte, error) {
	if a.stream.Buffered() {
		return a.stream.ReadBody()
	}
	if err := a.x.Flush(); err != nil {
		return nil, &clientError{err}
	}
	began := a.proxy.options.Now()
	a.stream.SetTimeout(began, a.within(between))
	p, err := a.stream.ReadBody()
	a.clientsTurn(a.stream)
	waited := a.proxy.options.Now().Sub(began)
	a.waited += waited
	a.latency += waited
	return p, err
}

// clientError marks an error of the client's side.
type clientError struct{ error }

// complete ends an answer that came whole.
func (a *attempt) complete(framing message.Framing) lb.Outcome {
	if err := a.x.Finish(a.stream.Trailers()); err != nil {
		return a.clientGone(err)
	}
	if framing == message.TunnelRaw {
		a.closeTunnel()
	}
	return lb.Success
}

// broken ends an answer that broke off: the client must see that it did.
func (a *attempt) broken(err error) lb.Outcome {
	if c, ok := errors.AsType[*clientError](err); ok {
		return a.clientGone(c.error)
	}
	a.x.Abort()
	outcome := lb.Cut
	if e, ok := errors.AsType[*transport.Error](err); ok {
		outcome = e.Outcome
	}
	if outcome != lb.Canceled {
		a.fault, a.detail = "answer-cut", err
	}
	return outcome
}

// clientGone ends an exchange whose client takes no more.
func (a *attempt) clientGone(err error) lb.Outcome {
	a.x.Abort()
	a.fault, a.detail = "client-left", err
	return lb.Canceled
}

// openTunnel starts the direction from the client to the endpoint.
func (a *attempt) openTunnel() {
	a.join()
	a.upload.started, a.upload.joined, a.upload.stream = true, false, a.stream
	go a.upload.run()
}

// closeTunnel lets the client's direction end by itself for a while after the
// endpoint's has.
func (a *attempt) closeTunnel() {
	x := a.x // not a: it would leave the stack, for every request
	grace := time.AfterFunc(a.up.Timeouts.Between, func() { x.StopReading() })
	defer grace.Stop()
	<-a.upload.done
	a.upload.joined = true
}

// buildAnswer makes the answer's head as the client gets it.
func (a *attempt) buildAnswer(h *message.Head) {
	ans := &a.ans
	fields := ans.Fields[:0]
	*ans = *h
	dated := false
	for i := range h.Fields {
		dated = dated || h.Fields[i].ID == message.Date
		fields = append(fields, h.Fields[i])
	}
	fields = a.route.ChangeResponse(fields)
	if !dated {
		fields = append(fields, a.proxy.dateField(a.headAt))
	}
	if a.up.Sticky != nil && a.newCookie != nil {
		fields = append(fields, a.cookieField())
	}
	ans.Fields = a.explanation(fields)
	if h.Framing == message.TunnelRaw {
		ans.Upgrade = h.Upgrade
	}
}

// passInterim passes a 1xx answer on.
func (a *attempt) passInterim(h *message.Head) error {
	a.ans.Reset()
	a.ans.Status, a.ans.Reason = h.Status, h.Reason
	a.ans.Fields = append(a.ans.Fields, h.Fields...)
	if err := a.x.WriteHead(&a.ans); err != nil {
		return err
	}
	return a.x.Flush()
}

var (
	nameAllow       = []byte("Allow")
	nameContentType = []byte("Content-Type")
	nameLocation    = []byte("Location")
	namePoiseError  = []byte("Poise-Error")
	nameRetryAfter  = []byte("Retry-After")
	plainText       = []byte("text/plain; charset=utf-8")
	allowed         = []byte("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
)

// answer answers in place of an endpoint.
func (s *state) answer(r *message.Refusal) {
	s.fault = r.Word
	s.beginAnswer(r.Status)
	s.add(namePoiseError, []byte(r.Word))
	s.add(nameContentType, plainText)
	switch r.Status {
	case 405:
		s.add(nameAllow, allowed)
	case 429, 503:
		s.add(nameRetryAfter, s.intern(func(b []byte) []byte { return strconv.AppendInt(b, int64(s.retrySeconds()), 10) }))
	}
	s.finish([]byte(r.Text + "\n"))
}

// redirect sends the client to where the route says.
func (s *state) redirect() {
	s.beginAnswer(s.route.Redirect.Status)
	s.add(nameLocation, s.intern(func(b []byte) []byte { return s.route.AppendLocation(b, s.in) }))
	s.finish(nil)
}

// beginAnswer begins an answer that is made here.
func (s *state) beginAnswer(status int) {
	s.answered, s.status = true, status
	for range 64 { // what is at hand of a body that nobody wants, so that the connection can go on
		if !s.x.Buffered() {
			break
		}
		if _, err := s.x.ReadBody(); err != nil {
			break
		}
	}
	s.ans.Reset()
	s.ans.Status = status
	s.ans.Fields = append(s.ans.Fields, s.proxy.dateField(s.begun))
}

func (s *state) add(name, value []byte) {
	s.ans.Fields = append(s.ans.Fields, message.Field{Name: name, Value: value})
}

func (s *state) finish(body []byte) {
	s.ans.Framing, s.ans.Length = message.Length, int64(len(body))
	if bytes.Equal(s.in.Method, methodHead) {
		s.ans.Framing, body = message.NoBody, nil
	}
	if s.x.WriteHead(&s.ans) != nil || s.x.WriteBody(body) != nil || s.x.Finish(nil) != nil {
		s.x.Abort()
	}
	s.gotBody = int64(len(body))
}

// cookieField is the sticky cookie for the endpoint that was picked.
func (s *state) cookieField() message.Field {
	value := s.intern(func(b []byte) []byte {
		b = append(b, s.up.Sticky.Cookie...)
		b = append(b, '=')
		b = appendHex(b, s.newCookie.Hash)
		b = append(b, "; Path=/; HttpOnly; SameSite=Lax"...)
		if ttl := s.up.Sticky.TTL; ttl > 0 {
			b = append(b, "; Max-Age="...)
			b = strconv.AppendInt(b, int64(ttl/time.Second), 10)
		}
		if string(s.out.Scheme) == "https" {
			b = append(b, "; Secure"...)
		}
		return b
	})
	return message.Field{Name: []byte("Set-Cookie"), Value: value, ID: message.SetCookie}
}
