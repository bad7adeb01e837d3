// Package seam proves that the proxy knows no protocol version: it serves
// HTTP/2 in clear text, through net/http, into the same exchange that
// HTTP/1.1 uses. The integration suite runs over both.
package seam

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"poise/internal/message"
)

// Handler serves the requests of an h2c server as exchanges.
func Handler(h message.Handler) http.Handler {
	var numbers atomic.Uint64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := newExchange(w, r, numbers.Add(1))
		h.Serve(x)
		if x.aborted {
			panic(http.ErrAbortHandler) // a reset of the stream, not a whole answer
		}
	})
}

type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	head    message.Head
	conn    message.Conn
	buffer  [32 << 10]byte
	ended   bool
	aborted bool
	unwatch func()
}

func newExchange(w http.ResponseWriter, r *http.Request, number uint64) *exchange {
	x := &exchange{w: w, r: r, control: http.NewResponseController(w)}
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	x.conn = message.Conn{
		Number: number, Listener: "h2c", Remote: peer.Addr(),
		RemoteText: []byte(peer.Addr().String()), Scheme: "http", Via: true,
	}
	h := &x.head
	h.Reset()
	h.Method, h.Scheme, h.Major = []byte(r.Method), []byte("http"), 2
	h.Authority, h.Path = []byte(r.Host), []byte(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			x.field(name, v)
		}
	}
	switch {
	case r.ContentLength > 0:
		h.Framing, h.Length = message.Length, r.ContentLength
	case r.ContentLength < 0:
		h.Framing = message.Stream
	default:
		x.ended = true
	}
	return x
}

func (x *exchange) field(name, value string) {
	id := message.LookUp([]byte(name))
	switch id {
	case message.ContentLength, message.Trailer:
		return
	case message.TE:
		x.head.Trailers = value == "trailers"
		return
	case message.Expect:
		x.head.Expect = true
		return
	}
	x.head.Fields = append(x.head.Fields, message.Field{Name: []byte(name), Value: []byte(value), ID: id})
}

func (x *exchange) Head() *message.Head { return &x.head }
func (x *exchange) Conn() *message.Conn { return &x.conn }

func (x *exchange) ReadBody() ([]byte, error) {
	if x.ended {
		return nil, io.EOF
	}
	for {
		n, err := x.r.Body.Read(x.buffer[:])
		if n > 0 {
			return x.buffer[:n], nil // an error comes again with the next read
		}
		if err != nil {
			x.ended = err == io.EOF
			return nil, err
		}
	}
}

// Buffered cannot look into net/http; false only costs a flush.
func (x *exchange) Buffered() bool { return x.ended }

func (x *exchange) Trailers() []message.Field {
	var fields []message.Field
	for name, values := range x.r.Trailer {
		for _, v := range values {
			fields = append(fields, message.Field{Name: []byte(name), Value: []byte(v)})
		}
	}
	return fields
}

func (x *exchange) WriteHead(h *message.Head) error {
	header := x.w.Header()
	clear(header)
	for _, f := range h.Fields {
		header.Add(string(f.Name), string(f.Value))
	}
	if h.Status >= 200 && h.Length >= 0 && (h.Framing == message.Length || h.Framing == message.NoBody) {
		header.Set("Content-Length", strconv.FormatInt(h.Length, 10))
	}
	if h.Status == http.StatusContinue {
		return nil // net/http sends it when the body is first read
	}
	x.w.WriteHeader(h.Status)
	return nil
}

func (x *exchange) WriteBody(p []byte) error {
	_, err := x.w.Write(p)
	return err
}

func (x *exchange) Flush() error { return x.control.Flush() }

func (x *exchange) Finish(trailers []message.Field) error {
	for _, f := range trailers {
		x.w.Header().Add(http.TrailerPrefix+string(f.Name), string(f.Value))
	}
	return nil // returning from the handler ends the stream
}

func (x *exchange) Watch(c message.Canceler) {
	if x.unwatch != nil {
		x.unwatch()
		x.unwatch = nil
	}
	if c == nil {
		return
	}
	told := make(chan struct{})
	stop := context.AfterFunc(x.r.Context(), func() {
		defer close(told)
		c.Cancel()
	})
	x.unwatch = func() {
		if !stop() {
			<-told // it runs already; c may be used for another exchange after this
		}
	}
}

func (x *exchange) StopReading() { _ = x.control.SetReadDeadline(time.Unix(1, 0)) }

func (x *exchange) Abort() { x.aborted = true }
