package decide

import (
	"fmt"
	"math"
)

// The gates, in the order in which they are asked.
const (
	GateData       = "data"
	GateOverload   = "overload"
	GatePin        = "pin"
	GateMode       = "mode"
	GateChange     = "change" // another change is under way
	GateValidity   = "validity"
	GateMargin     = "margin"
	GateConfidence = "confidence"
	GateAgreement  = "agreement"
	GateDwell      = "dwell"
	GateBan        = "ban"
	GateTrust      = "trust" // enough of the last forecasts came true
)

type gates []Gate

// ask notes a gate and returns whether it let pass.
func (g *gates) ask(name string, passed bool, why string) bool {
	*g = append(*g, Gate{name, passed, why})
	return passed
}

// failed returns the first gate that did not let pass.
func (g gates) failed() string {
	for _, x := range g {
		if !x.Passed {
			return x.Name
		}
	}
	return ""
}

// judgeModel decides by the predictions.
func (j *Judge) judgeModel(v *View, d *Decision) {
	f, s := &j.found, &j.state
	if !j.may(v) || len(f.candidates) == 0 {
		s.Beaten = 0
		return
	}
	j.compare()
	if j.fallback(d) {
		return
	}
	best := j.best()
	own := &f.candidates[0]
	if best == nil {
		s.Beaten = 0
		f.gates.ask(GateMargin, false, "there is no other candidate")
		return
	}
	f.rival = best.Policy
	gain := 1 - best.Loss/own.Loss
	mean, se := paired(own.blocks, best.blocks)
	t := mean / max(se, 1e-12)
	if gain >= j.o.Margin && t >= sure {
		s.Beaten++
	} else {
		s.Beaten = 0
	}
	agreed := s.Beaten >= agreeing || s.Beaten > 0 && gain > evident
	if !agreed {
		if e := j.together(); e != nil {
			j.changeTogether(v, d, e)
			return
		}
	}
	worth := f.gates.ask(GateMargin, gain >= j.o.Margin, fmt.Sprintf("the best other policy, %s, gains %s; %s is asked for", best.Policy, Percent(gain), Percent(j.o.Margin)))
	certain := f.gates.ask(GateConfidence, t >= sure, fmt.Sprintf("t = %.1f over %d parts of the window; %.1f is asked for", min(t, 99), len(own.blocks), sure))
	if !worth || !certain {
		return
	}
	f.gates.ask(GateAgreement, agreed, fmt.Sprintf("beaten in %d evaluations in a row; %d are asked for, or a gain above %s", s.Beaten, agreeing, Percent(evident)))
	j.change(v, d, proposal{to: best.Policy, promised: best.Loss, before: own.Loss, high: best.High})
}

// changeTogether proposes what several windows say together.
func (j *Judge) changeTogether(v *View, d *Decision, e *joint) {
	f := &j.found
	f.rival, f.joint = e.candidate.Policy, e
	f.gates.ask(GateMargin, true, fmt.Sprintf("over the last %d windows %s gains %s; %s is asked for", e.windows, f.rival, Percent(e.gain()), Percent(j.o.Margin)))
	f.gates.ask(GateConfidence, true, fmt.Sprintf("t = %.1f over these windows; %.1f is asked for", min(e.t(), 99), sureTogether))
	f.gates.ask(GateAgreement, true, fmt.Sprintf("%d windows were put together; %d are asked for", e.windows, leastWindows))
	j.change(v, d, proposal{to: f.rival, promised: e.other, before: e.own, high: e.candidate.High * e.other / e.candidate.Loss})
}

// may asks the gates that come before any judgement.
func (j *Judge) may(v *View) bool {
	f, g := &j.found, &j.found.gates
	ok := g.ask(GateData, j.enough(), fmt.Sprintf("%d requests in the window; %d are asked for", j.model.Jobs(), leastRecords))
	load := j.model.Load()
	over := load > full || j.shedShare() > refused
	ok = g.ask(GateOverload, !ok || !over || j.matters(), fmt.Sprintf("%s of the capacity is in use, %s of the requests were refused", Percent(load), Percent(j.shedShare()))) && ok
	ok = g.ask(GatePin, !v.Pinned, pinText(v.Pinned)) && ok
	ok = g.ask(GateMode, j.state.Mode != Freeze, "the mode is "+j.state.Mode.String()) && ok
	ok = g.ask(GateChange, j.state.Trial == nil, changeText(j.state.Trial)) && ok
	if len(f.candidates) > 0 {
		g.ask(GateValidity, !f.invalid, fmt.Sprintf("the model computes the measured loss again with an error of %s; %s is allowed", signed(math.Exp(-f.off)-1), Percent(math.Exp(valid)-1)))
	}
	return ok
}

