package decide

import (
	"math"

	"poise/internal/stats"
)

// What the last windows must say together where each of them alone is too
// noisy to tell.
const (
	leastWindows = 3
	mostWindows  = 6
	sureTogether = 3.0 // least t; more than of one window, because it is asked with each
)

// comparisons are what each window said of the candidates, since the incumbent
// has picked alone.
type comparisons struct {
	Since stats.Instant           `json:"since"`
	By    map[string][]comparison `json:"by"` // the last windows, the newest last
}

// comparison is what a window said of a candidate.
type comparison struct {
	Own   float64 `json:"own"`    // predicted loss of the incumbent
	Other float64 `json:"other"`  // and of the candidate
	Mean  float64 `json:"mean"`   // of the paired difference between their blocks
	Error float64 `json:"error2"` // square of its standard error

	At     stats.Instant `json:"at"`
	Blocks []float64     `json:"blocks"` // of the candidate
}

// compare adds the window. One whose model is off says nothing, unless more was
// lost than it computes: the others gain what they do by what it knows of, and
// what it does not know of is the incumbent's. Nor does one of another
// incumbent.
func (j *Judge) compare() {
	c := &j.state.Compared
	if c.Since != j.state.Since || c.By == nil {
		*c = comparisons{j.state.Since, map[string][]comparison{}}
	}
	f := &j.found
	if f.invalid && f.off < 0 {
		return
	}
	own := &f.candidates[0]
	overlap := max(1, j.model.Span().Seconds()/j.o.Evaluate.Seconds()) // a window longer than the time between two tells in part what the one before told
	for i := range f.candidates[1:] {
		other := &f.candidates[i+1]
		mean, se := paired(own.blocks, other.blocks)
		all := append(c.By[other.Policy], comparison{own.Loss, other.Loss, mean, se * se * overlap, j.now, other.blocks})
		c.By[other.Policy] = all[max(0, len(all)-mostWindows):]
	}
}

// joint is what several windows say together.
type joint struct {
	candidate  *Candidate
	windows    int
	own, other float64 // mean predicted losses
	diff, err  float64 // mean of the paired differences, and its standard error
}

func (e *joint) t() float64 { return e.diff / max(e.err, 1e-12) }

func (e *joint) gain() float64 { return 1 - e.other/e.own }

// together returns the candidate that has gained most over the last windows,
// if it is enough and sure, and if it does no worse in this one; else nil.
func (j *Judge) together() *joint {
	var best *joint
	for i := range j.found.candidates {
		c := &j.found.candidates[i]
		all := j.state.Compared.By[c.Policy]
		if i == 0 || c.Note != "" || len(all) < leastWindows || !(c.Loss < j.found.candidates[0].Loss) {
			continue
		}
		e := joint{candidate: c, windows: len(all)}
		n := float64(len(all))
		for _, x := range all {
			e.own, e.other = e.own+x.Own/n, e.other+x.Other/n
			e.diff, e.err = e.diff+x.Mean/n, math.Hypot(e.err, math.Sqrt(x.Error)/n)
		}
		if e.gain() >= j.o.Margin && e.t() >= sureTogether && (best == nil || e.other < best.other) {
			best = &e
		}
	}
	return best
}

// apart returns by how much more a loses than b over the last windows that
// compared both, and the standard error of that; of this one alone before it is
// among them.
func (j *Judge) apart(a, b *Candidate) (mean, se float64) {
	one, other := j.state.Compared.By[a.Policy], j.state.Compared.By[b.Policy]
	n, sum, squares := 0.0, 0.0, 0.0
	for i, k := len(one)-1, len(other)-1; i >= 0 && k >= 0 && n < leastWindows; {
		switch x, y := &one[i], &other[k]; {
		case x.At > y.At:
			i--
		case x.At < y.At:
			k--
		default:
			d, e := paired(x.Blocks, y.Blocks)
			n, sum, squares = n+1, sum+d, squares+e*e
			i, k = i-1, k-1
		}
	}
	if n == 0 {
		return paired(a.blocks, b.blocks)
	}
	return sum / n, math.Sqrt(squares) / n
}
