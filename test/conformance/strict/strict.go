// Package strict reads HTTP/1.1 as RFC 9112 has it and forgives nothing. It
// shares no code with what it judges: a message that it does not take is
// illegal, or could be read in two ways.
package strict

import (
	"errors"
	"fmt"
	"strings"
)

// Field is a field line; Value has no white space around it.
type Field struct{ Name, Value string }

// Message is a request or an answer.
type Message struct {
	Method, Target string
	Status         int
	Reason         string
	Version        string // "1.0" or "1.1"
	Fields         []Field
	Trailers       []Field
	Body           []byte
	Chunked        bool
	Length         int64  // as announced, -1 when it was not
	Head           string // the bytes of the head
	Whole          bool   // it ended as its framing says
}

// ErrMore says that the message is legal so far and goes on.
var ErrMore = errors.New("the message goes on")

// Fault is why a message is illegal or ambiguous.
type Fault struct{ Text string }

func (f *Fault) Error() string { return f.Text }

func fault(format string, args ...any) error { return &Fault{fmt.Sprintf(format, args...)} }

// Request reads a request at the start of b and returns how many bytes it
// takes. With ErrMore the message is what is there of it; it is nil while its
// head goes on.
func Request(b []byte) (*Message, int, error) {
	line, n, err := lineOf(b)
	if err != nil {
		return nil, 0, err
	}
	m := &Message{Length: -1}
	if err := m.requestLine(line); err != nil {
		return nil, 0, err
	}
	used, err := m.head(b, n)
	if err != nil {
		return nil, 0, err
	}
	if err := m.requestRules(); err != nil {
		return m, 0, err
	}
	switch {
	case m.Chunked:
		return m.chunks(b, used)
	case m.Length > 0:
		return m.counted(b, used)
	}
	m.Whole = true
	return m, used, nil
}

// Context is what must be known to read an answer.
type Context struct {
	Method string // of the request
	Closed bool   // nothing comes behind the bytes
}

// Answer reads an answer as Request does a request. An interim answer is an
// answer without a body.
func Answer(b []byte, c Context) (*Message, int, error) {
	line, n, err := lineOf(b)
	if err != nil {
		return nil, 0, err
	}
	m := &Message{Length: -1}
	if err := m.statusLine(line); err != nil {
		return nil, 0, err
	}
	used, err := m.head(b, n)
	if err != nil {
		return nil, 0, err
	}
	if err := m.answerRules(); err != nil {
		return m, 0, err
	}
	switch {
	case m.Status < 200 || m.Status == 204 || m.Status == 304 || c.Method == "HEAD":
		m.Whole = true
		return m, used, nil
	case m.Chunked:
		return m.chunks(b, used)
	case m.Length >= 0:
		return m.counted(b, used)
	}
	m.Body = append([]byte(nil), b[used:]...)
	if !c.Closed {
		return m, 0, ErrMore
	}
	m.Whole = true
	return m, len(b), nil
}

// counted reads a body of an announced length.
func (m *Message) counted(b []byte, used int) (*Message, int, error) {
	have := int64(len(b) - used)
	m.Body = append([]byte(nil), b[used:used+int(min(have, m.Length))]...)
	if have < m.Length {
		return m, 0, ErrMore
	}
	m.Whole = true
	return m, used + int(m.Length), nil
}

// Values returns the values of the fields of a name, in order.
func (m *Message) Values(name string) []string { return values(m.Fields, name) }

// TrailerValues does the same for trailer fields.
func (m *Message) TrailerValues(name string) []string { return values(m.Trailers, name) }

func values(fields []Field, name string) (v []string) {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			v = append(v, f.Value)
		}
	}
	return v
}

// Lists reports whether a list field has an element, in any case.
func (m *Message) Lists(name, element string) bool {
	for _, v := range m.Values(name) {
		for e := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(e, " \t"), element) {
				return true
			}
		}
	}
	return false
}
