// Package whatif asks the twin about capacity: what latency and failures would
// be with more requests, without an endpoint, with others beside it, with a
// slower one or under another policy, and how much more of the same requests
// the cluster takes until its p99 has doubled.
//
// An answer is a ratio: the window is replayed as it was and as it would be,
// and what was measured is multiplied by the one over the other, so that what
// the model gets wrong in both cancels out. What the model cannot know it does
// not say: a Refusal names the reason, and holds no figure.
package whatif

import (
	"errors"
	"fmt"
	"time"

	"poise/internal/decide"
	"poise/internal/twin"
)

// Question is what is asked. The zero value asks for the headroom of the
// cluster as it is.
type Question struct {
	Load    float64    // times the requests of now, within [LeastLoad, MostLoad]; 0: 1
	Without []string   // addresses that are left out
	Add     []Addition // endpoints that are added
	Slow    []Slowing  // endpoints that are slower, or faster, than they are
	Policy  string     // "" for the one that picks
}

// Addition is a number of endpoints like one that is there.
type Addition struct {
	Times int
	Like  string // address
}

// Slowing makes an endpoint so many times slower.
type Slowing struct {
	Times   float64
	Address string
}

// The load that may be asked about, as times the requests of now.
const (
	LeastLoad = 0.1
	MostLoad  = 8.0
)

// Figure is a number with the interval in which it is expected in 90 of 100
// cases. Of what was measured the interval says how sure that is.
type Figure struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Figures are what clients would see. Latencies are seconds, failures a share.
type Figures struct {
	P50      Figure  `json:"p50"`
	P99      Figure  `json:"p99"`
	Failures Figure  `json:"failures"`
	Load     float64 `json:"load"` // share of the capacity in use
}

// Headroom is how many times the requests of now the cluster would take until
// its p99 is twice what it is now.
type Headroom struct {
	Times   float64 `json:"times"`
	AtLeast bool    `json:"at_least,omitempty"` // the model knows no more than that
	Why     string  `json:"why,omitempty"`      // it knows no more
}

// Answer is what the twin says.
type Answer struct {
	Cluster  string    `json:"cluster"`
	Policy   string    `json:"policy"`   // that would pick
	Scenario string    `json:"scenario"` // the question in words
	Window   float64   `json:"window"`   // seconds that were looked at
	Requests int       `json:"requests"` // in them
	Rate     float64   `json:"rate"`     // of them, a second
	Now      Figures   `json:"now"`      // as measured
	Then     *Figures  `json:"then"`     // as forecast; null where only the headroom was asked for
	Headroom *Headroom `json:"headroom"` // of what was asked about; null when it is not known, for which HeadroomWhy says why
	Why      string    `json:"headroom_why,omitempty"`
	Text     string    `json:"text"` // all of it in one line
}

// Refusal says why a question cannot be answered.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return string(r) }

func refuse(format string, a ...any) error { return Refusal(fmt.Sprintf(format, a...)) }

// Wrong is a question that makes no sense for the cluster.
type Wrong string

// Error implements error.
func (w Wrong) Error() string { return string(w) }

// Unknown is a question about an endpoint that the cluster does not have.
type Unknown string

// Error implements error.
func (u Unknown) Error() string { return string(u) }

// asked is a question under way.
type asked struct {
	decide.Outlook
	question Question
	policy   string
	setup    twin.Scenario // without the load
	now      twin.Forecast // as measured
	again    twin.Forecast // as computed
	stop     func() error
	cost     int // requests replayed
}

// Ask answers a question about the window that an outlook shows. stop is asked
// between two replays and ends the work with its error; it may be nil.
func Ask(o decide.Outlook, v *decide.View, q Question, stop func() error) (*Answer, error) {
	if stop == nil {
		stop = func() error { return nil }
	}
	a := &asked{Outlook: o, question: q, policy: q.Policy, stop: stop, setup: twin.Scenario{Room: twin.Likely}}
	if a.policy == "" {
		a.policy = o.Policy
	}
	if err := a.resolve(v); err != nil {
		return nil, err
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	out := &Answer{
		Cluster: v.Cluster, Policy: a.policy, Scenario: q.String(), Window: o.Model.Span().Seconds(),
		Requests: o.Model.Jobs(), Rate: o.Model.Rate(), Now: a.measured(),
	}
	if !q.plain() {
		then, err := a.foresee()
		if err != nil {
			return nil, err
		}
		out.Then = then
	}
	var err error
	if out.Headroom, err = a.headroom(); err != nil {
		if _, refused := errors.AsType[Refusal](err); !refused {
			return nil, err
		}
		out.Why = err.Error()
	}
	out.Text = out.line()
	return out, nil
}

// plain reports whether nothing would be different.
func (q *Question) plain() bool {
	return (q.Load == 0 || q.Load == 1) && len(q.Without)+len(q.Add)+len(q.Slow) == 0 && q.Policy == ""
}

func (a *asked) measured() Figures {
	n := &a.now
	return Figures{
		P50:      sure(n.P50, n.P50s),
		P99:      sure(n.P99, n.P99s),
		Failures: a.share(n, n.Failures, 0), Load: n.Load,
	}
}

func sure(v time.Duration, left [twin.Blocks]float64) Figure {
	return around(v.Seconds(), ninety*jackknife(left))
}
