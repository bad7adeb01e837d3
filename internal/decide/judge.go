// Package decide is the judgement of the decision engine. A Judge watches the
// records of one cluster; now and then it infers what the endpoints are, lets
// package twin replay the last seconds under every candidate, and decides
// whether another policy is so much and so surely better that it is worth a
// change. It then supervises the change: on a tenth of the requests first,
// then on half, then by and by on all, and looks afterwards whether it was
// right.
//
// A Judge is a state machine: records, views and the time come in, decisions
// and steps come out. The same input gives the same output, bit for bit, so a
// recording of the input replays every decision.
package decide

import (
	"cmp"
	"math"
	"slices"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/trust"
	"poise/internal/twin"
)

const (
	leastRecords = 300                 // below which nothing is judged
	mostRecords  = 16384               // of a window
	keptRecords  = mostRecords * 5 / 4 // more than a window takes, so that a cut one is known to be cut
	valid        = 0.25                // most that ln(measured / computed again) may be off
	sure         = 2.5                 // least t of the paired difference between blocks
	agreeing     = 2                   // evaluations in a row that must find the incumbent beaten
	evident      = 0.5                 // gain that needs no second evaluation
	full         = 0.97                // load at and above which the choice does not matter
	refused      = 0.01                // share of requests refused for want of room that says the same
	biasGain     = 0.3
	biasFades    = 300 * time.Second
)

// Judge judges one cluster. It belongs to one goroutine.
type Judge struct {
	o       Options
	records []lb.Record // a ring once it is full
	next    int
	memory  twin.Memory
	state   state

	now   stats.Instant
	model *twin.Model // of the evaluation under way
	found findings

	oracle func(policy string) twin.Prediction // of tests: predicts in place of the twin
}

// state is what a judge knows beside records and memory; all of it is saved.
type state struct {
	Mode      Mode                     `json:"mode"`
	Policy    string                   `json:"policy"` // the incumbent
	Pinned    bool                     `json:"pinned"`
	Now       stats.Instant            `json:"now"`         // of the last view
	Switched  stats.Instant            `json:"switched"`    // the last switch by the judge; 0: never
	Since     stats.Instant            `json:"since"`       // the incumbent picks alone since then
	Beaten    int                      `json:"beaten"`      // evaluations in a row that found the incumbent beaten
	Invalid   int                      `json:"invalid"`     // evaluations in a row in which the model failed
	Bias      map[string]bias          `json:"bias"`        // by policy
	Bans      map[string]stats.Instant `json:"bans"`        // until when
	Rules     []stats.Instant          `json:"rules"`       // since when each rule's conditions hold; 0: they do not
	Trial     *trial                   `json:"trial"`       // a change under way
	Cleared   bool                     `json:"cleared"`     // a change under way was ended by others: the caller is to be told
	Watch     *watch                   `json:"watch"`       // a switch that is being looked after
	Pause     stats.Instant            `json:"pause"`       // no canary until then
	Abandoned int                      `json:"abandoned"`   // canaries in a row
	Width     calibration              `json:"calibration"` // of the intervals
	Trust     trust.Score              `json:"trust"`       // what came of forecasts
	Last      circumstances            `json:"circumstances"`
	Floor     time.Duration            `json:"floor"`
	Tally     tally                    `json:"tally"`     // since the last evaluation
	Compared  comparisons              `json:"compared"`  // what the last windows said of the candidates
	Predicted map[string]float64       `json:"predicted"` // losses, by the last evaluation
	Lost      uint64                   `json:"lost"`
	Shed      uint64                   `json:"shed"`
	Notes     []string                 `json:"notes"`
}

// bias is how much more is measured than predicted, as a logarithm.
type bias struct {
	Log float64       `json:"log"`
	At  stats.Instant `json:"at"`
}

// New returns a judge that has seen nothing.
func New(o Options) *Judge {
	j := &Judge{}
	j.state.Bias, j.state.Bans = map[string]bias{}, map[string]stats.Instant{}
	j.Configure(o)
	j.state.Mode = j.o.Mode
	j.state.Policy = Start(j.o.Candidates)
	return j
}

// Start returns the policy that adaptive begins with: expected-delay if it is
// a candidate, for without knowledge it is least-request.
func Start(candidates []string) string {
	if len(candidates) == 0 {
		return DefaultCandidates[0]
	}
	if slices.Contains(candidates, DefaultCandidates[0]) {
		return DefaultCandidates[0]
	}
	return candidates[0]
}

// Configure replaces the options. What is known stays, and so does the mode
// unless the options change it.
func (j *Judge) Configure(o Options) {
	o = o.WithDefaults()
	if o.Mode != j.o.Mode {
		j.state.Mode = o.Mode
	}
	if len(o.Rules) != len(j.state.Rules) {
		j.state.Rules = make([]stats.Instant, len(o.Rules))
	}
	j.o = o
}

