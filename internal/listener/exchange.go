package listener

import (
	"errors"
	"io"
	"os"
	"time"

	"poise/internal/http1"
	"poise/internal/message"
)

// What a listener refuses by itself.
var (
	slowHead = &message.Refusal{Status: 408, Word: "slow-head", Text: "the head of the request did not arrive in time"}
	slowBody = &message.Refusal{Status: 408, Word: "slow-body", Text: "the body of the request stopped arriving"}
	tooLarge = &message.Refusal{Status: 413, Word: "body-too-large", Text: "the body of the request is larger than this listener takes"}
	// Only a trusted gateway may have taken the TLS off (RFC 9110 section 7.4);
	// anybody else would make endpoints believe in X-Forwarded-Proto: https.
	notSecured = &message.Refusal{Status: 400, Word: "bad-target", Text: "the URL in the request target says https, but the connection has no TLS"}
	badChunk   = &message.Refusal{Status: 400, Word: "bad-chunk", Text: "the body of the request is not in the chunked coding it announced"}
)

// Head implements message.Exchange.
func (c *conn) Head() *message.Head { return &c.head }

// Conn implements message.Exchange.
func (c *conn) Conn() *message.Conn { return &c.info }

// ReadBody implements message.Source. Its error is a *message.Refusal where
// the client can be told what it did wrong.
func (c *conn) ReadBody() ([]byte, error) {
	p, err := c.body.Next(source{c})
	c.bodyBytes += int64(len(p))
	c.bodyEnded.Store(c.body.Ended() && !c.tunnel)
	if limit := c.l.options.BodyBytes; limit > 0 && c.bodyBytes > limit && !c.tunnel {
		return nil, tooLarge
	}
	switch {
	case err == nil || err == io.EOF:
		return p, err
	case errors.Is(err, http1.ErrMalformed):
		return nil, badChunk
	case errors.Is(err, os.ErrDeadlineExceeded) && !c.stopped.Load():
		return nil, slowBody
	}
	return nil, err
}

// source reads more of a body.
type source struct{ c *conn }

func (s source) Read(p []byte) (int, error) {
	c := s.c
	if c.tunnel {
		c.enter(tunneling)
		return c.read(p)
	}
	c.enter(inBody)
	n, err := c.read(p)
	if err == nil {
		c.enter(serving)
	}
	return n, err
}

// Buffered implements message.Source.
func (c *conn) Buffered() bool { return c.body.Buffered() }

// Trailers implements message.Source.
func (c *conn) Trailers() []message.Field { return c.parser.EndToEnd(c.body.Trailers()) }

// WriteHead implements message.Sink.
func (c *conn) WriteHead(h *message.Head) error {
	old := c.head.Major == 1 && c.head.Minor == 0
	if h.Status < 200 && h.Framing != message.TunnelRaw {
		if !old { // HTTP/1.0 knows no interim answers
			c.out.Out.Bytes = http1.AppendResponse(c.out.Out.Open(), h, http1.ResponseOptions{})
		}
		return nil
	}
	if h.Framing == message.UntilEOF {
		h.Framing = message.Stream
	}
	if h.Framing == message.Stream && old {
		h.Framing = message.UntilEOF
	}
	c.answered = true
	c.closing = c.closing || c.head.Close || !c.bodyEnded.Load() || h.Framing == message.UntilEOF || c.l.draining.Load()
	if h.Framing == message.TunnelRaw {
		c.tunnel = true
		c.body.Reset(message.TunnelRaw, 0, &c.in)
	}
	c.out.Out.Bytes = http1.AppendResponse(c.out.Out.Open(), h, http1.ResponseOptions{
		Close: c.closing && !c.tunnel, KeepAlive: old && !c.closing, HTTP10: old,
	})
	c.out.Reset(h.Framing, h.Length)
	return nil
}

// WriteBody implements message.Sink.
func (c *conn) WriteBody(p []byte) error { return c.out.Write(sink{c}, p) }

// Flush implements message.Sink.
func (c *conn) Flush() error { return c.out.Flush(sink{c}) }

// Finish implements message.Sink.
func (c *conn) Finish(trailers []message.Field) error {
	if err := c.out.Finish(sink{c}, trailers); err != nil {
		return err
	}
	c.finished = true
	if c.tunnel {
		return c.nc.CloseWrite()
	}
	return nil
}

// sink writes to the socket.
type sink struct{ c *conn }

func (s sink) Write(p []byte) (int, error) { return s.send(p, nil) }

func (s sink) WriteTwo(a, b []byte) error {
	_, err := s.send(a, b)
	return err
}

func (s sink) send(a, b []byte) (int, error) {
	s.c.writing.enter(writing, s.c.l.clock.Load())
	n, err := s.c.nc.Send(a, b)
	s.c.writing.enter(serving, 0)
	return n, err
}

// Watch implements message.Exchange.
func (c *conn) Watch(w message.Canceler) {
	c.mu.Lock()
	c.watcher = w
	gone := c.gone
	c.mu.Unlock()
	if gone && w != nil {
		w.Cancel()
	}
}

// StopReading implements message.Exchange.
func (c *conn) StopReading() {
	c.stopped.Store(true)
	_ = c.nc.SetReadDeadline(past)
}

// Abort implements message.Exchange. Where the end of the connection would
// pass for the end of the answer, the client gets a reset instead.
func (c *conn) Abort() {
	c.aborted = true
	if c.answered && c.head.Minor == 0 || c.tunnel {
		_ = c.nc.ResetOnClose()
	}
	_ = c.nc.SetReadDeadline(time.Time{})
}
