// Package route finds out which route a request takes and how the route
// rewrites it. A table is immutable; a match allocates nothing.
package route

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"poise/internal/message"
	"poise/internal/stats"
)

// Spec is a route as it is configured.
type Spec struct {
	Name            string // in metrics and logs; "" means made from the match
	Match           Match
	To              []Target
	StripPrefix     string
	RequestHeaders  Changes
	ResponseHeaders Changes
	Host            Host
	Timeout         time.Duration // to the answer's head; 0 means the cluster's
	Redirect        *Redirect
}

// Match says which requests a route is for. What is not given fits all.
type Match struct {
	Host    string // exact, or "*.example.com" for names below it
	Path    Path
	Methods []string
	Headers []Pair // each must be there with this very value
	Query   []Pair // likewise
}

// Pair is a name and a value.
type Pair struct{ Name, Value string }

// PathKind says how a path is compared.
type PathKind uint8

// The kinds.
const (
	AnyPath PathKind = iota
	Prefix           // by element: /v1 fits /v1 and /v1/x, not /v10
	Exact
	Regex // the whole path
)

// Path is what a path is compared with.
type Path struct {
	Kind  PathKind
	Value string
}

// Target is a cluster and the share of requests that it gets.
type Target struct {
	Cluster string
	Weight  int
}

// HostKind says which Host an endpoint is asked for.
type HostKind uint8

// The kinds.
const (
	HostPreserve HostKind = iota // the client's
	HostEndpoint                 // the endpoint's address
	HostName                     // a fixed one
)

// Host is the Host that an endpoint is asked for.
type Host struct {
	Kind HostKind
	Name []byte
}

// Redirect answers with another place to go to. Empty parts stay as they are;
// the query always does.
type Redirect struct {
	Scheme string
	Host   string
	Path   string
	Status int // 301, 302, 303, 307 or 308
}

// Table is a list of routes; the first that fits is taken.
type Table struct{ routes []Route }

// Route is a compiled Spec.
type Route struct {
	Index    int
	Name     string
	Targets  []Target
	Timeout  time.Duration
	Host     Host
	Redirect *Redirect

	match    matcher
	strip    string
	weight   int // of all targets
	request  changes
	response changes
}

// Compile makes a table. Its error names the route and what to do.
func Compile(specs []Spec) (*Table, error) {
	t := &Table{}
	for i, s := range specs {
		r, err := compile(i, s)
		if err != nil {
			return nil, fmt.Errorf("routes[%d]: %w", i, err)
		}
		t.routes = append(t.routes, r)
	}
	return t, nil
}

func compile(i int, s Spec) (Route, error) {
	r := Route{Index: i, Name: s.Name, Targets: s.To, Timeout: s.Timeout, Host: s.Host, Redirect: s.Redirect}
	if r.Name == "" {
		r.Name = nameOf(s.Match)
	}
	for _, to := range s.To {
		if to.Weight < 0 {
			return r, fmt.Errorf("the weight of cluster %s is negative; use 0 or more", to.Cluster)
		}
		r.weight += to.Weight
	}
	if s.Redirect == nil && r.weight == 0 {
		return r, fmt.Errorf("no target has a weight; give one at least 1")
	}
	strip, err := NormalPath(s.StripPrefix)
	if err != nil {
		return r, fmt.Errorf("strip_prefix: %w", err)
	}
	r.strip = strings.TrimSuffix(strip, "/")
	if r.match, err = compileMatch(s.Match); err != nil {
		return r, err
	}
	if r.request, err = compileChanges(s.RequestHeaders); err != nil {
		return r, fmt.Errorf("request_headers: %w", err)
	}
	if r.response, err = compileChanges(s.ResponseHeaders); err != nil {
		return r, fmt.Errorf("response_headers: %w", err)
	}
	return r, nil
}

// nameOf describes a match in few words. Two routes may share a name; then
// they share their counters.
func nameOf(m Match) string {
	name := m.Host + m.Path.Value
	if name == "" {
		return "default"
	}
	return name
}

func compileMatch(m Match) (matcher, error) {
	k := matcher{host: strings.ToLower(strings.Trim(strings.TrimSuffix(m.Host, "."), "[]")), path: m.Path}
	if suffix, ok := strings.CutPrefix(k.host, "*."); ok {
		k.host, k.below = "."+suffix, true
	}
	if strings.Contains(k.host, "*") {
		return k, fmt.Errorf("host %q: a wildcard may only be the first label, as in *.example.com", m.Host)
	}
	if err := k.compilePath(); err != nil {
		return k, err
	}
	for _, method := range m.Methods {
		k.methods = append(k.methods, strings.ToUpper(method))
	}
	for _, h := range m.Headers {
		if err := checkName(h.Name); err != nil {
			return k, fmt.Errorf("header: %w", err)
		}
		k.headers = append(k.headers, Pair{strings.ToLower(h.Name), h.Value})
	}
	k.query = m.Query
	return k, nil
}

func (m *matcher) compilePath() (err error) {
	switch m.path.Kind {
	case Prefix:
		m.path.Value, err = NormalPath(m.path.Value)
		m.path.Value = strings.TrimSuffix(m.path.Value, "/")
	case Exact:
		m.path.Value, err = NormalPath(m.path.Value)
	case Regex:
		if m.regex, err = regexp.Compile(`\A(?:` + m.path.Value + `)\z`); err != nil {
			err = fmt.Errorf("path regex: %w", err)
		}
	}
	return err
}

// Len returns the number of routes.
func (t *Table) Len() int { return len(t.routes) }

// Name returns the name of a route.
func (t *Table) Name(i int) string { return t.routes[i].Name }

// Match returns the first route that fits, or nil. A path that hides what it
// means is refused.
func (t *Table) Match(h *message.Head, s *Scratch) (*Route, *message.Refusal) {
	if refusal := s.normalise(h.Path); refusal != nil {
		return nil, refusal
	}
	s.host = hostOf(h.Authority)
	for i := range t.routes {
		if t.routes[i].match.fits(h, s) {
			return &t.routes[i], nil
		}
	}
	return nil, nil
}

// Redirects reports whether the route answers by itself.
func (r *Route) Redirects() bool { return r.Redirect != nil }

// Choose returns the index of a target, by weight.
func (r *Route) Choose(d *stats.Dice) int {
	if len(r.Targets) == 1 {
		return 0
	}
	return r.target(d.IntN(r.weight))
}

// target returns the index of the target that has the n-th share, n in
// [0, the weight of all).
func (r *Route) target(n int) int {
	for i, t := range r.Targets {
		if n -= t.Weight; n < 0 {
			return i
		}
	}
	return 0
}
