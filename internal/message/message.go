// Package message is one HTTP exchange in a form that no protocol version
// owns: HTTP/1.1, HTTP/2 and HTTP/3 all meet the proxy through it.
//
// The memory rule: every slice in a Head, and every slice that ReadBody
// returns, belongs to the exchange it came from. Head slices are valid until
// the exchange is done, body slices until the next call of ReadBody.
package message

import "net/netip"

// Framing says how the end of a body is known.
type Framing uint8

// The framings.
const (
	NoBody    Framing = iota // no body follows, and none is announced
	Length                   // Head.Length bytes follow
	Stream                   // the body ends when its protocol says so: chunked, END_STREAM
	UntilEOF                 // answers of HTTP/1.0 style: the body ends with the connection
	TunnelRaw                // after a granted Upgrade: bytes both ways, no messages
)

// Field is one header or trailer field. Name keeps the sender's case.
type Field struct {
	Name, Value []byte
	ID          FieldID
}

// Head is the start of a request or of an answer.
type Head struct {
	// Of a request.
	Method    []byte
	Scheme    []byte // "http" or "https"
	Authority []byte // host[:port] that the client asked for
	Path      []byte // path and query as the client sent them; "*" for OPTIONS *

	// Of an answer.
	Status int
	Reason []byte // may be empty; then the usual one is sent where a protocol has one

	Fields []Field // end-to-end fields only: what the members below say is not repeated here

	Framing  Framing
	Length   int64  // bytes, with Framing Length; also what HEAD and 304 announce. -1: not announced
	Upgrade  []byte // protocol that is asked for, granted, or with 426 required; nil for none
	Trailers bool   // the sender said that it takes trailers (TE: trailers)
	Expect   bool   // the client waits for 100 (Continue) before it sends the body
	Close    bool   // the sender ends its connection after this message
	Major    uint8  // protocol version the message came with, for Via and for old clients
	Minor    uint8
}

// Get returns the value of the first field called id, nil if there is none.
func (h *Head) Get(id FieldID) []byte {
	for i := range h.Fields {
		if h.Fields[i].ID == id {
			return h.Fields[i].Value
		}
	}
	return nil
}

// Reset empties h and keeps its memory.
func (h *Head) Reset() {
	fields := h.Fields[:0]
	*h = Head{Fields: fields, Length: -1}
}

// Source is the readable half of an exchange: a message that comes in.
type Source interface {
	// ReadBody returns the next piece of the body and waits for it if need be.
	// io.EOF means that the body ended as it announced; any other error means
	// that it did not, and must never be passed on as an ordinary end.
	ReadBody() ([]byte, error)
	// Buffered reports whether ReadBody would return without waiting.
	Buffered() bool
	// Trailers returns the trailer fields once ReadBody has returned io.EOF.
	Trailers() []Field
}

// Sink is the writable half of an exchange: a message that goes out.
type Sink interface {
	// WriteHead queues the head. Of answers any number with a 1xx status may
	// come first, then one final.
	WriteHead(*Head) error
	// WriteBody queues or sends p, which it does not keep.
	WriteBody(p []byte) error
	// Flush sends what is queued.
	Flush() error
	// Finish ends the message, with trailers if there are any, and flushes.
	// In a tunnel it closes this direction only.
	Finish(trailers []Field) error
}

// Exchange is one request of a client and the answer to it, seen from the
// side that answers. One goroutine may read while another writes.
type Exchange interface {
	Source
	Sink
	// Head is the request's; it is valid until the exchange is done.
	Head() *Head
	// Conn is what the exchanges of one connection have in common.
	Conn() *Conn
	// Watch names whom to tell when the client leaves before the exchange is
	// done; nil for nobody. The call may come from any goroutine.
	Watch(Canceler)
	// StopReading makes a ReadBody that waits, and every later one, fail. The
	// connection can then serve no further request.
	StopReading()
	// Abort ends the exchange so that the client sees a broken message, never
	// a whole one.
	Abort()
}

// Canceler is told that the client has left.
type Canceler interface{ Cancel() }

// Conn describes the downstream connection of an exchange.
type Conn struct {
	Number     uint64     // unique in this process; picks the shard of counters and pools
	Listener   string     // address as configured
	Remote     netip.Addr // the peer, as the socket says
	RemoteText []byte     // Remote as text, made once
	Scheme     string     // "http" or "https"
	Trusted    bool       // whether the peer's X-Forwarded-* are believed
	Via        bool       // whether requests are marked with a Via field
}

// Handler serves exchanges. Serve returns when the exchange is over.
type Handler interface {
	Serve(Exchange)
	// Refuse answers an exchange whose request could not be understood. Its
	// Head may be incomplete.
	Refuse(Exchange, *Refusal)
}
