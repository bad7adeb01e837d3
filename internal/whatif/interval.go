package whatif

import (
	"math"
	"slices"

	"poise/internal/twin"
)

const (
	ninety = 1.645 // standard errors to each side of a 90 % interval
	// trusted is how much of what the model gets wrong about the policy that
	// runs it is believed to get wrong about another one.
	trusted = 0.5
	// The errors of the model beside those of the window, as logarithms: what it
	// has for the very requests it was made from, for each e-fold of load, for
	// each endpoint in ten that comes, goes or changes, and for another policy.
	ownError     = 0.04
	loadError    = 0.12
	changeError  = 0.03
	policyError  = 0.08
	mostHalf     = 1.5
	fewestFailed = 0.5 // added to failures, so that none seen is not none possible
)

// forecast corrects a replay by what the model gets wrong about the present,
// and says how sure that is.
func (a *asked) forecast(b *bracket) *Figures {
	model := a.modelError()
	return &Figures{
		P50:      a.ratio(b, p50, model),
		P99:      a.ratio(b, p99, model),
		Failures: a.share(&b.Forecast, clamp(b.Failures+a.now.Failures-a.again.Failures), model), Load: b.Load,
	}
}

// quantiles reads one quantile of a forecast, and what it is with one block
// left out.
type quantiles struct {
	of   func(*twin.Forecast) float64
	left func(*twin.Forecast) *[twin.Blocks]float64
}

var (
	p50 = quantiles{func(f *twin.Forecast) float64 { return f.P50.Seconds() }, func(f *twin.Forecast) *[twin.Blocks]float64 { return &f.P50s }}
	p99 = quantiles{func(f *twin.Forecast) float64 { return f.P99.Seconds() }, func(f *twin.Forecast) *[twin.Blocks]float64 { return &f.P99s }}
)

// changes reports whether another policy is asked about than picks now.
func (a *asked) changes() bool { return a.policy != a.Policy }

// ratio is now × then/again, with its interval for a window to come: the error
// of the estimate, the noise of that window, the error of the model, and on
// each side how far a capacity that never showed may matter.
func (a *asked) ratio(b *bracket, q quantiles, model float64) Figure {
	weight := 1.0
	if a.changes() {
		weight = trusted
	}
	estimate := func(now, again, then float64) float64 {
		if again <= 0 || now <= 0 {
			return then
		}
		return then * math.Pow(now/again, weight)
	}
	nows, repeats, thens := q.left(&a.now), q.left(&a.again), q.left(&b.Forecast)
	var left [twin.Blocks]float64
	for i := range left {
		left[i] = estimate(nows[i], repeats[i], thens[i])
	}
	then := q.of(&b.Forecast)
	half := a.Width * ninety * math.Sqrt(square(jackknife(left))+square(jackknife(*thens))+square(model))
	return between(estimate(q.of(&a.now), q.of(&a.again), then), math.Hypot(half, apart(q.of(&b.best), then)), math.Hypot(half, apart(then, q.of(&b.worst))))
}

// apart is how much more high is than low, as a logarithm; 0 where it is less.
func apart(low, high float64) float64 {
	if low <= 0 || high <= low {
		return 0
	}
	return math.Log(high / low)
}

// modelError grows with how far the question is from what was seen.
func (a *asked) modelError() float64 {
	e := square(ownError)
	if l := a.question.Load; l > 0 {
		e += square(loadError * math.Log(l))
	}
	changed := float64(len(a.setup.Without)+len(a.setup.Add)) + slowed(a.question.Slow)
	e += square(changeError * 10 * changed / float64(max(len(a.Model.Endpoints()), 1)))
	if a.changes() {
		e += square(policyError)
	}
	return math.Sqrt(e)
}

func slowed(all []Slowing) (sum float64) {
	for _, s := range all {
		sum += math.Abs(math.Log(s.Times))
	}
	return sum
}

// share is a share of failures with its interval: Wilson's for as many
// requests as independent ones would be, by how much the blocks differ.
func (a *asked) share(f *twin.Forecast, p, model float64) Figure {
	n := float64(max(f.Requests, 1))
	if se := deviation(f.Failed); se > 0 && p > 0 {
		n = min(n, max(p*(1-p)/square(se), 1))
	}
	n /= 2 // the window to come has noise of its own
	q := (p*n + fewestFailed) / (n + 2*fewestFailed)
	half := ninety*math.Sqrt(q*(1-q)/n) + p*model*ninety
	return Figure{Value: p, Low: clamp(min(q-half, p)), High: clamp(max(q+half, p))}
}

func clamp(p float64) float64 { return min(max(p, 0), 1) }

func square(v float64) float64 { return v * v }

// around is a figure whose interval reaches from v/exp(half) to v×exp(half).
func around(v, half float64) Figure { return between(v, half, half) }

// between is one whose interval reaches from v/exp(below) to v×exp(above).
func between(v, below, above float64) Figure {
	return Figure{Value: v, Low: v * math.Exp(-min(below, mostHalf)), High: v * math.Exp(min(above, mostHalf))}
}

// jackknife is the relative standard error of an estimate, from what it is with
// one block left out (Tukey, 1958).
func jackknife(left [twin.Blocks]float64) float64 {
	mean := mean(left)
	if mean <= 0 {
		return 0
	}
	return deviation(left) / mean
}

// deviation is the standard error of an estimate, the same way.
func deviation(left [twin.Blocks]float64) float64 {
	m, sum := mean(left), 0.0
	for _, v := range left {
		sum += square(v - m)
	}
	return math.Sqrt(sum * (twin.Blocks - 1) / twin.Blocks)
}

func mean(all [twin.Blocks]float64) float64 {
	if slices.Contains(all[:], 0) {
		return 0 // a block too few to tell
	}
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	return sum / twin.Blocks
}
