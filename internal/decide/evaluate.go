package decide

import (
	"math"
	"slices"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
)

// findings are what an evaluation works on.
type findings struct {
	records    []lb.Record
	measured   twin.Prediction
	again      twin.Prediction // of the incumbent, as replayed
	past       twin.Prediction // the same, as it was
	off        float64         // measured over past, as a logarithm
	invalid    bool
	candidates []Candidate // the incumbent first
	rival      string      // the best of the others
	joint      *joint      // what several windows say together, where that decides
	conditions []Condition // those that are true
	statistics []Statistic
	gates      gates
	learnt     float64 // share of the answers; 0 for all
}

// Evaluate judges the window that ends now. The caller gives the decision an
// identity, writes it down, and does what Do says if Changed.
func (j *Judge) Evaluate(v *View) Decision {
	j.look(v)
	j.found = findings{}
	j.fit(v)
	j.conditions(v)
	j.predict(v)
	d := Decision{Cluster: v.Cluster, At: v.Now, Policy: j.state.Policy, Action: Hold}
	if j.o.Kind == ByRules {
		j.judgeRules(v, &d)
	} else {
		j.judgeModel(v, &d)
	}
	j.expect(&d)
	d.Conditions, d.Gates = j.found.conditions, j.found.gates
	d.Candidates = j.ordered()
	d.Evidence = j.evidence()
	if d.Action == Hold || d.Action == Advised {
		d.Gate = j.found.gates.failed()
	}
	d.Text = j.tell(&d)
	j.state.Lost, j.state.Shed, j.state.Notes = 0, 0, nil
	j.state.Tally = tally{From: j.now}
	j.state.Predicted = map[string]float64{}
	for _, c := range j.found.candidates {
		j.state.Predicted[c.Policy] = c.Loss
	}
	j.model = nil
	return d
}

// ejected is why an endpoint is left out that will be back.
const ejected = "ejected"

// fit infers the endpoints from the window, which does not reach back behind
// the last change of policy.
func (j *Judge) fit(v *View) {
	in := j.input(v, j.state.Policy, &j.memory, 2*leastRecords)
	j.found.records = in.Records
	live := make([]*lb.Endpoint, 0, len(v.Endpoints))
	for _, e := range v.Endpoints {
		live = append(live, e.Endpoint)
	}
	if v.Learner != nil && v.Learner.Share() < 1 {
		j.found.learnt = v.Learner.Share()
	}
	j.state.Floor = twin.Floor(v.Now, live)
	j.model = twin.Fit(in)
	j.found.measured = j.model.Measured()
}

// input is the window that ends now, as it is when policy picks; where it has
// no more requests than enough, a longer one tells more.
func (j *Judge) input(v *View, policy string, memory *twin.Memory, enough int) twin.Input {
	var from stats.Instant
	var records []lb.Record
	for _, window := range [...]time.Duration{j.o.Evaluate, j.o.Evaluate * 3 / 2, j.o.Evaluate * 5 / 2} {
		records, from = j.ended(max(v.Now.Add(-window), j.state.Since), v.Now)
		if len(records) > enough {
			break
		}
	}
	in := twin.Input{
		Now: v.Now, From: from, Incumbent: policy, Records: records, Pending: v.Pending,
		Cursor: v.Cursor, Memory: memory, Yield: j.o.Yield, Teach: teacher(v),
		Options: twin.Options{FailureCost: j.o.FailureCost, Timeout: j.o.Timeout, Balance: j.o.Balance, Seed: j.o.Seed},
	}
	for _, e := range v.Endpoints {
		in.Endpoints = append(in.Endpoints, twin.Endpoint{Endpoint: e.Endpoint, Eligible: e.Eligible, Returns: e.Why == ejected})
	}
	return in
}

func (j *Judge) enough() bool {
	if j.oracle != nil {
		return true
	}
	return j.model.Jobs() >= leastRecords && j.found.measured.Requests >= leastRecords/3
}

