package http1

import "poise/internal/message"

const newest = "HTTP/1.1"

// requestLine reads the request line, and one empty line before it (RFC 9112,
// section 2.2), if it has not been read yet.
func (p *HeadParser) requestLine(buf []byte, h *message.Head) *message.Refusal {
	if p.stage >= inName {
		return nil
	}
	buf = buf[:min(len(buf), p.bound)]
	r := p.requestTokens(buf, h)
	if r == more && len(buf) >= p.bound {
		return errURITooLong
	}
	return r
}

func (p *HeadParser) requestTokens(buf []byte, h *message.Head) *message.Refusal {
	if p.stage == leading {
		if r := p.emptyLine(buf); r != nil {
			return r
		}
	}
	if p.stage == inMethod {
		if r := p.method(buf, h); r != nil {
			return r
		}
	}
	if p.stage == inTarget {
		if r := p.target(buf, h); r != nil {
			return r
		}
	}
	if r := p.version(buf, h); r != nil {
		return r
	}
	if r := lineEnd(buf, p.at); r != nil {
		return r
	}
	p.startFields(p.at + len(crlf))
	return p.understandTarget(h)
}

// emptyLine steps over one CRLF.
func (p *HeadParser) emptyLine(buf []byte) *message.Refusal {
	if len(buf) == 0 {
		return more
	}
	if buf[0] == '\r' {
		if len(buf) < 2 {
			return more
		}
		if buf[1] != '\n' {
			return errRequestLine
		}
		p.at = 2
	}
	p.stage, p.mark = inMethod, p.at
	return nil
}

func (p *HeadParser) method(buf []byte, h *message.Head) *message.Refusal {
	i := run(isToken, buf, p.at)
	p.at = i
	if i >= len(buf) {
		return more
	}
	if i == p.mark || buf[i] != ' ' {
		return errMethod
	}
	h.Method = buf[p.mark:i:i]
	p.stage, p.at, p.mark = inTarget, i+1, i+1
	return nil
}

// target finds the end of the target. What it means is decided when the whole
// line is there.
func (p *HeadParser) target(buf []byte, h *message.Head) *message.Refusal {
	i := run(isTarget, buf, p.at)
	p.at = i
	if i >= len(buf) {
		return more
	}
	if i == p.mark {
		return errRequestLine
	}
	if buf[i] == '\r' || buf[i] == '\n' {
		return errRequestLine // HTTP/0.9 had no version
	}
	if buf[i] != ' ' {
		return errTargetByte
	}
	h.Path = buf[p.mark:i:i]
	p.stage, p.at, p.mark = inVersion, i+1, i+1
	return nil
}

// version reads "HTTP/1.x" and leaves at behind it. A minor version above 1
// is a promise to be understood as 1.1.
func (p *HeadParser) version(buf []byte, h *message.Head) *message.Refusal {
	have := buf[p.mark:min(len(buf), p.mark+len(newest))]
	if string(have) != newest { // rarely
		for i, c := range have {
			switch {
			case i == 5 && c != '1' && is(isDigit, c):
				return errVersion
			case i == 7 && !is(isDigit, c), i != 7 && c != newest[i]:
				return errRequestLine
			}
		}
		if len(have) < len(newest) {
			return more
		}
	}
	h.Major, h.Minor = 1, min(have[7]-'0', 1)
	p.at = p.mark + len(newest)
	return nil
}

// lineEnd wants CRLF at i.
func lineEnd(buf []byte, i int) *message.Refusal {
	for n, c := range crlf {
		if i+n >= len(buf) {
			return more
		}
		if buf[i+n] != c {
			return errLineEnd
		}
	}
	return nil
}

// statusLine reads the status line if it has not been read yet.
func (p *HeadParser) statusLine(buf []byte, h *message.Head) *message.Refusal {
	if p.stage >= inName {
		return nil
	}
	buf = buf[:min(len(buf), p.bound)]
	r := p.statusTokens(buf, h)
	switch {
	case r == more && len(buf) >= p.bound:
		return errStatusLong
	case r == errRequestLine || r == errVersion || r == errLineEnd:
		return errStatusLine
	}
	return r
}

func (p *HeadParser) statusTokens(buf []byte, h *message.Head) *message.Refusal {
	if p.stage == inVersion {
		if r := p.version(buf, h); r != nil {
			return r
		}
		p.stage, p.mark = inStatus, p.at
	}
	if p.stage == inStatus {
		if r := p.status(buf, h); r != nil {
			return r
		}
	}
	i := text(buf, p.at)
	p.at = i
	if i >= len(buf) {
		return more
	}
	if r := lineEnd(buf, i); r != nil {
		return r
	}
	if i > p.mark {
		h.Reason = buf[p.mark+1 : i : i]
	}
	p.startFields(i + len(crlf))
	return nil
}

// status reads a space and three digits; mark is then behind them, where the
// space before the reason is.
func (p *HeadParser) status(buf []byte, h *message.Head) *message.Refusal {
	have := buf[p.mark:]
	for i, c := range have[:min(len(have), 4)] {
		if i == 0 && c != ' ' || i > 0 && !is(isDigit, c) {
			return errStatusLine
		}
	}
	if len(have) < 5 {
		return more
	}
	if have[4] != ' ' && have[4] != '\r' {
		return errStatusLine
	}
	h.Status = int(have[1]-'0')*100 + int(have[2]-'0')*10 + int(have[3]-'0')
	if h.Status < 100 || h.Status > 599 {
		return errStatusLine
	}
	p.stage, p.at, p.mark = inReason, p.mark+4, p.mark+4
	return nil
}
