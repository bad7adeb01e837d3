package arena

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"poise/bench/rig"
)

// A Subject is a proxy with a policy.
type Subject struct {
	Name   string // "haproxy leastconn"
	Proxy  string // of package rig
	Policy string // in the proxy's own words
	Engine string // of Poise's document, "" for the defaults
}

const (
	poise = "poise"
	// scaled are times of the engine a fifth of the usual, so that a run of a
	// minute sees what five see.
	scaled = "engine: {evaluate: 2s, dwell: 12s}\n"
	advise = "engine: {mode: advise, evaluate: 2s, dwell: 12s}\n"
)

// Adaptive is Poise as it comes.
const Adaptive = "poise adaptive"

// Scaled is the same with the engine's times a fifth of the usual.
const Scaled = "poise adaptive scaled"

// Subjects are all that can be measured. Hash policies need keys.
var Subjects = []Subject{
	{Name: Adaptive, Proxy: poise, Policy: "adaptive"},
	own("expected-delay"), own("least-request"), own("hot-cold"), own("peak-ewma"), own("p2c"), own("round-robin"), own("bounded-hash"),
	{Name: "haproxy leastconn", Proxy: "haproxy", Policy: "leastconn"},
	{Name: "haproxy random(2)", Proxy: "haproxy", Policy: "random(2)"},
	{Name: "haproxy hash", Proxy: "haproxy", Policy: "hdr(x-key)\n  hash-type consistent\n  hash-balance-factor 150"},
	{Name: "nginx least_conn", Proxy: "nginx", Policy: "zone e 256k; least_conn;"},
	{Name: "nginx random two", Proxy: "nginx", Policy: "zone e 256k; random two least_conn;"},
	{Name: "caddy least_conn", Proxy: "caddy", Policy: "least_conn"},
	{Name: "caddy random_choose", Proxy: "caddy", Policy: "random_choose 2"},
	{Name: Scaled, Proxy: poise, Policy: "adaptive", Engine: scaled},
	advised("expected-delay"), advised("least-request"), advised("hot-cold"), advised("peak-ewma"), advised("p2c"), advised("round-robin"),
}

func own(policy string) Subject {
	return Subject{Name: poise + " " + policy, Proxy: poise, Policy: policy}
}

// advised is Poise with a policy that stays, and an engine that says what the
// others would do.
func advised(policy string) Subject {
	return Subject{Name: "poise advised " + policy, Proxy: poise, Policy: policy, Engine: advise}
}

// Advised are the policies that predictions are asked of.
var Advised = []string{"expected-delay", "hot-cold", "peak-ewma", "least-request", "p2c", "round-robin"}

// Peers are those that the bar is taken from, and Keyed what is measured
// beside them where there are keys: it is told of the key, as Poise is.
var (
	Peers = []string{"haproxy leastconn", "haproxy random(2)", "nginx least_conn", "nginx random two", "caddy least_conn", "caddy random_choose"}
	Keyed = []string{"haproxy hash", "poise bounded-hash"}
)

// subject returns the one of that name, nil when there is none.
func subject(name string) *Subject {
	i := slices.IndexFunc(Subjects, func(s Subject) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &Subjects[i]
}

// setup is what the subject is started with in a scenario.
func (s *Subject) setup(sc *Scenario) rig.Setup {
	set := rig.Setup{Policy: s.Policy, Health: "/health", Document: s.Engine}
	if sc.Keys > 0 {
		set.Cluster = ", hash_key: header:x-key"
	}
	return set
}

// stage is what one run happens on: workers behind a proxy.
type stage struct {
	sc      *Scenario
	fleet   *rig.Process
	workers []string // their addresses
	proxy   *rig.Running
}

// open starts everything. close must be called whatever it returns.
func (r *Runner) open(ctx context.Context, k Key) (*stage, error) {
	s := &stage{sc: found(k.Scenario)}
	settings := make([]json.RawMessage, s.sc.number())
	for i := range settings {
		a, err := rig.FreeAddress()
		if err != nil {
			return s, err
		}
		s.workers = append(s.workers, a)
		c := s.sc.class(i)
		settings[i] = fmt.Appendf(nil, `{"slots": %d, "slowness": %g, "distance": %q, "cache": %d}`, c.Slots, c.Slowness, c.Distance, c.Cache)
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return s, err
	}
	if s.fleet, err = rig.Start(r.layout.Endpoints, r.fleet, "-listen", strings.Join(s.workers, ","), "-settings", string(text)); err != nil {
		return s, err
	}
	for _, a := range s.workers {
		if err := s.fleet.Ready(ctx, a); err != nil {
			return s, err
		}
	}
	of := subject(k.Subject)
	set := of.setup(s.sc)
	set.Dir, set.Endpoints, set.Layout = r.bench.Dir, s.workers, r.layout
	s.proxy, err = r.bench.Proxy(of.Proxy).Start(ctx, set)
	return s, err
}

func (s *stage) close() {
	if s.proxy != nil {
		s.proxy.Stop()
	}
	if s.fleet != nil {
		s.fleet.Stop()
	}
}

// settle is how long a proxy gets for its first health checks.
const settle = 300 * time.Millisecond
