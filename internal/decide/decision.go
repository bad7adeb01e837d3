package decide

import (
	"time"

	"poise/internal/stats"
)

// The actions of a decision.
const (
	Hold    = "hold"    // the policy stays
	Canary  = "canary"  // another one is tried on a share of the requests
	Switch  = "switch"  // the one that was tried takes over
	Abandon = "abandon" // the one that was tried is not taken
	Undo    = "undo"    // back to the one before, because the switch did harm
	Advised = "advise"  // what would be done if the mode were auto

)

// The verdicts on a switch, 30 s after it.
const (
	Kept         = "kept"          // less is lost, and a loss larger by the margin is ruled out
	NoDifference = "no difference" // a change by the margin is ruled out, either way
	CannotTell   = "cannot tell"   // it is not, or something else has changed too
	Worse        = "worse"         // more is lost beyond doubt, and more than was promised: it is undone
)

// Decision is one entry of the journal: what was found, what was thought of
// it, and what came of it. Seconds are float64; shares are in [0, 1].
type Decision struct {
	Cluster    string        `json:"cluster"`
	At         stats.Instant `json:"-"`
	Policy     string        `json:"policy"`         // that picked when it was judged
	Action     string        `json:"action"`         // Hold, Canary, …
	To         string        `json:"to,omitempty"`   // of everything but hold
	Gate       string        `json:"gate,omitempty"` // the first gate that did not let it pass
	Text       string        `json:"text"`           // one line for a person
	Conditions []Condition   `json:"conditions"`     // those that are true
	Candidates []Candidate   `json:"candidates"`
	Gates      []Gate        `json:"gates"`
	Evidence   Evidence      `json:"evidence"`
	Outcome    *Outcome      `json:"outcome,omitempty"` // 30 s after a switch; nil until then
	Do         Action        `json:"-"`                 // what the caller is to do now, if Changed
	Changed    bool          `json:"-"`
}

// Condition is one thing that is the case, by name.
type Condition struct {
	Name       string  `json:"name"`
	Endpoint   string  `json:"endpoint,omitempty"` // of those that are about one
	Definition string  `json:"definition"`
	Threshold  float64 `json:"threshold"`
	Measured   float64 `json:"measured"`
	Unit       string  `json:"unit,omitempty"` // "share", "times", "records" or none
	Text       string  `json:"text"`
}

// Candidate is a policy with the loss that the twin predicts for it.
type Candidate struct {
	Policy   string  `json:"policy"`
	Loss     float64 `json:"loss"` // seconds
	Low      float64 `json:"low"`  // of the 90 % interval for requests to come
	High     float64 `json:"high"`
	Mean     float64 `json:"mean"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	Failures float64 `json:"failures"` // share
	Note     string  `json:"note,omitempty"`

	blocks []float64
}

// Gate is one question that a change must pass.
type Gate struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Why    string `json:"why"`
}

// Evidence is what a decision rests on.
type Evidence struct {
	Window     float64         `json:"window"` // seconds
	Records    int             `json:"records"`
	Lost       uint64          `json:"lost,omitempty"`   // records that nobody read in time
	Learnt     float64         `json:"learnt,omitempty"` // share of the answers that expected-delay's estimates were learnt from; absent where that is all
	Rate       float64         `json:"rate"`             // requests a second
	Measured   float64         `json:"measured"`         // loss of the incumbent, seconds
	Predicted  float64         `json:"predicted"`        // the same as the twin computes it again
	Bias       float64         `json:"bias"`             // measured over predicted, smoothed
	Load       float64         `json:"load"`             // share of the capacity in use; headroom is 1 - Load
	Failures   float64         `json:"failures"`         // share
	Model      string          `json:"model"`            // the model in words
	Endpoints  []EndpointModel `json:"endpoints,omitempty"`
	Notes      []string        `json:"notes,omitempty"` // what others did meanwhile, the guard above all
	Statistics []Statistic     `json:"statistics,omitempty"`
	Forecasts  Forecasts       `json:"forecasts,omitzero"`
}

// Forecasts are what came of the last forecasts of the loss until the next
// judgement.
type Forecasts struct {
	Known      int     `json:"known"`                // that could be held against what was measured, of the last 200
	Inside     float64 `json:"inside"`               // share of them that fell inside their 90 % interval
	Distrusted bool    `json:"distrusted,omitempty"` // too few did: the engine advises only
}

// EndpointModel is what the twin found out about one endpoint.
type EndpointModel struct {
	Address    string  `json:"address"`
	Records    int     `json:"records"`
	Service    float64 `json:"service"`  // seconds, mean without waiting
	Capacity   int     `json:"capacity"` // requests worked on at once
	Bounded    bool    `json:"bounded"`  // false: only a lower bound of Capacity is known
	Failing    float64 `json:"failing"`  // share
	Discipline string  `json:"discipline,omitempty"`
}

// Statistic is what a condition measures, true or not.
type Statistic struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Outcome is what came of a switch.
type Outcome struct {
	After     float64 `json:"after"`     // seconds since the switch
	Before    float64 `json:"before"`    // loss before it
	Measured  float64 `json:"measured"`  // loss since
	Low       float64 `json:"low"`       // of the 90 % interval of Measured beside Before: the noise of both is in it
	High      float64 `json:"high"`      // its upper end
	Predicted float64 `json:"predicted"` // what was promised
	Verdict   string  `json:"verdict"`   // Kept, NoDifference, CannotTell, Worse
	Text      string  `json:"text"`
}

// OutcomeOf is the outcome of an earlier decision.
type OutcomeOf struct {
	At stats.Instant // of the decision
	Outcome
}

// Action is what the cluster is to do: run Policy on Share of the requests
// beside the incumbent. With a share of 1 it is the policy.
type Action struct {
	Policy string
	Share  float64
	Why    string
	Floor  time.Duration // before it takes effect, raise every latency estimate below this to it; 0: none
}

// Step is what a second brought.
type Step struct {
	Action   Action
	Changed  bool // Action is to be done
	Entries  []Decision
	Outcomes []OutcomeOf
}