// predict replays the window under the candidates that matter and compares
// what it says of the incumbent with what was measured.
func (j *Judge) predict(*View) {
	f := &j.found
	if !j.enough() {
		return
	}
	var err error
	if f.again, err = j.replay(j.state.Policy); err != nil || !usablePrediction(&f.again) {
		f.again = twin.Prediction{}
		return
	}
	f.off = logRatio(f.measured.Loss, f.again.Loss)
	f.past = f.again
	if math.Abs(f.off) > valid {
		j.past()
	}
	off := f.off
	f.invalid = math.Abs(off) > valid
	if f.invalid {
		j.state.Invalid++
	} else {
		j.state.Invalid = 0
	}
	if math.Abs(off) <= valid { // what is further off is no bias, but a model that fails
		b := j.state.Bias[j.state.Policy]
		b.Log, b.At = j.biasOf(j.state.Policy)+biasGain*(off-j.biasOf(j.state.Policy)), j.now
		j.state.Bias[j.state.Policy] = b
	}
	j.calibrate()
	own := j.candidate(f.again)
	if f.invalid && f.measured.Loss < own.Loss { // nobody is left for a loss that only a failing model sees
		own.Scale(f.measured.Loss / own.Loss)
	}
	f.candidates = append(f.candidates, own)
	if j.o.Kind == ByRules || j.state.Mode == Freeze {
		return
	}
	for _, p := range j.o.Candidates {
		if p == j.state.Policy {
			continue
		}
		if got, err := j.replay(p); err == nil && usablePrediction(&got) {
			f.candidates = append(f.candidates, j.candidate(got))
		}
	}
	if j.o.Distort != nil {
		j.o.Distort(f.candidates)
	}
}

// past replays the window as it was. The usual replay is of the requests to
// come: it begins with nothing under way and with every endpoint that will be
// there. Under a policy that sends more to an endpoint than it can do the
// queue there grows from window to window until the guard takes the endpoint
// out, so what was measured is another thing although the model is right.
func (j *Judge) past() {
	f := &j.found
	if j.oracle != nil {
		return
	}
	p, err := j.model.Replay(j.state.Policy, twin.Scenario{Past: true})
	if err != nil || !usablePrediction(&p) {
		return
	}
	if off := logRatio(f.measured.Loss, p.Loss); math.Abs(off) < math.Abs(f.off) {
		f.off, f.past = off, p
	}
}

// usablePrediction reports whether a prediction is one: a policy without an
// endpoint has none.
func usablePrediction(p *twin.Prediction) bool {
	return !p.Abandoned && p.Loss > 0 && !math.IsInf(p.Loss, 0)
}

// named reports whether a condition holds.
func (j *Judge) named(condition string) bool {
	return slices.ContainsFunc(j.found.conditions, func(c Condition) bool { return c.Name == condition })
}

func (j *Judge) replay(policy string) (twin.Prediction, error) {
	if j.oracle != nil {
		return j.oracle(policy), nil
	}
	return j.model.Replay(policy, twin.Scenario{})
}

// biasOf is how much more than predicted is to be expected of a policy. One
// that has not run for long inherits half of what is known of the incumbent.
func (j *Judge) biasOf(policy string) float64 {
	inherited := 0.0
	if policy != j.state.Policy {
		inherited = j.state.Bias[j.state.Policy].Log / 2
	}
	b, known := j.state.Bias[policy]
	if !known || b.At > j.now {
		return inherited
	}
	w := math.Exp(-j.now.Sub(b.At).Seconds() / biasFades.Seconds())
	return w*b.Log + (1-w)*inherited
}