// SetMode says what the judge may do from now on. Leaving auto abandons a
// change under way with the next step.
func (j *Judge) SetMode(m Mode) { j.state.Mode = m }

// Mode returns it.
func (j *Judge) Mode() Mode { return j.state.Mode }

// Running returns what is to run now: the incumbent with a share of 1, or a
// change under way.
func (j *Judge) Running() Action {
	if t := j.state.Trial; t != nil {
		return Action{Policy: t.Policy, Share: t.share(), Why: t.Why}
	}
	return Action{Policy: j.state.Policy, Share: 1}
}

// Resume takes up the policy that a process before this one had chosen.
func (j *Judge) Resume(policy string) {
	j.state.Policy, j.state.Trial, j.state.Watch = policy, nil, nil
}

// Operator says that somebody pinned a policy, or with pinned false handed the
// cluster back while policy runs. It ends whatever was under way and is no
// switch of the judge's.
func (j *Judge) Operator(policy string, pinned bool) {
	s := &j.state
	s.Cleared = s.Cleared || s.Trial != nil
	if policy != s.Policy || s.Trial != nil {
		s.Since = s.Now // what went on before was another policy's
	}
	s.Policy, s.Pinned, s.Trial, s.Watch, s.Beaten = policy, pinned, nil, nil, 0
}

// Observe takes records of attempts that ended since the last call.
func (j *Judge) Observe(records []lb.Record) {
	j.state.Tally.add(records)
	j.Hold(records)
}

// Hold takes records that were observed already: those that a judge held when
// it was saved.
func (j *Judge) Hold(records []lb.Record) {
	for i := range records {
		if len(j.records) < keptRecords {
			j.records = append(j.records, records[i])
			continue
		}
		j.records[j.next] = records[i]
		j.next = (j.next + 1) % keptRecords
	}
}

// ended returns copies of the records that ended after from and not after to.
// If they are more than mostRecords it returns those sent last, and since when.
func (j *Judge) ended(from, to stats.Instant) ([]lb.Record, stats.Instant) {
	out := make([]lb.Record, 0, len(j.records))
	for i := range j.records {
		r := &j.records[i]
		if end := r.End(); end > from && end <= to {
			out = append(out, *r)
		}
	}
	if len(out) > mostRecords {
		var first stats.Instant
		out, first = newest(out, mostRecords)
		from = max(from, first)
	}
	return out, from
}

// newest keeps the most records that were sent last, in the order they came
// in, and returns when the first of them was sent.
func newest(all []lb.Record, most int) (kept []lb.Record, first stats.Instant) {
	sent := make([]stats.Instant, len(all))
	for i := range all {
		sent[i] = all[i].Sent
	}
	first = stats.Select(sent, len(all)-most)
	room := most // for those that were sent at that very moment
	for i := range all {
		if all[i].Sent > first {
			room--
		}
	}
	kept = all[:0]
	for i := range all {
		switch at := all[i].Sent; {
		case at > first:
		case at < first || room == 0:
			continue
		default:
			room--
		}
		kept = append(kept, all[i])
	}
	return kept, first
}

// look takes in a view: the time, who is the incumbent, and whether somebody
// else changed that.
func (j *Judge) look(v *View) {
	s := &j.state
	if v.Now < s.Now { // the clock jumped back: what is to wait for a time waits anew
		s.Switched, s.Since, s.Pause = min(s.Switched, v.Now), min(s.Since, v.Now), min(s.Pause, v.Now)
		for p, until := range s.Bans {
			s.Bans[p] = min(until, v.Now.Add(j.o.Ban))
		}
		if s.Trial != nil {
			s.Trial.PhaseAt, s.Trial.Began = min(s.Trial.PhaseAt, v.Now), min(s.Trial.Began, v.Now)
			for p := range s.Trial.Starts {
				s.Trial.Starts[p] = min(s.Trial.Starts[p], v.Now)
			}
		}
		if s.Watch != nil {
			s.Watch.At = min(s.Watch.At, v.Now)
		}
	}
	j.now, s.Now = v.Now, v.Now
	if s.Since == 0 {
		s.Since = 1
	}
	s.Lost += v.Lost
	s.Shed += v.Shed
	s.Notes = append(s.Notes, v.Notes...)
	if n := len(s.Notes); n > mostNotes {
		s.Notes = s.Notes[n-mostNotes:]
	}
	if v.Policy != "" && v.Policy != s.Policy || v.Pinned != s.Pinned {
		j.Operator(cmp.Or(v.Policy, s.Policy), v.Pinned)
	}
}

const mostNotes = 16

// logRatio is ln(a/b), clipped to ±1, and 0 where it means nothing.
func logRatio(a, b float64) float64 {
	if a <= 0 || b <= 0 || math.IsNaN(a) || math.IsNaN(b) {
		return 0
	}
	return min(max(math.Log(a/b), -1), 1)
}
