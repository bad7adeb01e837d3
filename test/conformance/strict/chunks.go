package strict

import (
	"bytes"
	"strconv"
	"strings"
)

// chunks reads a chunked body that begins at n.
func (m *Message) chunks(b []byte, n int) (*Message, int, error) {
	for {
		line, used, err := lineOf(b[n:])
		if err != nil {
			return m, 0, err
		}
		size, err := chunkSize(line)
		if err != nil {
			return m, 0, err
		}
		n += used
		if size == 0 {
			return m.trailer(b, n)
		}
		have := int64(len(b) - n)
		m.Body = append(m.Body, b[n:n+int(min(have, size))]...)
		if have < size {
			return m, 0, ErrMore
		}
		n += int(size)
		end := b[n:min(len(b), n+2)]
		if !bytes.HasPrefix([]byte("\r\n"), end) {
			return m, 0, fault("the data of a chunk is followed by %q", end)
		}
		if len(end) < 2 {
			return m, 0, ErrMore
		}
		n += 2
	}
}

func (m *Message) trailer(b []byte, n int) (*Message, int, error) {
	fields, used, err := section(b[n:])
	if err != nil {
		return m, 0, err
	}
	for _, f := range fields {
		if forbidden(f.Name) {
			return m, 0, fault("the field %s in a trailer", f.Name)
		}
	}
	m.Trailers, m.Whole = fields, true
	return m, n + used, nil
}

func chunkSize(line string) (int64, error) {
	size, extensions, has := strings.Cut(line, ";")
	n, err := strconv.ParseInt(size, 16, 64)
	if !hex(size) || err != nil {
		return 0, fault("the chunk size %q", clip([]byte(size)))
	}
	if has && !extensionList(extensions) {
		return 0, fault("the chunk extension %q", clip([]byte(extensions)))
	}
	return n, nil
}

// extensionList checks what follows the first semicolon. Bad white space is a
// fault: no sender may write it.
func extensionList(s string) bool {
	for {
		name := s[:len(s)-len(strings.TrimLeft(s, tchars))]
		if name == "" {
			return false
		}
		s = s[len(name):]
		if rest, ok := strings.CutPrefix(s, "="); ok {
			if s, ok = extensionValue(rest); !ok {
				return false
			}
		}
		if s == "" {
			return true
		}
		if s[0] != ';' {
			return false
		}
		s = s[1:]
	}
}

// extensionValue cuts a token or a quoted string off.
func extensionValue(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		rest = strings.TrimLeft(s, tchars)
		return rest, len(rest) < len(s)
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return s[i+1:], true
		case s[i] == '\\':
			i++
		case s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f:
			return "", false
		}
	}
	return "", false
}

// forbidden are the fields that frame, route, authorise or control a message,
// RFC 9110 section 6.5.1.
func forbidden(name string) bool {
	switch strings.ToLower(name) {
	case "transfer-encoding", "content-length", "content-encoding", "content-type", "content-range", "trailer",
		"host", "connection", "keep-alive", "proxy-connection", "te", "upgrade", "expect", "max-forwards", "range",
		"cache-control", "age", "expires", "date", "location", "retry-after", "vary", "set-cookie", "cookie",
		"authorization", "proxy-authorization", "proxy-authenticate", "www-authenticate", "via", "forwarded",
		"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto":
		return true
	}
	return strings.HasPrefix(strings.ToLower(name), "if-")
}