// candidate makes a prediction into a candidate: corrected by the bias, with
// the interval in which the loss of the requests to come is expected.
func (j *Judge) candidate(p twin.Prediction) Candidate {
	factor := math.Exp(j.biasOf(p.Policy))
	c := Candidate{
		Policy: p.Policy, Loss: p.Loss * factor, Mean: p.Mean.Seconds() * factor,
		P50: p.P50.Seconds() * factor, P99: p.P99.Seconds() * factor, Failures: p.Failures,
	}
	for _, b := range p.Blocks {
		c.blocks = append(c.blocks, b*factor)
	}
	half := j.state.Width.half(relativeError(c.blocks, c.Loss), p.Policy == j.state.Policy)
	c.Low, c.High = c.Loss*math.Exp(-half), c.Loss*math.Exp(half)
	switch {
	case j.banned(p.Policy):
		c.Note = "banned after a switch that did harm"
	case p.Policy != j.state.Policy && j.named(HiddenLoad) && !looks(p.Policy):
		c.Note = "not considered while others use the endpoints too"
	case j.found.invalid && p.Policy != j.state.Policy && !slices.Contains(robust, p.Policy) && !j.beyondError(c.Loss):
		c.Note = "not considered while the model is off"
	}
	return c
}

// beyondError reports whether a predicted loss is so far below what was
// measured that the policy gains what is asked for even if the model is as far
// off for it. Where the incumbent loses ten times what it should, a model that
// computes seven or fourteen times is good enough to leave it by.
// One that computes too much for the incumbent hides gains and makes none: much
// less than was measured is believed.
func (j *Judge) beyondError(loss float64) bool {
	f := &j.found
	if j.named(HiddenLoad) || f.past.Loss <= 0 {
		return false
	}
	if f.off < 0 && loss < f.measured.Loss*(1-relieved) {
		return true
	}
	off := math.Abs(math.Log(f.measured.Loss / f.past.Loss))
	return math.Log(f.measured.Loss/loss) > off-math.Log(1-j.o.Margin)
}

func (j *Judge) banned(policy string) bool { return j.now < j.state.Bans[policy] }

// ordered returns the candidates, the least loss first.
func (j *Judge) ordered() []Candidate {
	out := slices.Clone(j.found.candidates)
	slices.SortStableFunc(out, func(a, b Candidate) int {
		switch {
		case a.Loss < b.Loss:
			return -1
		case a.Loss > b.Loss:
			return 1
		}
		return 0
	})
	return out
}

func (j *Judge) evidence() Evidence {
	f := &j.found
	e := Evidence{
		Window: j.model.Span().Seconds(), Records: len(f.records), Lost: j.state.Lost, Learnt: f.learnt, Rate: j.state.Last.Rate,
		Measured: f.measured.Loss, Predicted: f.past.Loss, Bias: math.Exp(j.biasOf(j.state.Policy)),
		Load: j.model.Load(), Failures: f.measured.Failures, Notes: j.state.Notes, Statistics: f.statistics,
	}
	e.Forecasts = j.forecasts()
	for _, s := range j.model.Endpoints() {
		if !s.Known && s.Attempts == 0 {
			continue
		}
		m := EndpointModel{Address: s.Address, Records: s.Attempts, Service: s.Service, Capacity: s.Slots, Bounded: s.Bounded, Failing: s.Failing, Discipline: "queue"}
		if s.Sharing {
			m.Discipline = "sharing"
		}
		e.Endpoints = append(e.Endpoints, m)
	}
	e.Model = j.describe(e.Endpoints)
	return e
}

// relativeError is the standard error of the mean of blocks over the whole.
func relativeError(blocks []float64, loss float64) float64 {
	if loss <= 0 || len(blocks) < 2 {
		return 0
	}
	_, se := paired(blocks, make([]float64, len(blocks)))
	return se / loss
}

// paired returns the mean of a-b and its standard error.
func paired(a, b []float64) (mean, se float64) {
	n := float64(min(len(a), len(b)))
	if n < 2 {
		return 0, 0
	}
	var sum, squares float64
	for i := range int(n) {
		d := a[i] - b[i]
		sum += d
		squares += d * d
	}
	mean = sum / n
	return mean, math.Sqrt(max(squares/n-mean*mean, 0) / (n - 1))
}
