package decide

import (
	"slices"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/learn"
	"poise/internal/stats"
)

// Mode is what the judge may do.
type Mode uint8

// The modes.
const (
	Auto   Mode = iota // it decides and acts
	Advise             // it decides and says what it would do
	Freeze             // it watches: nothing changes, and what runs stays
)

// String returns the mode's name in the configuration.
func (m Mode) String() string { return [...]string{"auto", "advise", "freeze"}[min(m, Freeze)] }

// Kind is who judges.
type Kind uint8

// The judges.
const (
	ByModel Kind = iota // the twin predicts every candidate
	ByRules             // the operator's conditions, or the shipped ones
)

// String returns the kind's name in the configuration.
func (k Kind) String() string { return [...]string{"model", "rules"}[min(k, ByRules)] }

// Options are the parameters of a judge. The zero value is the recommended
// configuration.
type Options struct {
	Mode            Mode
	Kind            Kind
	Evaluate        time.Duration // between evaluations, and the window that is judged; 0: 10 s
	Dwell           time.Duration // at least, between two switches; 0: 60 s
	Margin          float64       // gain that a switch must promise, (0, 1); 0: 0.08
	UndoImmediately bool          // a failed switch is undone within its dwell, once
	Candidates      []string      // 0: DefaultCandidates
	FailureCost     time.Duration // what a failure counts; 0: 2 s
	Timeout         time.Duration // after which an attempt fails; 0: none
	Rules           []Rule        // nil: DefaultRules
	Balance         balance.Options
	Seed            uint64

	CanaryStep time.Duration // of each share; 0: 5 s, or what half of Evaluate is if that is less
	Ban        time.Duration // of a policy after a failed switch; 0: 600 s
	Yield      func()        `json:"-"` // called every 64 records of a replay; nil: never

	// Distort changes what the twin predicted before it is judged. Tests and
	// experiments sabotage the judge with it.
	Distort func([]Candidate) `json:"-"`
}

// DefaultCandidates are the policies that are considered when none are named:
// the first is what adaptive starts with.
var DefaultCandidates = []string{"expected-delay", "hot-cold", "peak-ewma", "least-request", "p2c", "round-robin"}

// robust are those that do without a model of the endpoints.
var robust = []string{"hot-cold", "peak-ewma", "least-request", "p2c"}

// looks reports whether a policy goes by what it sees of the endpoints, so
// that it sees what others do to them.
func looks(policy string) bool {
	return policy == DefaultCandidates[0] || slices.Contains(robust, policy)
}

// fallback is who takes over from expected-delay where the model fails.
const fallback = "hot-cold"

// WithDefaults returns o with every zero replaced by what it means.
func (o Options) WithDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Evaluate, 10*time.Second)
	def(&o.Dwell, 60*time.Second)
	def(&o.FailureCost, 2*time.Second)
	def(&o.Ban, 600*time.Second)
	def(&o.CanaryStep, min(5*time.Second, o.Evaluate/2))
	if o.Margin <= 0 || o.Margin >= 1 {
		o.Margin = 0.08
	}
	if len(o.Candidates) == 0 {
		o.Candidates = DefaultCandidates
	}
	if o.Rules == nil {
		o.Rules = DefaultRules
	}
	o.Balance.FailureCost = o.FailureCost
	return o
}

// EndpointView is an endpoint and whether it may be picked.
type EndpointView struct {
	*lb.Endpoint
	Eligible bool
	Why      string // it may not
}

// View is what the caller sees of a cluster. Records come by Observe.
type View struct {
	Now       stats.Instant
	Cluster   string
	Policy    string // the incumbent, as the cluster runs it
	Pinned    bool   // by the operator: Policy is what they want
	Endpoints []EndpointView
	Pending   []lb.Pending
	Lost      uint64         // records that were overwritten since the last view
	Shed      uint64         // requests that were refused for want of room since the last view
	Foreign   float64        // requests under way at the endpoints over those that we sent, as the endpoints report; 0: unknown
	Cursor    uint64         // where round-robin stands
	Learner   *learn.Learner // what expected-delay learns by; nil: it learns nothing in a replay
	Affinity  *lb.Affinity
	Notes     []string // what the guard did, one line each; each is handed over once
}
