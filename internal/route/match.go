package route

import (
	"bytes"
	"regexp"

	"poise/internal/message"
)

// matcher is a compiled Match.
type matcher struct {
	host    string // in lower case; with a leading dot when below
	below   bool   // names below host fit, host itself does not
	path    Path
	regex   *regexp.Regexp
	methods []string
	headers []Pair // names in lower case
	query   []Pair
}

func (m *matcher) fits(h *message.Head, s *Scratch) bool {
	return m.fitsHost(s.host) && m.fitsPath(s.path) && m.fitsMethod(h.Method) &&
		m.fitsHeaders(h.Fields) && m.fitsQuery(s.query)
}

// fitsHost compares without case.
func (m *matcher) fitsHost(host []byte) bool {
	if m.host == "" {
		return true
	}
	if m.below {
		return len(host) > len(m.host) && message.EqualFold(host[len(host)-len(m.host):], m.host)
	}
	return message.EqualFold(host, m.host)
}

// hostOf is an authority without port, brackets and final dot.
func hostOf(authority []byte) []byte {
	return bytes.TrimSuffix(withoutPort(authority), []byte("."))
}

func withoutPort(authority []byte) []byte {
	if len(authority) > 0 && authority[0] == '[' {
		if i := bytes.IndexByte(authority, ']'); i > 0 {
			return authority[1:i]
		}
	}
	if i := bytes.LastIndexByte(authority, ':'); i >= 0 {
		return authority[:i]
	}
	return authority
}

func (m *matcher) fitsPath(path []byte) bool {
	switch m.path.Kind {
	case Prefix:
		return hasPrefix(path, m.path.Value)
	case Exact:
		return string(path) == m.path.Value
	case Regex:
		return m.regex.Match(path)
	}
	return true
}

// hasPrefix compares by element; prefix has no slash at its end.
func hasPrefix(path []byte, prefix string) bool {
	if len(path) < len(prefix) || string(path[:len(prefix)]) != prefix {
		return false
	}
	return len(path) == len(prefix) || path[len(prefix)] == '/' || prefix == ""
}

func (m *matcher) fitsMethod(method []byte) bool {
	if len(m.methods) == 0 {
		return true
	}
	for _, want := range m.methods { //nolint:modernize // slices.Contains would have to make a string of method
		if string(method) == want {
			return true
		}
	}
	return false
}

func (m *matcher) fitsHeaders(fields []message.Field) bool {
	for _, want := range m.headers {
		if !hasField(fields, want) {
			return false
		}
	}
	return true
}

func hasField(fields []message.Field, want Pair) bool {
	for i := range fields {
		if message.EqualFold(fields[i].Name, want.Name) && string(fields[i].Value) == want.Value {
			return true
		}
	}
	return false
}

func (m *matcher) fitsQuery(query []byte) bool {
	for _, want := range m.query {
		found := false
		eachParameter(query, func(name, value []byte) bool {
			found = equalDecoded(name, want.Name) && equalDecoded(value, want.Value)
			return !found
		})
		if !found {
			return false
		}
	}
	return true
}

// eachParameter calls f for the parameters of a query, as they are encoded,
// until it returns false.
func eachParameter(query []byte, f func(name, value []byte) bool) {
	for len(query) > 0 {
		var pair []byte
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			pair, query = query, nil
		}
		name, value := pair, []byte(nil)
		if i := bytes.IndexByte(pair, '='); i >= 0 {
			name, value = pair[:i], pair[i+1:]
		}
		if !f(name, value) {
			return
		}
	}
}

// equalDecoded compares what a query's escapes stand for with plain text.
func equalDecoded(encoded []byte, plain string) bool {
	n := 0
	for i := 0; i < len(encoded); i, n = i+1, n+1 {
		c := encoded[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if v, ok := unescape(encoded[i:]); ok {
				c = v
				i += 2
			}
		}
		if n >= len(plain) || plain[n] != c {
			return false
		}
	}
	return n == len(plain)
}

// unescape reads the escape that b begins with.
func unescape(b []byte) (byte, bool) {
	if len(b) < 3 {
		return 0, false
	}
	high, ok1 := hexDigit(b[1])
	low, ok2 := hexDigit(b[2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
