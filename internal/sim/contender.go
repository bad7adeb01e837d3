package sim

import (
	"fmt"
	"slices"
	"strings"

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
func Play(s *scenario.Scenario, jobs []Job, c Contender, seed uint64, o Options) Result {
	var res Result
	switch c.Name {
	case Floor:
		res = summarise(s, jobs, floor(s, jobs))
	case Central:
		res = summarise(s, jobs, playCentral(s, jobs))
	default:
		r := newRun(s, jobs, seed)
		for _, b := range r.balancers {
			b.use(c.Name)
		}
		r.play()
		res = summarise(s, jobs, r.took)
	}
	res.Contender, res.Seed = c, seed
	return res
}

// Options are what the judges go by.
type Options struct{}
