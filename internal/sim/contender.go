package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/scenario"
)

// The names of contenders that are no policy.
const (
	Floor    = "floor"    // no policy can beat it
	Central  = "central"  // one queue for all, which knows everything
	Adaptive = "adaptive" // the engine, judging by its model
	Rules    = "rules"    // the engine, judging by rules
	Bandit   = "bandit"   // discounted UCB: tries policies and remembers what they cost
)

// Contender is a way of choosing endpoints: a policy, a judge above policies,
// or a reference.
type Contender struct {
	Name string
	From string // the policy that a judge starts with; "" is its own choice
}

// String returns name, or name:from.
func (c Contender) String() string {
	if c.From == "" {
		return c.Name
	}
	return c.Name + ":" + c.From
}

// judged reports whether it is a judge above policies.
func (c Contender) judged() bool {
	return c.Name == Adaptive || c.Name == Rules || c.Name == Bandit
}

// Contenders are all names.
func Contenders() []string {
	return append(append([]string{}, lb.Policies...), Adaptive, Rules, Bandit, Central, Floor)
}

// ParseContender reads name or name:from.
func ParseContender(text string) (Contender, error) {
	name, from, found := strings.Cut(text, ":")
	c := Contender{Name: name, From: from}
	if name == "least-connections" {
		c.Name = "least-request"
	}
	if !slices.Contains(Contenders(), c.Name) {
		return c, fmt.Errorf("there is no policy %q; there are %s", name, strings.Join(Contenders(), ", "))
	}
	if found && (!c.judged() || !slices.Contains(lb.Policies, from)) {
		return c, fmt.Errorf("%q: a judge may start from a policy, as in adaptive:round-robin", text)
	}
	return c, nil
}

// Play runs a scenario under a contender. jobs are what Draw drew for it.
func Play(s *scenario.Scenario, jobs []scenario.Job, c Contender, seed uint64, o Options) Result {
	var res Result
	switch c.Name {
	case Floor:
		res = summarise(s, jobs, floor(s, jobs))
	case Central:
		res = summarise(s, jobs, playCentral(s, jobs))
	default:
		r := newRun(s, jobs, seed)
		for _, b := range r.balancers {
			r.prepare(b, c, o)
		}
		r.play()
		res = summarise(s, jobs, r.took)
		if m := r.balancers[0].mind; m != nil { // of several balancers the first one tells
			res.Switches, res.Decisions = m.switches, m.decisions
		}
	}
	res.Contender, res.Seed = c, seed
	return res
}

// Options are what the judges go by. The zero value is what serves.
type Options struct {
	Pinned  time.Duration // how long the operator keeps the policy that a judge starts from; 0: 10 s, when one is named
	Decide  decide.Options
	Watched func(*decide.Decision) // sees every decision; called from the run that makes it. May be nil
}

// prepare gives a balancer its policy and whatever stands above it.
func (r *run) prepare(b *balancer, c Contender, o Options) {
	policy := c.Name
	switch c.Name {
	case Bandit:
		policy = cmp.Or(c.From, fixed[0])
		r.giveMind(b, newBandit(startingWith(policy, fixed), r.now))
	case Adaptive, Rules:
		policy = r.judged(b, c, o)
	case "expected-delay":
		r.giveMind(b, nil)
	}
	b.use(policy)
}

// judged puts the engine above a balancer and returns the policy that it
// begins with.
func (r *run) judged(b *balancer, c Contender, o Options) string {
	d := o.Decide
	d.Seed = scenario.Mix(r.seed + uint64(b.index))
	d.Timeout = r.s.Timeout
	if c.Name == Rules {
		d.Kind = decide.ByRules
	}
	if len(d.Candidates) == 0 {
		d.Candidates = Candidates(r.s)
	}
	e := newEngine(d, r.now)
	e.cluster = r.s.Name
	policy := cmp.Or(c.From, decide.Start(d.Candidates))
	if c.From != "" {
		e.pinned = r.now.Add(cmp.Or(o.Pinned, 10*time.Second))
	}
	e.judge.Operator(policy, c.From != "")
	e.watch = o.Watched
	r.giveMind(b, e)
	return policy
}

// Candidates are the policies that the engine chooses from in a scenario: a
// hash policy is one where requests have keys.
func Candidates(s *scenario.Scenario) []string {
	if _, keyed := s.Requests(); keyed {
		return append(slices.Clone(decide.DefaultCandidates), "bounded-hash")
	}
	return slices.Clone(decide.DefaultCandidates)
}

// fixed are the policies that the bandit chooses from.
var fixed = []string{"expected-delay", "hot-cold", "peak-ewma", "least-request", "p2c", "round-robin"}

func startingWith(first string, all []string) []string {
	return append([]string{first}, slices.DeleteFunc(slices.Clone(all), func(p string) bool { return p == first })...)
}
