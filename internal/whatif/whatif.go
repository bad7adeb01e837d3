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
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
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
	a := &asked{Outlook: o, question: q, policy: q.Policy, stop: stop, setup: twin.Scenario{Room: twin.Shared}}
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

// resolve finds the endpoints that are named.
func (a *asked) resolve(v *decide.View) error {
	find := func(address string) (uint32, error) {
		for _, e := range v.Endpoints {
			if e.Address == address {
				return e.ID, nil
			}
		}
		return 0, Unknown("cluster " + v.Cluster + " has no endpoint " + address)
	}
	for _, address := range a.question.Without {
		id, err := find(address)
		if err != nil {
			return err
		}
		a.setup.Without = append(a.setup.Without, id)
	}
	for _, add := range a.question.Add {
		id, err := find(add.Like)
		if err != nil {
			return err
		}
		a.setup.Add = append(a.setup.Add, slices.Repeat([]uint32{id}, add.Times)...)
	}
	for _, s := range a.question.Slow {
		id, err := find(s.Address)
		if err != nil {
			return err
		}
		if a.setup.Slow == nil {
			a.setup.Slow = map[uint32]float64{}
		}
		a.setup.Slow[id] = s.Times
	}
	left := len(a.setup.Add)
	for _, e := range v.Endpoints {
		if e.Eligible && !slices.Contains(a.setup.Without, e.ID) {
			left++
		}
	}
	if left == 0 {
		return refuse("no endpoint would be left that may be picked: every request would be answered 503")
	}
	return nil
}

// keyed are the policies that need a key.
var keyed = []string{"bounded-hash", "ring-hash", "maglev"}

// check finds out whether the model can be asked at all.
func (a *asked) check() error {
	m, now := a.Model, a.Model.LoadIn(twin.Scenario{Room: twin.Shared})
	a.now = m.Observed()
	a.now.Load = now
	switch {
	case m.Jobs() < decide.LeastRequests || a.now.Requests < decide.LeastRequests/3:
		return refuse("too little data: %d requests in the last %.1f s, of which %d count; %d and %d are needed; wait, or ask while there is load", m.Jobs(), m.Span().Seconds(), a.now.Requests, decide.LeastRequests, decide.LeastRequests/3)
	case a.Foreign > decide.ForeignLoad:
		return refuse("others send to these endpoints too: they have %.1f times as much under way as was sent from here, and what others will send is not known", a.Foreign)
	case now > decide.Full:
		return refuse("overload: %s of the capacity is in use already, so queues have no end and latency depends on how long it lasts", decide.Percent(now))
	case slices.Contains(keyed, a.policy) && !m.Keyed():
		return refuse("%s goes by a key, and no request had one", a.policy)
	}
	var err error
	if a.again, err = a.replay(a.Policy, twin.Scenario{Room: twin.Shared}); err != nil {
		return err
	}
	off := math.Log(a.now.Loss / a.again.Loss)
	if !(a.again.Loss > 0) || math.IsNaN(off) || math.Abs(off) > decide.Valid {
		return refuse("the model does not explain what is measured now: it computes a loss of %s where %s was measured", ms(a.again.Loss), ms(a.now.Loss))
	}
	return nil
}

// mostReplayed bounds the work that one question makes, in requests.
const mostReplayed = 1 << 18

// replay plays a scenario.
func (a *asked) replay(policy string, sc twin.Scenario) (f twin.Forecast, err error) {
	if err := a.stop(); err != nil {
		return f, err
	}
	a.cost += int(float64(a.Model.Jobs()) * max(sc.Load, 1))
	if a.cost > mostReplayed {
		return f, refuse("it would take too much work: %d requests to replay", a.cost)
	}
	f, err = a.Model.Forecast(policy, sc)
	switch {
	case err != nil:
		return f, Wrong(err.Error())
	case f.Abandoned:
		return f, refuse("%s would find no endpoint to send to", policy)
	}
	return f, nil
}

// possible says why a set-up with so much load is beyond the model.
func (a *asked) possible(load float64) error {
	sc := a.setup
	sc.Load = load
	if l := a.Model.LoadIn(sc); l > decide.Full {
		return refuse("overload: that would take %s of the capacity as it is known, so queues would have no end and latency would depend on how long it lasts", decide.Percent(l))
	}
	return nil
}

// bracket is a replay where endpoints whose capacity never showed may have any.
type bracket struct {
	twin.Forecast         // with the capacities that the model guesses
	best, worst   float64 // p99 in seconds if nobody ever waits there, and if no more is worked on than was seen
}

// spread is how far the guess matters, as a logarithm.
func (b *bracket) spread() float64 { return math.Log(b.worst / b.best) }

