package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"poise/internal/route"
)

func (v *validator) route(path string, r *Route) {
	v.destination(path, r)
	v.match(path+".match", &r.Match)
	v.rooted(path+".strip_prefix", r.StripPrefix)
	v.matchable(path+".strip_prefix", r.StripPrefix)
	if !hostPort(r.Host) {
		v.report(path+".host", fmt.Sprintf("%q is no host name", r.Host), "use preserve, endpoint or a name")
	}
	if r.Redirect != nil {
		v.redirect(path+".redirect", r.Redirect)
	}
	if r.Rate != nil {
		v.rate(path+".rate", r.Rate)
		if r.Redirect != nil {
			v.report(path+".rate", "is of no use to a redirect", "take it out")
		}
	}
	v.headers(path+".request_headers", &r.RequestHeaders)
	v.headers(path+".response_headers", &r.ResponseHeaders)
}

// destination checks where a route leads to: exactly one of its three ways.
func (v *validator) destination(path string, r *Route) {
	given, broken := 0, false
	for key, is := range map[string]bool{"cluster": r.Cluster != "", "to": len(r.To) > 0, "redirect": r.Redirect != nil} {
		if is {
			given++
		}
		broken = broken || v.said[join(path, key)]
	}
	if given > 1 || given == 0 && !broken {
		v.report(path, "needs exactly one of cluster, to and redirect", "say where its requests go, once")
	}
	if r.Cluster != "" {
		v.knownCluster(path+".cluster", r.Cluster)
	}
	total := 0
	for i, t := range r.To {
		at := indexed(path+".to", i)
		v.knownCluster(at+".cluster", t.Cluster)
		if t.Weight > 1_000_000 {
			v.report(at+".weight", "must be from 0 to 1000000", "")
		}
		broken = broken || v.said[at+".weight"]
		total += t.Weight
	}
	if len(r.To) > 0 && total <= 0 && !broken {
		v.report(path+".to", "all weights are 0", "give one at least 1")
	}
}

// knownCluster checks a name, unless a mistake in a cluster's own name has
// been reported: then nobody knows which of the two is right.
func (v *validator) knownCluster(path, name string) {
	if v.said["clusters"] {
		return
	}
	var names []string
	for i, c := range v.config.Clusters {
		if v.said[indexed("clusters", i)+".name"] {
			return
		}
		names = append(names, c.Name)
	}
	if !slices.Contains(names, name) {
		v.report(path, fmt.Sprintf("there is no cluster %q", name), oneOf(name, names))
	}
}

func (v *validator) match(path string, m *Match) {
	name := strings.TrimPrefix(m.Host, "*.")
	switch {
	case m.Host == "":
	case strings.Contains(name, "*"):
		v.report(path+".host", fmt.Sprintf("%q has a wildcard that is not the first label", m.Host), "write it as in *.example.com")
	case !hostName(strings.Trim(name, "[]")):
		v.report(path+".host", fmt.Sprintf("%q is no host name", m.Host), "write it without scheme and port")
	}
	v.matchPath(path+".path", &m.Path)
	for i, method := range m.Method {
		at := indexed(path+".method", i)
		v.token(at, method, "method")
		if upper := strings.ToUpper(method); upper == "CONNECT" || upper == "TRACE" {
			v.report(at, upper+" is answered with 405 before any route is asked", "take it out")
		}
	}
	for field := range m.Header {
		v.fieldName(join(path+".header", field), field)
	}
}

func (v *validator) matchPath(path string, p *Path) {
	kinds := 0
	for _, text := range []string{p.Prefix, p.Exact, p.Regex} {
		if text != "" {
			kinds++
		}
	}
	if kinds > 1 {
		v.report(path, "has more than one of prefix, exact and regex", "keep one")
	}
	v.rooted(path+".prefix", p.Prefix)
	v.rooted(path+".exact", p.Exact)
	v.matchable(path+".prefix", p.Prefix)
	v.matchable(path+".exact", p.Exact)
	_, err := regexp.Compile(p.Regex)
	if err == nil { // what is open at its end would swallow what it is wrapped in
		_, err = regexp.Compile(`\A(?:` + p.Regex + `)\z`)
	}
	if err != nil {
		v.report(path+".regex", strings.TrimPrefix(err.Error(), "error parsing regexp: "), "the syntax is RE2's")
	}
}

func (v *validator) redirect(path string, r *Redirect) {
	if r.Scheme == "" && r.Host == "" && r.Path == "" {
		v.report(path, "leads back to the place it came from", "give it a scheme, a host or a path")
	}
	v.rooted(path+".path", r.Path)
	if r.Host != "" && !hostPort(r.Host) {
		v.report(path+".host", fmt.Sprintf("%q is no host name", r.Host), "write host or host:port")
	}
}

// matchable reports a path that no request can have.
func (v *validator) matchable(path, text string) {
	if _, err := route.NormalPath(text); err != nil && !v.said[path] && !strings.Contains(text, "?") {
		v.report(path, err.Error(), "take out %2F, %5C, %00, backslashes and broken escapes")
	}
}

// ownedByConnection are fields that a route can neither change nor match: what
// they say belongs to the connection, not to the message.
var ownedByConnection = []string{"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "keep-alive", "proxy-connection", "expect"}

// fieldName checks the name of a field that a route changes or matches.
func (v *validator) fieldName(path, name string) {
	v.token(path, name, "field name")
	if slices.Contains(ownedByConnection, strings.ToLower(name)) {
		v.report(path, name+" belongs to the connection; a route can neither change nor match it", "for Host use host:")
	}
}

func (v *validator) headers(path string, h *Headers) {
	names := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(h.Set)) {
		at := join(path+".set", name)
		v.fieldName(at, name)
		if lower := strings.ToLower(name); names[lower] {
			v.report(at, name+" is set twice, in upper and in lower case", "keep one")
		} else {
			names[lower] = true
		}
	}
	for name := range h.Add {
		v.fieldName(join(path+".add", name), name)
	}
	for i, name := range h.Remove {
		v.fieldName(indexed(path+".remove", i), name)
	}
}
