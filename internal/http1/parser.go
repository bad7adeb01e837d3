package http1

import "poise/internal/message"

// stage is what the next byte belongs to.
type stage uint8

const (
	fresh     stage = iota // nothing was looked at yet
	leading                // the empty line that may precede a request line
	inMethod               // of a request line
	inTarget               // of a request line
	inVersion              // of a request line or status line
	inStatus               // of a status line
	inReason               // of a status line
	inName                 // of a field
	inValue                // of a field
	lastLF                 // the LF that ends the head
)

// kind is the place that field lines stand in.
type kind uint8

const (
	request kind = iota
	answer
	trailer
)

// HeadParser parses one head out of a buffer that grows. It resumes: it looks
// at each byte once, however slowly they come. The zero value is ready.
type HeadParser struct {
	stage   stage
	kind    kind
	at      int // the next byte to look at
	mark    int // where the token, or the field, that at is in begins
	nameEnd int // where the field's name ended
	bound   int // where the start line, or the fields, must have ended
	limits  Limits
	lines   int // field lines that were seen

	meaning
}

// Reset makes p ready for the next message. It must also be called when the
// buffer's memory moved; parsing then starts over, and the head is reset.
func (p *HeadParser) Reset() { *p = HeadParser{} }

// Request parses buf, which must begin with the bytes of the call before,
// into h. It returns the head's length, an empty line before it included, or
// 0 while more bytes are needed. h is valid as long as the bytes are; after a
// refusal it holds what was understood until then, and p must be reset.
func (p *HeadParser) Request(buf []byte, l Limits, h *message.Head) (int, *message.Refusal) {
	if p.stage == fresh {
		p.begin(leading, request, l)
		h.Reset()
	}
	r := p.requestLine(buf, h)
	if r == nil {
		r = p.fields(buf, h)
	}
	if r == nil {
		r = p.finishRequest(h)
	}
	switch r {
	case nil:
		return p.at, nil
	case more:
		return 0, nil
	}
	return 0, r
}

// Response parses an answer's head as Request does a request's. method is the
// request's: together with the status it decides whether a body follows. The
// error wraps ErrMalformed. No request for a tunnel by CONNECT is ever sent,
// so an answer to one is not understood.
func (p *HeadParser) Response(buf []byte, l Limits, method []byte, h *message.Head) (int, error) {
	if p.stage == fresh {
		p.begin(inVersion, answer, l)
		h.Reset()
	}
	r := p.statusLine(buf, h)
	if r == nil {
		r = p.fields(buf, h)
	}
	if r == nil {
		r = p.finishResponse(method, h)
	}
	switch r {
	case nil:
		return p.at, nil
	case more:
		return 0, nil
	}
	return 0, (*malformed)(r)
}

func (p *HeadParser) begin(s stage, k kind, l Limits) {
	p.stage, p.kind = s, k
	p.limits = l.withDefaults()
	p.bound = p.limits.RequestLine
}

// startFields ends the start line at end and begins the field section.
func (p *HeadParser) startFields(end int) {
	p.stage, p.at, p.mark = inName, end, end
	p.bound = end + p.limits.HeaderBytes
}

// fields reads field lines up to and with the empty line behind them.
func (p *HeadParser) fields(buf []byte, h *message.Head) *message.Refusal {
	// Bytes beyond the bound are never looked at, so that the verdict does
	// not depend on how many came at once.
	buf = buf[:min(len(buf), p.bound)]
	for {
		if p.stage == inName {
			if r := p.name(buf); r != nil {
				return p.orTooLarge(r, buf)
			}
		}
		if p.stage == lastLF {
			return p.orTooLarge(p.end(buf), buf)
		}
		if r := p.value(buf); r != nil {
			return p.orTooLarge(r, buf)
		}
		name, value := buf[p.mark:p.nameEnd:p.nameEnd], trim(buf[p.nameEnd+1:p.at-2])
		if r := p.understand(name, value, h); r != nil {
			return r
		}
		p.mark, p.stage = p.at, inName
	}
}

// orTooLarge turns a wish for more into a refusal where no more is allowed.
func (p *HeadParser) orTooLarge(r *message.Refusal, buf []byte) *message.Refusal {
	if r == more && len(buf) >= p.bound {
		return errHeaderTooLarge
	}
	return r
}

// name reads a field's name and its colon, or the CR of the empty line.
func (p *HeadParser) name(buf []byte) *message.Refusal {
	i := run(isToken, buf, p.at)
	p.at = i
	if i >= len(buf) {
		return more
	}
	switch {
	case buf[i] == ':' && i > p.mark:
		if p.lines++; p.lines > p.limits.Fields {
			return errTooManyFields
		}
		p.nameEnd, p.at, p.stage = i, i+1, inValue
		return nil
	case buf[i] == '\r' && i == p.mark:
		p.at, p.stage = i+1, lastLF
		return nil
	}
	return badName(buf[i], i == p.mark)
}

// badName says what is wrong with a byte that no name can hold.
func badName(c byte, first bool) *message.Refusal {
	blank := c == ' ' || c == '\t'
	switch {
	case blank && first:
		return errFieldFold
	case blank:
		return errFieldSpace
	case c == ':':
		return errFieldEmpty
	case c == '\n':
		return errFieldLF
	}
	return errFieldName
}

// value reads a field's value and its line end.
func (p *HeadParser) value(buf []byte) *message.Refusal {
	i := text(buf, p.at)
	p.at = i
	switch {
	case i >= len(buf):
		return more
	case buf[i] == '\n':
		return errFieldLF
	case buf[i] != '\r':
		return errFieldControl
	case i+1 >= len(buf):
		return more
	case buf[i+1] != '\n':
		return errFieldCR
	}
	p.at = i + 2
	return nil
}

// end reads the LF of the empty line.
func (p *HeadParser) end(buf []byte) *message.Refusal {
	if p.at >= len(buf) {
		return more
	}
	if buf[p.at] != '\n' {
		return errFieldCR
	}
	p.at++
	return nil
}
