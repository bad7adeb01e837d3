package route

import (
	"bytes"
	"fmt"
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
		return fmt.Errorf("the field %s belongs to the connection and cannot be changed by a route (for Host use `host:`)", name)
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
// own bytes, less the prefix to strip. Where the prefix is there only after
// normalising, the normal form is what is stripped and sent, since in the
// client's bytes there is nothing to cut.
func (r *Route) ForwardPath(target []byte, s *Scratch) []byte {
	if r.strip == "" {
		return target
	}
	path := target[:len(target)-queryLen(target)]
	if hasPrefix(path, r.strip) && hasPrefix(s.path, r.strip) && normal(path) {
		return rooted(target[len(r.strip):], s)
	}
	if !hasPrefix(s.path, r.strip) {
		return target
	}
	whole := append(append([]byte(nil), s.path[len(r.strip):]...), target[len(path):]...)
	return rooted(whole, s)
}

func queryLen(target []byte) int {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		return len(target) - i
	}
	return 0
}

// rooted makes sure that a target begins with a slash.
func rooted(target []byte, s *Scratch) []byte {
	if len(target) > 0 && target[0] == '/' {
		return target
	}
	s.memory = append(append(s.memory[:0], '/'), target...)
	return s.memory
}

// AppendLocation appends where a redirect sends the client.
func (r *Route) AppendLocation(dst []byte, h *message.Head) []byte {
	to := r.Redirect
	path, query := h.Path, []byte(nil)
	if i := bytes.IndexByte(h.Path, '?'); i >= 0 {
		path, query = h.Path[:i], h.Path[i:]
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
			dst = append(dst, withoutDefault(h.Authority, to.Scheme)...)
		}
	}
	if to.Path != "" {
		dst = append(dst, to.Path...)
	} else {
		dst = append(dst, path...)
	}
	return append(dst, query...)
}

// withoutDefault takes the port off when the scheme changes: that of http is
// not that of https.
func withoutDefault(authority []byte, scheme string) []byte {
	if scheme == "" || len(authority) == 0 || authority[len(authority)-1] == ']' {
		return authority
	}
	if i := bytes.LastIndexByte(authority, ':'); i >= 0 {
		return authority[:i]
	}
	return authority
}
