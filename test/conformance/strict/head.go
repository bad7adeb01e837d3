package strict

import (
	"bytes"
	"strconv"
	"strings"
)

const tchars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func token(s string) bool { return s != "" && strings.Trim(s, tchars) == "" }

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// lineOf returns the line at the start of b, without its end, and how many
// bytes it takes with it.
func lineOf(b []byte) (string, int, error) {
	end := bytes.IndexByte(b, '\n')
	line := b
	if end >= 0 {
		if end == 0 || b[end-1] != '\r' {
			return "", 0, fault("a LF without a CR ends the line %q", clip(b[:end+1]))
		}
		line = b[:end-1]
	} else if len(b) > 0 && b[len(b)-1] == '\r' {
		line = b[:len(b)-1] // its LF may still come
	}
	if bytes.IndexByte(line, '\r') >= 0 {
		return "", 0, fault("a CR stands alone in %q", clip(line))
	}
	if end < 0 {
		return "", 0, ErrMore
	}
	return string(line), end + 1, nil
}

func clip(b []byte) []byte { return b[:min(len(b), 80)] }

func (m *Message) requestLine(line string) error {
	parts := strings.Split(line, " ")
	if len(parts) != 3 {
		return fault("the request line %q is not three words with single spaces", clip([]byte(line)))
	}
	if !token(parts[0]) {
		return fault("the method %q is no token", parts[0])
	}
	m.Method, m.Target = parts[0], parts[1]
	return m.version(parts[2])
}

func (m *Message) version(v string) error {
	if v != "HTTP/1.1" && v != "HTTP/1.0" {
		return fault("the version %q", v)
	}
	m.Version = v[len("HTTP/"):]
	return nil
}

func (m *Message) statusLine(line string) error {
	version, rest, ok := strings.Cut(line, " ")
	if !ok {
		return fault("the status line %q has no space", clip([]byte(line)))
	}
	if err := m.version(version); err != nil {
		return err
	}
	code, reason, ok := strings.Cut(rest, " ")
	if !ok {
		return fault("no space behind the status in %q", clip([]byte(line)))
	}
	if len(code) != 3 || !digits(code) {
		return fault("the status %q is not three digits", code)
	}
	m.Status, _ = strconv.Atoi(code)
	if m.Status < 100 || m.Status > 599 {
		return fault("the status %d is of no class", m.Status)
	}
	if !text(reason) {
		return fault("a control byte in the reason %q", reason)
	}
	m.Reason = reason
	return nil
}

// head reads the fields that begin at n.
func (m *Message) head(b []byte, n int) (int, error) {
	fields, used, err := section(b[n:])
	if err != nil {
		return 0, err
	}
	m.Fields = fields
	m.Head = string(b[:n+used])
	return n + used, nil
}

// section reads field lines up to and with the empty line.
func section(b []byte) (fields []Field, n int, err error) {
	for {
		line, used, err := lineOf(b[n:])
		if err != nil {
			return nil, 0, err
		}
		n += used
		if line == "" {
			return fields, n, nil
		}
		f, err := field(line)
		if err != nil {
			return nil, 0, err
		}
		fields = append(fields, f)
	}
}

func field(line string) (Field, error) {
	if line[0] == ' ' || line[0] == '\t' {
		return Field{}, fault("a folded line %q", clip([]byte(line)))
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return Field{}, fault("no colon in %q", clip([]byte(line)))
	}
	if !token(name) {
		return Field{}, fault("the field name %q is no token", name)
	}
	value = strings.Trim(value, " \t")
	if !text(value) {
		return Field{}, fault("a control byte in the value of %s: %q", name, clip([]byte(value)))
	}
	return Field{name, value}, nil
}

// text reports whether s has no control byte but tabs.
func text(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
