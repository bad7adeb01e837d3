package whatif

import (
	"cmp"
	"math"

	"poise/internal/decide"
	"poise/internal/twin"
)

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

// bracket is a replay where endpoints whose capacity never showed may have any.
type bracket struct {
	twin.Forecast               // with the capacities that are likely
	best, worst   twin.Forecast // if nobody ever waits there, and if no more is worked on than was seen
	endless       bool          // the worst has queues without an end
}

// spread is how far the guess matters, as a logarithm.
func (b *bracket) spread() float64 {
	if b.endless {
		return math.Inf(1)
	}
	return math.Log(b.worst.P99.Seconds() / b.best.P99.Seconds())
}

const (
	// mostUnseen is the share of requests that may meet more under way than was
	// ever seen before it is asked what that does.
	mostUnseen = 0.005
	// mostSpread is how far a guess may matter for there to be an answer.
	mostSpread = 0.7
)

// play plays a scenario of the set-up that was asked about.
func (a *asked) play(load float64) (b bracket, err error) {
	sc := a.setup
	sc.Load = load
	if b.Forecast, err = a.replay(a.policy, sc); err != nil {
		return b, err
	}
	b.best, b.worst = b.Forecast, b.Forecast
	if b.Unseen-a.again.Unseen <= mostUnseen {
		return b, nil
	}
	sc.Room = twin.Endless
	if b.best, err = a.replay(a.policy, sc); err != nil {
		return b, err
	}
	sc.Room = twin.Seen
	if a.Model.LoadIn(sc) > decide.Full {
		b.endless = true
		return b, nil
	}
	b.worst, err = a.replay(a.policy, sc)
	return b, err
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