const (
	// mostUnseen is the share of requests that may meet more under way than was
	// ever seen before it is asked what that does.
	mostUnseen = 0.005
	// mostSpread is how far a guess may matter for there to be an answer.
	mostSpread = 0.3
)

// play plays a scenario of the set-up that was asked about.
func (a *asked) play(load float64) (b bracket, err error) {
	sc := a.setup
	sc.Load = load
	if b.Forecast, err = a.replay(a.policy, sc); err != nil {
		return b, err
	}
	b.best, b.worst = b.P99.Seconds(), b.P99.Seconds()
	if b.Unseen-a.again.Unseen <= mostUnseen {
		return b, nil
	}
	sc.Room = twin.Endless
	f, err := a.replay(a.policy, sc)
	if err != nil {
		return b, err
	}
	b.best = min(b.best, f.P99.Seconds())
	sc.Room = twin.Seen
	if a.Model.LoadIn(sc) > decide.Full {
		b.worst = math.Inf(1)
		return b, nil
	}
	if f, err = a.replay(a.policy, sc); err != nil {
		return b, err
	}
	b.worst = max(b.worst, f.P99.Seconds())
	return b, nil
}

// unknown says that an answer would rest on a guess.
func (b *bracket) unknown() error {
	return refuse("the cluster was never so busy that its capacity showed: %s of the requests would find more under way at their endpoint than was ever seen there, and what that does is not known", decide.Percent(b.Unseen))
}

// foresee forecasts what was asked about.
func (a *asked) foresee() (*Figures, error) {
	load := cmp.Or(a.question.Load, 1)
	if err := a.possible(load); err != nil {
		return nil, err
	}
	b, err := a.play(load)
	if err != nil {
		return nil, err
	}
	if b.spread() > mostSpread {
		return nil, b.unknown()
	}
	f := a.forecast(&b)
	if f.P99.vague() {
		return nil, refuse("the last %.0f s are too uneven to go by: whatever were forecast could be far off", a.Model.Span().Seconds())
	}
	return f, nil
}

// mostApart is how far the ends of an interval may lie apart for it to say
// something.
const mostApart = 4

// vague reports whether a figure says nothing.
func (f *Figure) vague() bool { return f.High > mostApart*f.Low }

// headroom searches the load at which p99 is twice what it is now, as the
// model computes both.
func (a *asked) headroom() (*Headroom, error) {
	low, high, limit := 0.0, 0.0, Refusal("")
	for at := 1.0; high == 0 || low == 0; {
		over, err := a.doubled(at)
		refused, is := errors.AsType[Refusal](err)
		switch {
		case err != nil && (!is || at < 1):
			return nil, err
		case err != nil:
			high, limit = at, refused
		case over:
			high, limit = at, ""
		default:
			low = at
		}
		switch {
		case high == 0 && at >= MostLoad:
			return &Headroom{Times: low, AtLeast: true, Why: "more is not looked at"}, nil
		case high == 0:
			at = min(at*2, MostLoad)
		case low == 0 && at <= LeastLoad:
			return nil, refuse("p99 is twice what it is now with any load that is worth the name")
		case low == 0:
			at = max(at/2, LeastLoad)
		}
	}
	return a.between(low, high, limit)
}

// between narrows the headroom down. unknown says why nothing is known of
// high; "" when p99 has doubled there.
func (a *asked) between(low, high float64, unknown Refusal) (*Headroom, error) {
	for high/low > within {
		at := math.Sqrt(low * high)
		over, err := a.doubled(at)
		refused, is := errors.AsType[Refusal](err)
		switch {
		case err != nil && !is:
			return nil, err
		case err != nil:
			high, unknown = at, refused
		case over:
			high, unknown = at, ""
		default:
			low = at
		}
	}
	if unknown != "" {
		return &Headroom{Times: low, AtLeast: true, Why: string(unknown)}, nil
	}
	return &Headroom{Times: math.Sqrt(low * high)}, nil
}

// within is how exact the headroom is.
const within = 1.05

// doubled reports whether p99 would be twice what it is now, which it is where
// queues have no end.
func (a *asked) doubled(load float64) (bool, error) {
	if a.possible(load) != nil {
		return true, nil
	}
	b, err := a.play(load)
	double := 2 * a.again.P99.Seconds()
	switch {
	case err != nil:
		return false, err
	case b.best >= double:
		return true, nil
	case b.worst < double:
		return false, nil
	}
	return false, b.unknown()
}

// The load that may be asked about, as times the requests of now.
const (
	LeastLoad = 0.1
	MostLoad  = 8.0
)

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
