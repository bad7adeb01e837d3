package decide

import (
	"fmt"
	"math"

	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
)

// lately is what was lost since a switch: measured, at least and at most beside
// what was lost before, and by how many requests.
type lately struct {
	loss, least, most float64
	noise             float64 // standard error of loss, relative
	n                 int
}

// since measures what was lost since a switch, without what the policy before
// it left waiting.
func (j *Judge) since(w *watch) (s lately) {
	s.loss, s.n, s.noise = j.lossSince(w.At.Add(j.o.Evaluate / 5))
	half := ninetyPct * math.Hypot(s.noise, w.Noise)
	s.least, s.most = s.loss*math.Exp(-half), s.loss*math.Exp(half)
	return s
}

// lossSince returns the measured loss of the requests sent since then.
func (j *Judge) lossSince(from stats.Instant) (loss float64, n int, noise float64) {
	var losses []float64
	for i := range j.records {
		r := &j.records[i]
		if r.Sent >= from && r.End() <= j.now && r.Arrival() && r.Flags&(lb.Streaming|lb.Canary) == 0 {
			if l, known := j.lossOf(r); known {
				losses = append(losses, l)
			}
		}
	}
	loss, blocks := twin.Loss(losses)
	return loss, len(losses), relativeError(blocks[:], loss)
}

// verdict is what the interval says beside what was lost before, where nothing
// speaks for harm. The margin is what a change must come to for it to matter.
func (s *lately) verdict(before, margin float64) string {
	least, most := before*(1-margin), before*(1+margin)
	switch {
	case s.loss < before*(1-margin/2) && s.most < most:
		return Kept
	case s.least > least && s.most < most:
		return NoDifference
	}
	return CannotTell
}

// conclude writes down what came of a switch.
func (j *Judge) conclude(w *watch, since lately, out *Step) {
	w.Judged, w.Measured, w.MeasuredNoise = true, since.loss, since.noise
	o := Outcome{After: j.now.Sub(w.At).Seconds(), Before: w.Before, Predicted: w.Promised}
	if since.n < leastRecords/3 {
		o.Verdict, o.Text = CannotTell, "too few requests since to tell"
	} else {
		o.Measured, o.Low, o.High = since.loss, since.least, since.most
		j.weigh(w, &since, &o)
	}
	if w.Failed {
		j.state.Bans[w.To] = j.now.Add(j.o.Ban)
	}
	out.Outcomes = append(out.Outcomes, OutcomeOf{w.Decided, o})
	if !w.Failed {
		j.state.Watch = nil
	}
}

// weigh finds the verdict on what was measured, and the words. A switch is not
// blamed for what came with other circumstances.
func (j *Judge) weigh(w *watch, since *lately, o *Outcome) {
	changed := w.Circumstances.differ(j.circumstances())
	harm := max(w.Before*worse, w.High)
	o.Verdict = since.verdict(w.Before, j.o.Margin)
	switch {
	case w.Failed:
		o.Verdict = Worse
	case o.Verdict == Kept: // whatever else changed
	case changed != "":
		o.Verdict = CannotTell
	case since.least > harm:
		o.Verdict, w.Failed = Worse, !w.Undo
	}
	o.Text = fmt.Sprintf("measured %s (%s; %s → %s; %s was promised): %s", signed(since.loss/w.Before-1), between(since.least/w.Before-1, since.most/w.Before-1),
		stats.Readable(w.Before), stats.Readable(since.loss), stats.Readable(w.Promised), o.Verdict)
	switch {
	case changed != "" && o.Verdict != Kept:
		o.Text += "; " + changed
	case o.Verdict == CannotTell && since.least > w.Before:
		o.Text += fmt.Sprintf("; worse is what is above %s beyond doubt", stats.Readable(harm))
	}
}
