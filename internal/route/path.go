package route

import (
	"bytes"
	"fmt"

	"poise/internal/message"
)

// Scratch is the memory of one match at a time.
type Scratch struct {
	host   []byte // that is asked for, without port
	path   []byte // normalised; a part of the request's own bytes where that was normal
	query  []byte // as sent
	dots   bool   // normalising took dot segments out
	memory []byte // of path
	target []byte // what ForwardPath had to write anew
}

var badPath = &message.Refusal{
	Status: 400, Word: "bad-path",
	Text: "the path holds an escaped slash, backslash or NUL, a backslash, or an escape that is none; endpoints would read it in different ways",
}

// normalise prepares the path of a target for matching: dot segments are
// removed (RFC 3986 section 5.2.4) and escapes of unreserved characters
// decoded (section 6.2.2.2). Two slashes stay two. What is forwarded are the
// client's own bytes.
func (s *Scratch) normalise(target []byte) *message.Refusal {
	path, query, _ := bytes.Cut(target, []byte("?"))
	s.query, s.dots = query, false
	if normal(path) {
		s.path = path
		return nil
	}
	decoded, ok := decode(s.memory[:0], path)
	s.memory = decoded
	if !ok {
		return badPath
	}
	s.path = removeDots(decoded)
	s.dots = len(s.path) < len(decoded) // a dot segment never goes without a trace
	return nil
}

// NormalPath normalises a path that an operator wrote, so that it is compared
// in the form that requests are brought into. A byte that no request can send
// as it is becomes its escape. The error says why no request can have the path.
func NormalPath(path string) (string, error) {
	var encoded []byte
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f {
			encoded = fmt.Appendf(encoded, "%%%02X", c)
		} else {
			encoded = append(encoded, c)
		}
	}
	var s Scratch
	if s.normalise(encoded) != nil || s.query != nil {
		return "", fmt.Errorf("%q can never fit: a request with such a path is refused", path)
	}
	return string(s.path), nil
}

// normal reports whether a path needs no work, as nearly all do.
func normal(path []byte) bool {
	for i, c := range path {
		if c == '%' || c == '\\' || c == '.' && i > 0 && path[i-1] == '/' {
			return false
		}
	}
	return true
}

// decode decodes the escapes of unreserved characters and writes the others
// in upper case. It reports whether the path is one that everybody reads in
// the same way.
func decode(dst, path []byte) ([]byte, bool) {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '\\' {
			return dst, false
		}
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		v, ok := unescape(path[i:])
		if !ok || v == '/' || v == '\\' || v == 0 {
			return dst, false
		}
		if unreserved(v) {
			dst = append(dst, v)
		} else {
			dst = append(dst, '%', hex[v>>4], hex[v&15])
		}
		i += 2
	}
	return dst, true
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		return true
	}
	return false
}

// removeDots works in place. A path that begins with a slash still does.
func removeDots(path []byte) []byte {
	if len(path) == 0 || path[0] != '/' {
		return path
	}
	out := path[:0]
	for i := 0; i < len(path); {
		end := i + 1 // of the segment, whose slash is at i
		for end < len(path) && path[end] != '/' {
			end++
		}
		last := end == len(path)
		switch string(path[i+1 : end]) {
		case ".":
			if last {
				out = append(out, '/')
			}
		case "..":
			out = out[:max(bytes.LastIndexByte(out, '/'), 0)]
			if last {
				out = append(out, '/')
			}
		default:
			out = append(out, path[i:end]...)
		}
		i = end
	}
	if len(out) == 0 {
		out = append(out, '/')
	}
	return out
}
