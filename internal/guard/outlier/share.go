package outlier

import (
	"cmp"
	"math"
	"slices"

	"poise/internal/guard/journal"
)

// The error guard: an endpoint is ejected when its share of failures is
// certainly, by the lower bound of Wilson's interval, above what the better
// half of the others shows: boundBase + boundTimes × their share, of which the
// upper bound is taken. When all fail alike nobody stands out and nobody is
// ejected.

// LeastAttempts are those below which no share is judged, neither an endpoint's
// nor the others'.
const LeastAttempts = 10

const (
	boundBase  = 0.03 // share of failures that is tolerated whatever the others do
	boundTimes = 3
	othersZ    = 1 // the less was seen of the others, the more they may be failing
)

// wilsonLower is the lower bound of a share of which failed of n were seen:
// the share that lies z standard deviations below what was seen (Wilson 1927).
// Unlike the usual p ± z·sqrt(p(1-p)/n) it holds for few and for none.
func wilsonLower(t Tally, z float64) float64 {
	if t.N <= 0 {
		return 0
	}
	p, zz := t.Share(), z*z
	middle := p + zz/(2*t.N)
	half := z * math.Sqrt(max(p*(1-p)/t.N+zz/(4*t.N*t.N), 0))
	return max((middle-half)/(1+zz/t.N), 0)
}

// wilsonUpper is the bound on the other side: the share that lies z standard
// deviations above what was seen.
func wilsonUpper(t Tally, z float64) float64 {
	return 1 - wilsonLower(Tally{t.N, t.N - t.Failed}, z)
}

// Charge is what an endpoint is accused of.
type Charge struct {
	Cause    journal.Cause
	Evidence journal.Evidence
	Gate     journal.Gate // that speaks against an ejection at once; 0 for none
}

// Accuse compares an endpoint with the others and reports whether it stands
// out on any horizon. A charge with a gate stood out and must not be followed.
func Accuse(own, others *Tallies) (Charge, bool) {
	var held Charge
	found := false
	for h := range Horizons {
		lower := wilsonLower(own[h], horizonZ[h])
		bound := boundBase + boundTimes*wilsonUpper(others[h], othersZ)
		if lower <= boundBase {
			continue
		}
		c := Charge{Cause: journal.Errors, Evidence: journal.Evidence{
			Attempts: own[h].N, Share: own[h].Share(), Lower: lower, Bound: bound, Rest: others[h].Share(), Over: horizonTau[h],
		}}
		switch {
		case own[h].N < LeastAttempts || own[h].Failed < horizonFailed[h] || others[h].N < LeastAttempts:
			c.Gate = journal.Volume
		case lower <= bound:
			c.Gate = journal.EveryoneAlike
		default:
			return c, true
		}
		held, found = c, true
	}
	return held, found
}

// Suspicious reports whether a share of failures is above what is always
// tolerated, which nearly every failure is not.
func Suspicious(own *Tallies) bool {
	for h := range own {
		if wilsonLower(own[h], horizonZ[h]) > boundBase {
			return true
		}
	}
	return false
}

// FailsMore reports whether a share of failures is clearly above that of the
// cluster.
func (t Tally) FailsMore(cluster float64) bool {
	return t.Failed >= 1 && t.Share() > boundBase+1.5*cluster
}

// BetterHalf sums up the better half of these, by their shares of failures. The
// half is pooled, not all of them: when two of four are dead, each would hide
// behind the other. Where the half did too little, more are added from the
// better ones up. It changes the order.
func BetterHalf(of []Tally) (t Tally) {
	slices.SortFunc(of, byShare)
	for i, o := range of {
		if i >= (len(of)+1)/2 && t.N >= LeastAttempts {
			break
		}
		t.Add(o)
	}
	return t
}

func byShare(a, b Tally) int { return cmp.Compare(a.Share(), b.Share()) }
