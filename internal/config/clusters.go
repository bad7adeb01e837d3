package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"poise/internal/lb"
)

func (v *validator) cluster(path string, c *Cluster) {
	v.unique(path+".endpoints", "address", len(c.Endpoints), func(i int) string { return c.Endpoints[i].Address })
	for i, e := range c.Endpoints {
		at := indexed(path+".endpoints", i)
		v.address(at+".address", e.Address, dialable)
		if e.Weight < 1 || e.Weight > 1000 {
			v.report(at+".weight", "must be from 1 to 1000", "to send it nothing use poise endpoint … disable")
		}
	}
	v.policy(path, c)
	if c.Health != nil {
		v.health(path+".health", c.Health)
	}
	if c.Sticky != nil {
		v.token(path+".sticky.cookie", c.Sticky.Cookie, "cookie name")
	}
	if c.Retry.MaxRetries > 5 {
		v.report(path+".retry.max_retries", "must be from 0 to 5", "more would multiply the load of an outage")
	}
	v.guard(path, c)
	v.positive(path+".timeouts.connect", int64(c.Timeouts.Connect))
	v.positive(path+".timeouts.keepalive", int64(c.Timeouts.Keepalive))
	v.positive(path+".connections.idle", int64(c.Connections.Idle))
	v.positive(path+".connections.lifetime", int64(c.Connections.Lifetime))
	if t := c.Timeouts; t.Total > 0 && t.Head > t.Total && t.Head != defaultHead {
		v.report(path+".timeouts.head", "is longer than timeouts.total", "make it shorter, or total longer")
	}
}

// defaultHead is the default of timeouts.head, which need not be written again
// to make total shorter than it. A test compares it with the tag.
const defaultHead = Duration(30 * time.Second)

var hashPolicies = []string{"bounded-hash", "ring-hash", "maglev"}

func (v *validator) policy(path string, c *Cluster) {
	known := append([]string{lb.Adaptive, "least-connections"}, lb.Policies...)
	switch {
	case !slices.Contains(known, c.Policy):
		v.report(path+".policy", fmt.Sprintf("there is no policy %q", c.Policy), oneOf(c.Policy, known))
	case slices.Contains(hashPolicies, c.Policy) && c.HashKey == "" && !v.said[path+".hash_key"]:
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
	case "header", "cookie":
		return name != "" && strings.Trim(name, tokenBytes) == ""
	case "query":
		return name != ""
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
	v.target(path+".path", h.Path)
	v.positive(path+".interval", int64(h.Interval))
	v.positive(path+".timeout", int64(h.Timeout))
	v.positive(path+".rise", int64(h.Rise))
	v.positive(path+".fall", int64(h.Fall))
	v.positive(path+".initial", int64(h.Initial))
	if _, err := ParseStatuses(h.Expect); err != nil {
		v.report(path+".expect", err.Error(), "write it as in 200-299,304")
	}
	if h.Jitter > 0.5 {
		v.report(path+".jitter", "is more than 50%", "use less, or a longer interval")
	}
}

// ParseStatuses reads statuses and ranges of them, from 100 to 599, as in
// 200-299,304.
func ParseStatuses(text string) ([][2]int, error) {
	var all [][2]int
	for part := range strings.SplitSeq(text, ",") {
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
