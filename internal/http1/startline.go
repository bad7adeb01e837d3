package http1

import (
	"bytes"

	"poise/internal/message"
)

const versionPrefix = "HTTP/"

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
	have := buf[p.mark:]
	for i := range min(len(have), len(versionPrefix)) {
		if have[i] != versionPrefix[i] {
			return errRequestLine
		}
	}
	digits := have[min(len(have), len(versionPrefix)):]
	for i, c := range digits[:min(len(digits), 3)] {
		if i == 1 && c != '.' || i != 1 && !is(isDigit, c) {
			return errRequestLine
		}
	}
	if len(digits) < 3 {
		return more
	}
	if digits[0] != '1' {
		return errVersion
	}
	h.Major, h.Minor = 1, min(digits[2]-'0', 1)
	p.at = p.mark + len(versionPrefix) + 3
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

// understandTarget takes the target apart: RFC 9112 section 3.2.
func (p *HeadParser) understandTarget(h *message.Head) *message.Refusal {
	target := h.Path
	switch {
	case string(h.Method) == "CONNECT":
		return p.connectTarget(target, h)
	case target[0] == '/':
		return nil
	case len(target) == 1 && target[0] == '*':
		if string(h.Method) != "OPTIONS" {
			return errTargetAsterisk
		}
		return nil
	}
	return p.absoluteTarget(target, h)
}

// connectTarget is host:port, with both.
func (p *HeadParser) connectTarget(target []byte, h *message.Head) *message.Refusal {
	i := bytes.LastIndexByte(target, ':')
	if i <= 0 || i == len(target)-1 || !validHost(target) {
		return errTargetConnect
	}
	h.Authority, h.Path = target, nil
	p.absolute = true
	return nil
}

// absoluteTarget is a URL whose authority replaces Host.
func (p *HeadParser) absoluteTarget(target []byte, h *message.Head) *message.Refusal {
	i := bytes.Index(target, []byte("://"))
	if i < 0 {
		return errTargetForm
	}
	switch scheme := target[:i:i]; {
	case message.EqualFold(scheme, "http"), message.EqualFold(scheme, "https"):
		h.Scheme = scheme
	default:
		return errTargetForm
	}
	rest := target[i+3:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	h.Authority, h.Path = rest[:end:end], rest[end:]
	if len(h.Authority) == 0 || !validHost(h.Authority) {
		return errTargetHost
	}
	switch {
	case len(h.Path) == 0 && string(h.Method) == "OPTIONS":
		h.Path = asterisk
	case len(h.Path) == 0:
		h.Path = slash
	case h.Path[0] == '?':
		return errTargetForm // an empty path with a query: nobody sends it, and readers differ
	}
	p.absolute = true
	return nil
}

var (
	slash    = []byte("/")
	asterisk = []byte("*")
)

// validHost checks host[:port] as RFC 3986 section 3.2.2 has it, without user
// information. It may be empty.
func validHost(b []byte) bool {
	host, port := b, []byte(nil)
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 2 || !all(isHex|isLiteral, b[1:end]) {
			return false
		}
		host, port = nil, b[end+1:]
		if len(port) > 0 && port[0] != ':' {
			return false
		}
		port = bytes.TrimPrefix(port, []byte(":"))
	} else if i := bytes.IndexByte(b, ':'); i >= 0 {
		host, port = b[:i], b[i+1:]
	}
	return validName(host) && validPort(port)
}

func validName(host []byte) bool {
	for i := 0; i < len(host); i++ {
		if host[i] == '%' {
			if i+2 >= len(host) || !is(isHex, host[i+1]) || !is(isHex, host[i+2]) {
				return false
			}
			i += 2
		} else if !is(isHost, host[i]) {
			return false
		}
	}
	return true
}

func validPort(port []byte) bool {
	n := 0
	for _, c := range port {
		if !is(isDigit, c) {
			return false
		}
		if n = n*10 + int(c-'0'); n > 65535 {
			return false
		}
	}
	return true
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