// matters reports whether another policy would do so much better that the
// choice matters although there is too much work: then it is the policy that
// makes it so.
func (j *Judge) matters() bool {
	f := &j.found
	best := j.best()
	if best == nil {
		return false
	}
	mean, se := paired(f.candidates[0].blocks, best.blocks)
	return best.Loss < f.candidates[0].Loss*(1-relieved) && mean > sure*se
}

// relieved is the gain that shows that an overload is the policy's doing.
const relieved = 0.3

func (j *Judge) shedShare() float64 {
	n := float64(j.model.Jobs())
	if n == 0 {
		return 0
	}
	return float64(j.state.Shed) / (n + float64(j.state.Shed))
}

func pinText(pinned bool) string {
	if pinned {
		return "the policy is pinned"
	}
	return "no policy is pinned"
}

func changeText(t *trial) string {
	if t == nil {
		return "no change is under way"
	}
	return t.Policy + " is being tried"
}

// best returns the candidate with the least loss that may be taken; while the
// model is off only those that need none.
func (j *Judge) best() *Candidate {
	var best *Candidate
	for i := range j.found.candidates {
		c := &j.found.candidates[i]
		if i == 0 || c.Note != "" || math.IsNaN(c.Loss) {
			continue
		}
		if best == nil || c.Loss < best.Loss {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	return j.preferred(best)
}

// preferred returns the first in the order of the options of those that do as
// well as the best but for chance: the least of many predictions is too good
// to be true, and with every window it would be another one.
func (j *Judge) preferred(best *Candidate) *Candidate {
	for _, p := range j.o.Candidates {
		for i := range j.found.candidates {
			c := &j.found.candidates[i]
			if i > 0 && c.Policy == p && c.Note == "" && j.asGood(c, best) {
				return c
			}
		}
	}
	return best
}

// alike are losses that differ by less, and maybeAlike those that may, where the
// last windows are not sure that they differ at all.
const (
	alike      = 0.03
	maybeAlike = 0.2
)

// asGood reports whether c may be as good as the best.
func (j *Judge) asGood(c, best *Candidate) bool {
	if c.Loss <= best.Loss*(1+alike) {
		return true
	}
	mean, se := j.apart(c, best)
	return c.Loss <= best.Loss*(1+maybeAlike) && mean < sure*se
}

// fallback leaves expected-delay, which is built on the model, when the model
// has failed twice in a row, unless that would be predicted to do harm.
func (j *Judge) fallback(d *Decision) bool {
	f, s := &j.found, &j.state
	if s.Policy != DefaultCandidates[0] || s.Invalid < agreeing || f.measured.Loss < f.again.Loss {
		return false
	}
	for i := range f.candidates {
		c := &f.candidates[i]
		if c.Policy == fallback && c.Note == "" && c.Loss < f.candidates[0].Loss*(1+j.o.Margin/2) {
			d.To = fallback
			f.gates.ask(GateAgreement, true, "the model was off in two evaluations in a row")
			j.change(nil, d, proposal{to: fallback, promised: c.Loss, before: f.candidates[0].Loss, high: c.High, why: "the model of the endpoints does not hold"})
			return true
		}
	}
	return false
}

// proposal is a change that the judgement is for.
type proposal struct {
	to                     string
	promised, high, before float64
	why                    string
}

// change begins the change if the last gates let it.
func (j *Judge) change(_ *View, d *Decision, p proposal) {
	f, s := &j.found, &j.state
	d.To = p.to
	wait := j.waits()
	f.gates.ask(GateDwell, wait <= 0, dwellText(wait))
	f.gates.ask(GateBan, !j.banned(p.to), banText(p.to, j.banned(p.to)))
	for _, g := range f.gates {
		if !g.Passed && g.Name != GateValidity {
			return
		}
	}
	if !j.trusted() || s.Mode == Advise {
		d.Action = Advised
		return
	}
	s.Trial = &trial{
		Policy: p.to, From: s.Policy, Began: j.now, Decided: j.now,
		Before: j.found.measured.Loss, Noise: relativeError(f.measured.Blocks[:], f.measured.Loss), Promised: p.promised, High: p.high, Why: p.why,
		Circumstances: j.circumstances(), Mean: f.measured.Mean.Seconds()*(1-f.measured.Failures) + f.measured.Failures*j.o.FailureCost.Seconds(),
	}
	s.Trial.begin(0, j.now)
	s.Beaten = 0
	d.Action, d.Changed = Canary, true
	d.Do = Action{Policy: p.to, Share: s.Trial.share(), Why: "canary", Floor: j.floor()}
}
