package decide

import (
	"fmt"
	"math"

	"poise/internal/lb"
	"poise/internal/stats"
)

const (
	leastCanary = 30   // requests of a canary for it to be judged
	muchWorse   = 2.0  // loss over the control's at which a canary is abandoned at once
	worse       = 1.1  // and beyond doubt at the end of its phase
	slower      = 0.05 // the same of the logarithms, at which it is abandoned as soon as there is no doubt
	doubt       = 2.5  // standard errors
	noDoubt     = 3.5  // where it is asked each second
)

// sums are what a mean and its error are made of.
type sums struct{ n, sum, squares float64 }

func (s *sums) add(v float64) { s.n++; s.sum += v; s.squares += v * v }

func (s *sums) with(o sums) sums { return sums{s.n + o.n, s.sum + o.sum, s.squares + o.squares} }

func (s *sums) mean() float64 { return s.sum / max(s.n, 1) }

// error2 is the square of the standard error of the mean.
func (s *sums) error2() float64 {
	if s.n < 2 {
		return math.Inf(1)
	}
	m := s.mean()
	return max(s.squares/s.n-m*m, 0) / (s.n - 1)
}

// side sums up the losses of one side of a canary, and their logarithms: in
// those the few that take very long do not drown all others.
type side struct{ loss, log sums }

func (s *side) add(loss float64) { s.loss.add(loss); s.log.add(math.Log(max(loss, 1e-6))) }

// arms are both sides of a canary in one of its phases.
type arms struct{ control, canary side }

// arms sorts what was lost since the trial began. Both sides share the
// endpoints, so the difference between them tells harm, not gain.
func (j *Judge) arms() (all [len(shares)]arms) {
	for i := range j.records {
		r := &j.records[i]
		if r.End() > j.now || !r.Arrival() || r.Flags&(lb.Sticky|lb.Trial|lb.Streaming) != 0 {
			continue
		}
		p := j.state.Trial.phaseOf(r.Sent)
		if p < 0 {
			continue
		}
		loss, known := j.lossOf(r)
		switch {
		case !known:
		case r.Flags&lb.Canary != 0:
			all[p].canary.add(loss)
		default:
			all[p].control.add(loss)
		}
	}
	return all
}

func (j *Judge) lossOf(r *lb.Record) (seconds float64, known bool) {
	switch {
	case r.Outcome.Failed():
		return j.o.FailureCost.Seconds(), true
	case r.Outcome == lb.Success:
		return r.Latency.Seconds(), true
	}
	return 0, false
}

// shown is what a canary has shown so far.
type shown struct {
	phase            int
	n                float64 // requests of it, where both sides have some
	canary, control  float64 // mean losses in seconds
	ratio, err       float64 // of the losses, and its standard error
	slower, slowerBy float64 // difference of the logarithms, and its standard error
	missing          bool    // too few of the canary's requests have ended
	half, nearly     versus  // its loss since half, and since nearly all of the requests go there, over that of all before
	promise          float64 // the most of that by the forecast
	busier           bool    // there is more to do than before
	relief           bool    // the requests of both sides together lose clearly less than all before
}

// versus is a loss over another; the zero value is of too few requests.
type versus struct{ times, err, since, before float64 }

// over compares with what all requests lost before the trial.
func (s *sums) over(t *trial) (v versus) {
	if s.n < leastRecords/3 {
		return v
	}
	v.since, v.before = s.mean(), max(t.Mean, 1e-9)
	v.times = v.since / v.before
	v.err = math.Hypot(math.Sqrt(s.error2())/v.before, t.Noise)
	return v
}

