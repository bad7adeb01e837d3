package config

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"poise/internal/lb"
)

// validator judges what a document means, once it could be read.
type validator struct {
	config *Config
	report func(path, what, hint string)
}

// enums checks every field that allows certain values only.
func (v *validator) enums() {
	eachField(reflect.ValueOf(v.config), "", func(path string, f fieldInfo, value reflect.Value) {
		if f.enum == nil || value.IsZero() && f.fallback == "" {
			return
		}
		check := func(path, text string) {
			if slices.Contains(f.enum, text) {
				return
			}
			if f.key == "protocols" || f.key == "protocol" {
				v.protocol(path, text)
				return
			}
			hint := didYouMean(text, f.enum)
			if hint == "" {
				hint = "use one of " + strings.Join(f.enum, ", ")
			}
			v.report(path, fmt.Sprintf("%q is not allowed here", text), hint)
		}
		if value.Kind() == reflect.Slice {
			for i := range value.Len() {
				check(indexed(path, i), fmt.Sprint(value.Index(i)))
			}
			return
		}
		check(path, fmt.Sprint(value))
	})
}

func (v *validator) protocol(path, text string) {
	if slices.Contains([]string{"h2", "h2c", "h3"}, text) {
		v.report(path, "not built yet", "only http1 is; take it out")
		return
	}
	v.report(path, fmt.Sprintf("%q is no protocol", text), "use http1")
}

func (v *validator) all() {
	if len(v.config.Listeners) == 0 {
		v.report("listeners", "there is no listener", `add one, as in listeners: [{address: ":8080"}]`)
	}
	if len(v.config.Clusters) == 0 {
		v.report("clusters", "there is no cluster", "add one, as in clusters: [{name: web, endpoints: [127.0.0.1:9001]}]")
	}
	v.unique("listeners", "address", len(v.config.Listeners), func(i int) string { return v.config.Listeners[i].Address })
	v.unique("clusters", "name", len(v.config.Clusters), func(i int) string { return v.config.Clusters[i].Name })
	for i := range v.config.Listeners {
		v.listener(indexed("listeners", i), &v.config.Listeners[i])
	}
	for i := range v.config.Clusters {
		v.cluster(indexed("clusters", i), &v.config.Clusters[i])
	}
	for i := range v.config.Routes {
		v.route(indexed("routes", i), &v.config.Routes[i])
	}
	if len(v.config.Routes) == 0 && len(v.config.Clusters) > 1 {
		v.report("clusters", "there are several clusters and no routes", "add routes that say which requests go to which cluster")
	}
	v.admin()
}

func (v *validator) unique(path, key string, n int, get func(int) string) {
	seen := map[string]int{}
	for i := range n {
		if first, ok := seen[get(i)]; ok && get(i) != "" {
			v.report(indexed(path, i)+"."+key, fmt.Sprintf("%q is used by %s already", get(i), indexed(path, first)), "use another")
		}
		seen[get(i)] = i
	}
}

