package route

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"poise/internal/message"
)

// Changes are made to the fields of a message: first Remove, then Set, which
// leaves one field of the name, then Add.
type Changes struct {
	Set, Add []Pair
	Remove   []string
}

type changes struct {
	remove   []string // in lower case
	set, add []message.Field
	setNames []string // in lower case
}

// reserved are the names whose meaning belongs to the connection: a route
// that set one could make a message mean something else to the endpoint.
var reserved = map[string]bool{
	"host": true, "connection": true, "content-length": true, "transfer-encoding": true, "upgrade": true,
	"te": true, "trailer": true, "keep-alive": true, "proxy-connection": true, "expect": true,
}

func compileChanges(c Changes) (changes, error) {
	var k changes
	for _, name := range c.Remove {
		if err := checkName(name); err != nil {
			return k, err
		}
		k.remove = append(k.remove, strings.ToLower(name))
	}
	for _, p := range c.Set {
		if err := checkField(p); err != nil {
			return k, err
		}
		if slices.Contains(k.setNames, strings.ToLower(p.Name)) {
			return k, fmt.Errorf("the field %s is set twice; keep one", p.Name)
		}
		k.set = append(k.set, field(p))
		k.setNames = append(k.setNames, strings.ToLower(p.Name))
	}
	for _, p := range c.Add {
		if err := checkField(p); err != nil {
			return k, err
		}
		k.add = append(k.add, field(p))
	}
	return k, nil
}

func field(p Pair) message.Field {
	name := []byte(p.Name)
	return message.Field{Name: name, Value: []byte(p.Value), ID: message.LookUp(name)}
}

func checkName(name string) error {
	if name == "" || strings.Trim(name, tokenBytes) != "" {
		return fmt.Errorf("%q is no field name; use letters, digits and hyphens", name)
	}
	if reserved[strings.ToLower(name)] {
		return fmt.Errorf("the field %s belongs to the connection and a route can neither change nor match it (for Host use `host:`)", name)
	}
	return nil
}

const tokenBytes = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" //nolint:gosec // an alphabet, no credential

func checkField(p Pair) error {
	for _, c := range []byte(p.Value) {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return fmt.Errorf("the value of %s holds a control character", p.Name)
		}
	}
	return checkName(p.Name)
}

// ChangeRequest makes the route's changes to the fields of a request, in
// place where there is room.
func (r *Route) ChangeRequest(fields []message.Field) []message.Field {
	return r.request.apply(fields)
}

// ChangeResponse does the same to an answer's.
func (r *Route) ChangeResponse(fields []message.Field) []message.Field {
	return r.response.apply(fields)
}

func (c *changes) apply(fields []message.Field) []message.Field {
	if len(c.remove) > 0 {
		fields = without(fields, c.remove)
	}
	if len(c.set) > 0 {
		fields = append(without(fields, c.setNames), c.set...)
	}
	return append(fields, c.add...)
}

func without(fields []message.Field, names []string) []message.Field {
	kept := fields[:0]
	for i := range fields {
		if !named(&fields[i], names) {
			kept = append(kept, fields[i])
		}
	}
	return kept
}

func named(f *message.Field, names []string) bool {
	for _, n := range names {
		if message.EqualFold(f.Name, n) {
			return true
		}
	}
	return false
}

// ForwardPath returns the target that an endpoint is asked for: the client's
// own bytes, less the prefix to strip. Where dot segments decided what the
// prefix is, the normal form is what is stripped and sent, since in the
// client's bytes there is nothing to cut. It must follow the Match that s was
// used for and is valid until the next one.
func (r *Route) ForwardPath(target []byte, s *Scratch) []byte {
	if r.strip == "" || !hasPrefix(s.path, r.strip) {
		return target
	}
	path := target[:len(target)-queryLen(target)]
	if s.dots {
		return s.rooted(s.path[len(r.strip):], target[len(path):])
	}
	if cut := encodedLen(path, len(r.strip)); cut < len(path) { // by element: a slash follows
		return target[cut:]
	}
	return s.rooted(nil, target[len(path):])
}

// encodedLen returns how many bytes at the start of a path, which has no dot
// segments, stand for the first n of its normal form.
func encodedLen(path []byte, n int) int {
	i := 0
	for ; n > 0; n-- {
		if v, ok := unescape(path[i:]); path[i] == '%' && ok && unreserved(v) {
			i += 2
		}
		i++
	}
	return i
}

func queryLen(target []byte) int {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		return len(target) - i
	}
	return 0
}

// rooted joins a path and a query to a target that begins with a slash.
func (s *Scratch) rooted(path, query []byte) []byte {
	s.target = s.target[:0]
	if len(path) == 0 || path[0] != '/' {
		s.target = append(s.target, '/')
	}
	s.target = append(append(s.target, path...), query...)
	return s.target
}

// AppendLocation appends where a redirect sends the client.
func (r *Route) AppendLocation(dst []byte, h *message.Head) []byte {
	to := r.Redirect
	path, query := h.Path, []byte(nil)
	if i := bytes.IndexByte(h.Path, '?'); i >= 0 {
		path, query = h.Path[:i], h.Path[i:]
	}
	if string(path) == "*" { // OPTIONS *: the whole of the other place
		path = nil
	}
	if to.Scheme != "" || to.Host != "" {
		scheme := to.Scheme
		if scheme == "" {
			scheme = string(h.Scheme)
		}
		dst = append(append(dst, scheme...), "://"...)
		if to.Host != "" {
			dst = append(dst, to.Host...)
		} else {
			dst = append(dst, authorityFor(to.Scheme, h)...)
		}
	}
	if to.Path != "" {
		dst = append(dst, to.Path...)
	} else {
		dst = append(dst, path...)
	}
	return append(dst, query...)
}

// authorityFor takes the port off when the scheme changes: that of http is
// not that of https.
func authorityFor(scheme string, h *message.Head) []byte {
	authority := h.Authority
	if scheme == "" || scheme == string(h.Scheme) || bytes.HasSuffix(authority, []byte("]")) {
		return authority
	}
	if i := bytes.LastIndexByte(authority, ':'); i >= 0 {
		return authority[:i]
	}
	return authority
}
