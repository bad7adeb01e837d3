package http1

import (
	"bytes"

	"poise/internal/message"
)

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
	end := hostEnd(target)
	if end <= 0 || end+1 >= len(target) || !validPort(target[end:]) {
		return errTargetConnect
	}
	h.Authority, h.Path = target, nil
	p.absolute = true
	return nil
}

// absoluteTarget is a URL whose authority replaces Host.
func (p *HeadParser) absoluteTarget(target []byte, h *message.Head) *message.Refusal {
	scheme, rest, found := bytes.Cut(target, []byte("://"))
	if !found {
		return errTargetForm
	}
	switch {
	case message.EqualFold(scheme, "http"):
		h.Scheme = schemeHTTP
	case message.EqualFold(scheme, "https"):
		h.Scheme = schemeHTTPS
	default:
		return errTargetForm
	}
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
		return errTargetQuery // nobody sends it, and readers differ
	}
	p.absolute = true
	return nil
}

var (
	schemeHTTP  = []byte("http")
	schemeHTTPS = []byte("https")
	slash       = []byte("/")
	asterisk    = []byte("*")
)

// validHost checks host[:port] as RFC 3986 section 3.2.2 has it, without user
// information. Both may be missing, but a port needs a host.
func validHost(b []byte) bool {
	end := hostEnd(b)
	return len(b) == 0 || end > 0 && validPort(b[end:])
}

// hostEnd returns where the host at the start of b ends, -1 if its octets are
// not those of a host.
func hostEnd(b []byte) int {
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || !all(isHex|isLiteral, b[1:end]) || bytes.IndexByte(b[1:end], ':') < 0 {
			return -1
		}
		return end + 1
	}
	i := run(isHost, b, 0)
	for i < len(b) && b[i] != ':' {
		if b[i] != '%' || i+2 >= len(b) || !all(isHex, b[i+1:i+3]) {
			return -1
		}
		i = run(isHost, b, i+3)
	}
	return i
}

// validPort checks what follows a host: nothing, or a colon and a port, which
// may be empty.
func validPort(b []byte) bool {
	if len(b) > 0 && b[0] != ':' {
		return false
	}
	n := 0
	for _, c := range b[min(1, len(b)):] {
		if n = n*10 + int(c-'0'); !is(isDigit, c) || n > 65535 {
			return false
		}
	}
	return true
}
