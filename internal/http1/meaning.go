package http1

import (
	"bytes"
	"math"

	"poise/internal/message"
)

// mostOptions bounds the names that a Connection field may remove.
const mostOptions = 8

// meaning is what the fields of a head say about the message itself.
type meaning struct {
	absolute  bool // the target named the authority; Host is only checked
	hosts     int
	lengths   int
	codings   int
	chunked   bool
	closes    bool
	keeps     bool
	upgrades  bool // Connection has the option
	expects   bool
	options   [mostOptions][]byte // names in Connection that are not one of the usual three
	optionN   int
	upgradeTo []byte
}

// understand takes in one field. What it says about the connection or the
// framing is kept apart; everything else is passed on.
func (p *HeadParser) understand(name, value []byte, h *message.Head) *message.Refusal {
	id := message.LookUp(name)
	if p.kind == trailer {
		if !forbiddenTrailer(name, id) {
			h.Fields = append(h.Fields, message.Field{Name: name, Value: value, ID: id})
		}
		return nil
	}
	switch id {
	case message.Host:
		return p.host(name, value, h)
	case message.ContentLength:
		return p.length(value, h)
	case message.TransferEncoding:
		return p.coding(value, h)
	case message.Connection:
		return p.connection(value)
	case message.KeepAlive, message.ProxyConnection:
		return nil
	case message.Upgrade:
		if len(p.upgradeTo) == 0 {
			p.upgradeTo = value // the one that the sender likes best; it need not be offered all
		}
		return nil
	case message.TE:
		h.Trailers = h.Trailers || p.kind == request && h.Minor > 0 && lists(value, "trailers")
		return nil
	case message.Expect:
		if p.kind == request {
			return p.expect(value)
		}
	}
	h.Fields = append(h.Fields, message.Field{Name: name, Value: value, ID: id})
	return nil
}

func (p *HeadParser) host(name, value []byte, h *message.Head) *message.Refusal {
	if p.kind != request {
		h.Fields = append(h.Fields, message.Field{Name: name, Value: value, ID: message.Host})
		return nil
	}
	if p.hosts++; p.hosts > 1 {
		return errHostTwice
	}
	if !validHost(value) {
		return errHostValue
	}
	if !p.absolute {
		h.Authority = value
	}
	return nil
}

func (p *HeadParser) length(value []byte, h *message.Head) *message.Refusal {
	if p.lengths++; p.lengths > 1 {
		return errLengthTwice
	}
	if len(value) == 0 {
		return errLength
	}
	n := int64(0)
	for _, c := range value {
		if !is(isDigit, c) || n > (math.MaxInt64-int64(c-'0'))/10 {
			return errLength
		}
		n = n*10 + int64(c-'0')
	}
	h.Length = n
	return nil
}

func (p *HeadParser) coding(value []byte, h *message.Head) *message.Refusal {
	p.codings++
	switch {
	case h.Minor == 0:
		return errCodingOld
	case p.codings > 1:
		return errCodingTwice
	case len(value) == 0:
		return errCodingEmpty
	case !message.EqualFold(value, "chunked"):
		return otherCodings(value)
	}
	p.chunked = true
	return nil
}

// otherCodings says what a list that is not chunked alone deserves: 501 where
// the body would at least be framed, and 400 where nobody could tell where it
// ends (RFC 9112, sections 6.1 and 6.3).
func otherCodings(list []byte) *message.Refusal {
	for {
		var coding []byte
		coding, list = element(list)
		chunked := message.EqualFold(coding, "chunked")
		switch {
		case list == nil && chunked:
			return errCoding
		case list == nil || chunked || len(coding) == 0:
			return errCodingLast
		}
	}
}

func (p *HeadParser) connection(value []byte) *message.Refusal {
	for rest := value; rest != nil; {
		var o []byte
		o, rest = element(rest)
		switch {
		case len(o) == 0: // an empty element means nothing
		case message.EqualFold(o, "close"):
			p.closes = true
		case message.EqualFold(o, "keep-alive"):
			p.keeps = true
		case message.EqualFold(o, "upgrade"):
			p.upgrades = true
		case !all(isToken, o) || p.optionN == mostOptions:
			return errConnection
		default:
			p.options[p.optionN] = o
			p.optionN++
		}
	}
	return nil
}

func (p *HeadParser) expect(value []byte) *message.Refusal {
	if !message.EqualFold(value, "100-continue") {
		return errExpect
	}
	p.expects = true
	return nil
}

// finishRequest draws the conclusions once all fields are known.
func (p *HeadParser) finishRequest(h *message.Head) *message.Refusal {
	old := h.Minor == 0
	switch {
	case p.hosts == 0 && !old:
		return errHostMissing
	case p.chunked && p.lengths > 0:
		return errBothFramings
	case p.chunked:
		h.Framing = message.Stream
	case p.lengths > 0:
		h.Framing = message.Length
	}
	h.Expect = p.expects && !old
	if p.upgrades && !old && len(p.upgradeTo) > 0 {
		h.Upgrade = p.upgradeTo
	}
	p.finish(h)
	return nil
}

// finishResponse decides where an answer ends: RFC 9112 section 6.3.
func (p *HeadParser) finishResponse(method []byte, h *message.Head) *message.Refusal {
	if p.chunked && p.lengths > 0 {
		return errBothFramings
	}
	switch {
	case h.Status == 101:
		if h.Minor == 0 || !p.upgrades || len(p.upgradeTo) == 0 {
			return errSwitch
		}
		h.Framing, h.Upgrade, h.Length = message.TunnelRaw, p.upgradeTo, -1
	case h.Status < 200 || h.Status == 204:
		// Whoever announces a body here may also send one, and it would be
		// taken for the next answer.
		p.closes = p.closes || h.Length > 0 || p.chunked
		h.Framing, h.Length = message.NoBody, -1
	case h.Status == 304 || string(method) == "HEAD":
		h.Framing = message.NoBody
	case p.chunked:
		h.Framing = message.Stream
	case p.lengths > 0:
		h.Framing = message.Length
	default:
		h.Framing = message.UntilEOF
		p.closes = true
	}
	if h.Status == 426 && len(p.upgradeTo) > 0 {
		h.Upgrade = p.upgradeTo
	}
	p.finish(h)
	return nil
}

// finish decides whether the connection goes on, and removes the fields that
// were meant for it alone.
func (p *HeadParser) finish(h *message.Head) {
	h.Close = p.closes || h.Minor == 0 && !p.keeps
	if p.optionN > 0 {
		h.Fields = p.appendUnnamed(h.Fields[:0], h.Fields)
	}
}

// EndToEnd returns the trailer fields of a message without those that its
// head's Connection named, as long as the head is valid and p was not reset.
func (p *HeadParser) EndToEnd(trailers []message.Field) []message.Field {
	if p.optionN == 0 {
		return trailers
	}
	return p.appendUnnamed(nil, trailers)
}

func (p *HeadParser) appendUnnamed(kept, fields []message.Field) []message.Field {
	for _, f := range fields {
		if !p.named(f.Name) {
			kept = append(kept, f)
		}
	}
	return kept
}

func (p *HeadParser) named(name []byte) bool {
	for _, o := range p.options[:p.optionN] {
		if bytes.EqualFold(o, name) {
			return true
		}
	}
	return false
}
