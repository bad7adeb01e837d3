// Package http1 is the wire format of HTTP/1.1 (RFC 9112): it parses heads,
// takes the chunked coding off bodies and writes both. It owns no socket and
// no buffer, and allocates nothing once the memory that its callers keep has
// grown.
//
// It is strict: what two servers could read in two ways is refused, and what
// goes out is written anew from what was understood, never passed on as it
// came.
package http1

import (
	"errors"

	"poise/internal/message"
)

// Limits bounds a head. Zero means the default.
type Limits struct {
	RequestLine int // bytes of the request line or status line, with its line end; 8 KiB
	HeaderBytes int // bytes of all field lines, with their line ends and the empty line; 64 KiB
	Fields      int // field lines; 100
}

func (l Limits) withDefaults() Limits {
	if l.RequestLine <= 0 {
		l.RequestLine = 8 << 10
	}
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = 64 << 10
	}
	if l.Fields <= 0 {
		l.Fields = 100
	}
	return l
}

// ErrMalformed is what every error of this package wraps: the peer broke the
// wire format, and nothing more can be read from its connection.
var ErrMalformed = errors.New("malformed message")

// malformed is a Refusal where there is nobody to refuse: a bad answer, or a
// body that goes wrong after its head was accepted. For the latter errors.As
// with a *message.Refusal finds the answer that the sender deserves.
type malformed message.Refusal

func (e *malformed) Error() string { return ErrMalformed.Error() + ": " + e.Text }

func (e *malformed) Unwrap() error { return ErrMalformed }

func (e *malformed) As(target any) bool {
	r, ok := target.(**message.Refusal)
	if ok {
		*r = (*message.Refusal)(e)
	}
	return ok
}