func (v *validator) listener(path string, l *Listener) {
	v.address(path+".address", l.Address, bindable)
	for i, p := range l.TrustedProxies {
		if _, err := parsePrefix(p); err != nil {
			v.report(indexed(path+".trusted_proxies", i), fmt.Sprintf("%q is no network", p), "write it as in 10.0.0.0/8")
		}
	}
	v.positive(path+".limits.request_line", int64(l.Limits.RequestLine))
	v.positive(path+".limits.header_bytes", int64(l.Limits.HeaderBytes))
	v.positive(path+".limits.fields", int64(l.Limits.Fields))
	v.positive(path+".limits.connections", int64(l.Limits.Connections))
	v.positive(path+".limits.header_timeout", int64(l.Limits.HeaderTimeout))
	v.positive(path+".limits.body_between", int64(l.Limits.BodyBetween))
	v.positive(path+".limits.keepalive", int64(l.Limits.Keepalive))
	v.atMost(path+".limits.header_bytes", int64(l.Limits.HeaderBytes), 1<<20, "1MiB")
	v.atMost(path+".limits.request_line", int64(l.Limits.RequestLine), 1<<20, "1MiB")
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// Trusted returns the networks of trusted_proxies.
func (l *Listener) Trusted() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range l.TrustedProxies {
		if p, err := parsePrefix(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func (v *validator) positive(path string, n int64) {
	if n <= 0 {
		v.report(path, "must be more than 0", "leave it out for the default")
	}
}

func (v *validator) atMost(path string, n, most int64, text string) {
	if n > most {
		v.report(path, "is too large", "at most "+text)
	}
}

// addressUse says what an address is for.
type addressUse uint8

const (
	bindable addressUse = iota // may leave the host out
	dialable
)

func (v *validator) address(path, text string, use addressUse) {
	if text == "" {
		v.report(path, "is missing", "write host:port")
		return
	}
	host, port, err := net.SplitHostPort(text)
	n, portErr := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil:
		v.report(path, fmt.Sprintf("%q is no address", text), "write host:port, as in 127.0.0.1:9001")
	case portErr != nil || n == 0 && use == dialable:
		v.report(path, fmt.Sprintf("%q has no port from 1 to 65535", text), "")
	case host == "" && use == dialable:
		v.report(path, fmt.Sprintf("%q has no host", text), "write host:port, as in 127.0.0.1:9001")
	}
}

func (v *validator) cluster(path string, c *Cluster) {
	if c.Name == "" {
		v.report(path+".name", "is missing", "give the cluster a name")
	}
	if len(c.Endpoints) == 0 {
		v.report(path+".endpoints", "there is no endpoint", "add at least one host:port")
	}
	v.unique(path+".endpoints", "address", len(c.Endpoints), func(i int) string { return c.Endpoints[i].Address })
	for i, e := range c.Endpoints {
		at := indexed(path+".endpoints", i)
		v.address(at+".address", e.Address, dialable)
		if e.Weight < 1 || e.Weight > 1000 {
			v.report(at+".weight", "must be from 1 to 1000", "to send it nothing use poise endpoint … disable")
		}
		if e.Priority < 0 {
			v.report(at+".priority", "must be 0 or more", "")
		}
	}
	v.policy(path, c)
	if c.Health != nil {
		v.health(path+".health", c.Health)
	}
	if c.Retry.MaxRetries < 0 || c.Retry.MaxRetries > 5 {
		v.report(path+".retry.max_retries", "must be from 0 to 5", "more would multiply the load of an outage")
	}
	v.positive(path+".timeouts.connect", int64(c.Timeouts.Connect))
	v.positive(path+".timeouts.keepalive", int64(c.Timeouts.Keepalive))
	v.positive(path+".connections.idle", int64(c.Connections.Idle))
	v.positive(path+".connections.lifetime", int64(c.Connections.Lifetime))
	if c.Timeouts.Total > 0 && c.Timeouts.Head > c.Timeouts.Total && c.Timeouts.Head != Duration(defaultHead) {
		v.report(path+".timeouts.head", "is longer than timeouts.total", "make it shorter, or total longer")
	}
	if c.Sticky != nil && (c.Sticky.Cookie == "" || strings.ContainsAny(c.Sticky.Cookie, " \t\",;=\\")) {
		v.report(path+".sticky.cookie", fmt.Sprintf("%q is no cookie name", c.Sticky.Cookie), "use letters, digits, - and _")
	}
}

const defaultHead = 30_000_000_000

func (v *validator) policy(path string, c *Cluster) {
	known := append([]string{lb.Adaptive, "least-connections"}, lb.Policies...)
	switch {
	case c.Policy == "expected-delay":
		v.report(path+".policy", "expected-delay is not built yet", "it belongs to the decision engine; use hot-cold")
	case !slices.Contains(known, c.Policy):
		hint := didYouMean(c.Policy, known)
		if hint == "" {
			hint = "use one of " + strings.Join(known, ", ")
		}
		v.report(path+".policy", fmt.Sprintf("there is no policy %q", c.Policy), hint)
	case slices.Contains([]string{"bounded-hash", "ring-hash", "maglev"}, c.Policy) && c.HashKey == "":
		v.report(path+".policy", c.Policy+" needs a hash_key", "add hash_key: ip, or header:NAME, cookie:NAME, query:NAME, path")
	}
	if c.HashKey != "" && !validHashKey(c.HashKey) {
		v.report(path+".hash_key", fmt.Sprintf("%q is no hash key", c.HashKey), "use ip, path, header:NAME, cookie:NAME or query:NAME")
	}
}

func validHashKey(text string) bool {
	kind, name, named := strings.Cut(text, ":")
	switch kind {
	case "ip", "path":
		return !named
	case "header", "cookie", "query":
		return named && name != ""
	}
	return false
}

func (v *validator) health(path string, h *Health) {
	kinds := 0
	for _, given := range []bool{h.Path != "", h.GRPC != "", h.TCP} {
		if given {
			kinds++
		}
	}
	if kinds > 1 {
		v.report(path, "has more than one of path, grpc and tcp", "keep one")
	}
	if h.Path != "" && h.Path[0] != '/' {
		v.report(path+".path", fmt.Sprintf("%q does not begin with /", h.Path), "")
	}
	v.positive(path+".interval", int64(h.Interval))
	v.positive(path+".timeout", int64(h.Timeout))
	v.positive(path+".rise", int64(h.Rise))
	v.positive(path+".fall", int64(h.Fall))
	v.positive(path+".initial", int64(h.Initial))
	if _, err := ParseStatuses(h.Expect); err != nil {
		v.report(path+".expect", err.Error(), "write it as in 200-299,304")
	}
	if h.Jitter > 0.5 {
		v.report(path+".jitter", "is more than 50%", "")
	}
}

// ParseStatuses reads statuses and ranges of them, as in 200-299,304.
func ParseStatuses(text string) ([][2]int, error) {
	var all [][2]int
	for _, part := range strings.Split(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.Atoi(low)
		to, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || from < 100 || to > 599 || from > to {
			return nil, fmt.Errorf("%q is no list of statuses", text)
		}
		all = append(all, [2]int{from, to})
	}
	return all, nil
}

func (v *validator) route(path string, r *Route) {
	v.destination(path, r)
	v.match(path+".match", &r.Match)
	if r.StripPrefix != "" && r.StripPrefix[0] != '/' {
		v.report(path+".strip_prefix", fmt.Sprintf("%q does not begin with /", r.StripPrefix), "")
	}
	for _, h := range []struct {
		key string
		h   *Headers
	}{{"request_headers", &r.RequestHeaders}, {"response_headers", &r.ResponseHeaders}} {
		v.headers(path+"."+h.key, h.h)
	}
}

func (v *validator) destination(path string, r *Route) {
	given := 0
	for _, g := range []bool{r.Cluster != "", len(r.To) > 0, r.Redirect != nil} {
		if g {
			given++
		}
	}
	if given != 1 {
		v.report(path, "needs exactly one of cluster, to and redirect", "")
	}
	var names []string
	for _, c := range v.config.Clusters {
		names = append(names, c.Name)
	}
	check := func(path, name string) {
		if !slices.Contains(names, name) {
			v.report(path, fmt.Sprintf("there is no cluster %q", name), didYouMean(name, names))
		}
	}
	if r.Cluster != "" {
		check(path+".cluster", r.Cluster)
	}
	total := 0
	for i, t := range r.To {
		at := indexed(path+".to", i)
		check(at+".cluster", t.Cluster)
		if t.Weight < 0 || t.Weight > 1_000_000 {
			v.report(at+".weight", "must be from 0 to 1000000", "")
		}
		total += t.Weight
	}
	if len(r.To) > 0 && total == 0 {
		v.report(path+".to", "all weights are 0", "give one at least 1")
	}
}

func (v *validator) match(path string, m *Match) {
	if strings.Contains(strings.TrimPrefix(m.Host, "*."), "*") {
		v.report(path+".host", fmt.Sprintf("%q has a wildcard that is not the first label", m.Host), "write it as in *.example.com")
	}
	kinds := 0
	for _, p := range []struct{ key, value string }{{"prefix", m.Path.Prefix}, {"exact", m.Path.Exact}} {
		if p.value == "" {
			continue
		}
		kinds++
		if p.value[0] != '/' {
			v.report(path+".path."+p.key, fmt.Sprintf("%q does not begin with /", p.value), "")
		}
	}
	if m.Path.Regex != "" {
		kinds++
		if _, err := regexp.Compile(m.Path.Regex); err != nil {
			v.report(path+".path.regex", err.Error(), "the syntax is RE2's")
		}
	}
	if kinds > 1 {
		v.report(path+".path", "has more than one of prefix, exact and regex", "keep one")
	}
}

// ownedByConnection are fields that a route cannot change: what they say
// belongs to the connection, not to the message.
var ownedByConnection = []string{"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "keep-alive", "proxy-connection", "expect"}

func (v *validator) headers(path string, h *Headers) {
	check := func(path, name string) {
		if strings.Trim(name, fieldNameBytes) != "" || name == "" {
			v.report(path, fmt.Sprintf("%q is no field name", name), "use letters, digits and hyphens")
		} else if slices.Contains(ownedByConnection, strings.ToLower(name)) {
			v.report(path, name+" belongs to the connection and cannot be changed by a route", "for Host use host:")
		}
	}
	for kind, m := range map[string]map[string]string{"set": h.Set, "add": h.Add} {
		for name, value := range m {
			check(path+"."+kind+"."+name, name)
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				v.report(path+"."+kind+"."+name, "the value holds a control character", "")
			}
		}
	}
	for i, name := range h.Remove {
		check(indexed(path+".remove", i), name)
	}
}

const fieldNameBytes = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func (v *validator) admin() {
	a := &v.config.Admin
	v.address("admin.address", a.Address, bindable)
	if a.Probes != "" {
		v.address("admin.probes", a.Probes, bindable)
	}
	host, _, err := net.SplitHostPort(a.Address)
	if err == nil && a.Token == "" && !loopback(host) {
		v.report("admin.address", a.Address+" is reachable from other machines and there is no admin.token", "set a token, or bind to 127.0.0.1")
	}
	if a.Token != "" && len(a.Token) < 16 {
		v.report("admin.token", "is shorter than 16 characters", "use a random one, as from: openssl rand -hex 16")
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