// canary compares both sides phase by phase and puts the differences
// together, each with the weight of what it is known from: the level may
// change with the share.
func (j *Judge) canary() (e shown) {
	t := j.state.Trial
	var weight, diff, diff2, log, log2, level, other float64
	var half, nearly, both sums
	e.phase = t.Phase
	for p, a := range j.arms() {
		n, k := a.canary.loss.n, a.control.loss.n
		if p > 0 {
			half = half.with(a.canary.loss)
		}
		if p == proof {
			nearly = a.canary.loss
		}
		both = both.with(a.canary.loss)
		both = both.with(a.control.loss)
		if p == t.Phase && n+k > 0 {
			want := shares[p]
			e.missing = n < (n+k)*want-doubt*math.Sqrt((n+k)*want*(1-want))
		}
		if n < 2 || k < 2 {
			continue
		}
		w := n * k / (n + k)
		weight += w
		e.n += n
		diff += w * (a.canary.loss.mean() - a.control.loss.mean())
		diff2 += w * w * (a.canary.loss.error2() + a.control.loss.error2())
		log += w * (a.canary.log.mean() - a.control.log.mean())
		log2 += w * w * (a.canary.log.error2() + a.control.log.error2())
		level += w * a.control.loss.mean()
		other += w * a.canary.loss.mean()
	}
	if weight > 0 {
		e.control, e.canary = max(level/weight, 1e-9), other/weight
		e.ratio, e.err = 1+diff/weight/e.control, math.Sqrt(diff2)/weight/e.control
		e.slower, e.slowerBy = log/weight, math.Sqrt(log2)/weight
	}
	e.busier = j.circumstances().busier(t.Circumstances)
	if both.n >= leastRecords/3 && t.Mean > 0 {
		gain := 1 - both.mean()/t.Mean
		e.relief = gain > max(j.o.Margin, doubt*math.Hypot(math.Sqrt(both.error2())/t.Mean, t.Noise)) && !t.Circumstances.busier(j.circumstances())
	}
	e.half, e.nearly, e.promise = half.over(t), nearly.over(t), t.High/max(t.Before, 1e-9)
	return e
}

// fails says why the canary is to be abandoned, "" if it is not. over says
// that its phase is.
//
// One that spoils the queues spoils them for its control too, so from half of
// the requests on what it loses is also held against what was lost before, and
// with nearly all of them against what was promised. But what comes with more
// to do is not its doing, nor what gets worse while the canary does better than
// its control: under a policy that sends some endpoints more than they can do,
// good and bad times change with the guard's ejections.
func (e *shown) fails(over bool) string {
	if over && !e.busier && !e.better() {
		switch half, nearly := &e.half, &e.nearly; {
		case nearly.harmful():
			return nearly.text("nearly all")
		case half.harmful():
			return half.text("half")
		case nearly.breaks(e.promise):
			return nearly.text("nearly all") + fmt.Sprintf("; %s or less was promised", signed(e.promise-1))
		}
	}
	if e.n < leastCanary {
		return ""
	}
	switch {
	case e.ratio > muchWorse && e.ratio-1 > doubt*e.err:
	case e.relief:
		return ""
	case e.ratio > worse && e.slower-slower > noDoubt*e.slowerBy:
	case over && e.ratio > worse && e.ratio-worse > doubt*e.err:
	default:
		return ""
	}
	return fmt.Sprintf("its requests lost %.1f× as much as the others (%s to %s)", e.ratio, stats.Readable(e.canary), stats.Readable(e.control))
}

// harmful reports whether more is lost beyond doubt.
func (v *versus) harmful() bool { return v.times-worse > doubt*v.err }

// breaks reports whether a promise is refuted: nothing is gained, and what
// was promised, at its least, is not what came.
func (v *versus) breaks(promise float64) bool {
	return v.times >= 1 && v.times-promise > doubt*v.err
}

func (v *versus) text(part string) string {
	return fmt.Sprintf("since it has %s of the requests they lose %.1f× as much as before (%s, before %s)", part, v.times, stats.Readable(v.since), stats.Readable(v.before))
}

// enough reports whether what fails looks at has the requests for it: at 26 a
// second a canary of 5 s had 13, and everything passed.
func (e *shown) enough() bool {
	switch e.phase {
	case 0:
		return e.n >= leastCanary
	case 1:
		return e.half.times > 0
	case proof:
		return e.nearly.times > 0
	}
	return true
}

// better reports whether it does better than its control, beyond doubt.
func (e *shown) better() bool {
	return e.n >= leastCanary && e.ratio < 1-doubt*e.err
}

// clear reports whether the canary does so well that its phase may end before
// its time: beyond doubt better than its control, and from half of the
// requests on better than all before. One that sends requests where they hang
// has few that have ended; that is not clear.
func (e *shown) clear() bool {
	if e.missing || e.n < leastRecords/3 || !e.better() || e.phase == proof && e.nearly.times == 0 {
		return false
	}
	return e.half.fine() && e.nearly.fine()
}

// fine reports whether less is lost beyond doubt, as far as anything is known.
func (v *versus) fine() bool { return v.times < 1-doubt*v.err }
