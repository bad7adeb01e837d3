package decide

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"poise/internal/stats"
)

// tell says in one line, to a person at three in the morning, what was decided
// and why.
func (j *Judge) tell(d *Decision) string {
	var b strings.Builder
	f := &j.found
	switch d.Action {
	case Canary:
		fmt.Fprintf(&b, "%s → %s: %s", d.Policy, d.To, j.reason())
	case Advised:
		fmt.Fprintf(&b, "would change %s → %s (%s): %s", d.Policy, d.To, j.adviceOnly(), j.reason())
	default:
		fmt.Fprintf(&b, "stays with %s: %s", d.Policy, j.holdReason(d))
	}
	if d.Action != Hold {
		if gain := j.gainText(d.To); gain != "" {
			b.WriteString("; " + gain)
		}
		if d.Action == Canary {
			fmt.Fprintf(&b, "; tried on %s of the requests first", Percent(d.Do.Share))
		}
	}
	if d.Action == Hold && len(f.conditions) > 0 && d.Gate != GateData && d.Gate != GateOverload {
		b.WriteString("; " + f.conditions[0].Text)
	}
	for _, n := range j.state.Notes {
		b.WriteString("; " + n)
	}
	return b.String()
}

// reason is why a change is made: what holds, or that the model fails.
func (j *Judge) reason() string {
	if t := j.state.Trial; t != nil && t.Why != "" {
		return t.Why
	}
	if c := j.found.conditions; len(c) > 0 {
		return c[0].Text
	}
	return "it does better with these requests"
}

func (j *Judge) holdReason(d *Decision) string {
	for _, g := range d.Gates {
		if g.Passed || g.Name == GateValidity {
			continue
		}
		switch g.Name {
		case GateData, GateOverload, GatePin, GateMode, GateChange, GateBan:
			return g.Why
		case GateMargin:
			return j.bestText()
		case GateDwell, GateAgreement, GateConfidence:
			return j.almost(d) + ", but " + g.Why
		}
	}
	return j.bestText()
}

// almost says what looks better.
func (j *Judge) almost(d *Decision) string {
	to := cmp.Or(d.To, j.found.rival)
	if gain := j.gainText(to); gain != "" {
		return fmt.Sprintf("%s looks better (%s)", to, gain)
	}
	return to + " is asked for"
}

// bestText says how little there is to gain.
func (j *Judge) bestText() string {
	if j.o.Kind == ByRules {
		return j.found.gates[len(j.found.gates)-1].Why
	}
	best := j.best()
	if best == nil {
		return "there is no other candidate"
	}
	gain := 1 - best.Loss/j.found.candidates[0].Loss
	if gain <= 0 {
		return fmt.Sprintf("no policy does better (%s would lose %s to %s)", best.Policy, stats.Readable(best.Loss), stats.Readable(j.found.candidates[0].Loss))
	}
	return fmt.Sprintf("no policy gains more than %s (%s)", Percent(gain), best.Policy)
}

// gainText is the promise: loss from and to, with the interval of the gain.
func (j *Judge) gainText(to string) string {
	f := &j.found
	if e := f.joint; e != nil && e.candidate.Policy == to {
		half := ninetyPct * e.err / e.own
		return fmt.Sprintf("over the last %d windows predicted loss %s → %s (%s, interval %s … %s)", e.windows, stats.Readable(e.own), stats.Readable(e.other), signed(-e.gain()), signed(max(-e.gain()+half, -1)), signed(max(-e.gain()-half, -1)))
	}
	for i := range f.candidates {
		c, own := &f.candidates[i], &f.candidates[0]
		if c.Policy != to || i == 0 || own.Loss <= 0 {
			continue
		}
		mean, se := paired(c.blocks, own.blocks)
		low, high := (mean-ninetyPct*se)/own.Loss, (mean+ninetyPct*se)/own.Loss
		return fmt.Sprintf("predicted loss %s → %s (%s, interval %s … %s)", stats.Readable(own.Loss), stats.Readable(c.Loss), signed(c.Loss/own.Loss-1), signed(max(high, -1)), signed(max(low, -1)))
	}
	return ""
}

func (j *Judge) describe(endpoints []EndpointModel) string {
	sharing := 0
	for _, e := range endpoints {
		if e.Discipline == "sharing" {
			sharing++
		}
	}
	text := fmt.Sprintf("%d endpoints", len(endpoints))
	if sharing > 0 {
		text += fmt.Sprintf(", %d of them work on everything at once", sharing)
	}
	if _, on := j.model.Reuse(); on {
		text += ", keys matter"
	}
	return text
}

// Percent writes a share as the journal does: with a digit behind the point
// below 10 %.
func Percent(v float64) string {
	if math.Abs(v) < 0.0995 && v != 0 {
		return fmt.Sprintf("%.1f %%", v*100)
	}
	return fmt.Sprintf("%.0f %%", v*100)
}

// signed is a change in percent with its sign.
func signed(v float64) string {
	sign, percent := "+", math.Round(100*v)
	if percent < 0 {
		sign = "−"
	}
	return fmt.Sprintf("%s%.0f %%", sign, math.Abs(percent))
}

// between is an interval of such changes.
func between(low, high float64) string {
	return strings.TrimSuffix(signed(low), " %") + "…" + signed(high)
}

func dwellText(wait time.Duration) string {
	if wait <= 0 {
		return "no switch was made within the dwell"
	}
	return fmt.Sprintf("the next switch is allowed in %s", wait.Round(100*time.Millisecond))
}

func banText(policy string, banned bool) string {
	if banned {
		return policy + " did harm when it was tried last, and is banned for now"
	}
	return policy + " is not banned"
}
