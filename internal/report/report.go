// Package report turns what a bench measured into a page of its own, a text and
// plots. It is pure: results in, bytes out; the same results give the same
// bytes.
package report

import "time"

// Results are what one bench measured, and what it was to measure.
type Results struct {
	Title     string
	When      time.Time
	Machine   string    // what it was measured on
	Size      string    // quick, hour, full, or what it was called
	Command   string    // that makes it again
	Warm      float64   // seconds at the beginning of a run that are in no figure
	Length    float64   // seconds of a run, Warm included
	Rounds    int       // that were planned
	Programs  []Program // that were measured
	Notes     []string  // what a reader must know, a sentence each
	Scenarios []Scenario
	Cells     []Cell // every run that was planned
}

// Program is one that was measured.
type Program struct{ Name, Version string }

// Scenario is one situation and what came of it.
type Scenario struct {
	Name      string
	About     string // one line
	Rate      float64
	Load      float64 // share of the capacity that is asked for at the start
	Endpoints []Endpoint
	Marks     []Mark
	Rows      []Row
	Floor     []float64 // loss in ms of each round's jobs alone at their best endpoints; nobody can beat it
	Central   []float64 // and in one queue that knows everything; a reference and no bound
}

// Endpoint is one of those that requests are sent to.
type Endpoint struct{ Name, Group string }

// Mark is something that happens while a scenario runs. Times are seconds from
// the start of a run, its warm-up included.
type Mark struct {
	From, To  float64
	Endpoints []int // that it happens to; none: to the arrivals
	Text      string
}

// Kind is what a subject is.
type Kind string

// The kinds of subjects.
const (
	Policy Kind = "policy" // of Poise, all the time
	Judge  Kind = "engine" // Poise, which chooses among its policies
	Peer   Kind = "peer"   // another proxy
)

// Row is a subject under a scenario.
type Row struct {
	Subject string
	Kind    Kind
	Runs    []Run    // good ones, by round
	Void    []string // why those that are void say nothing
	Failed  []string // why others could not be made
}

// Run is one good run.
type Run struct {
	Round     int
	Values    map[string]float64    // by the names in Quantities; ms, but for failed (%) and cpu (us)
	Spread    map[string][2]float64 // 95 % intervals from blocks of this run
	Seconds   []Second
	Decisions []Decision
	Final     string // the policy at its end, of judges
}

// Second is what happened to the requests that were due in one.
type Second struct {
	At       int       `json:"at"` // the first is 0
	Requests int       `json:"n"`
	Failed   int       `json:"failed,omitempty"`
	P50      float64   `json:"p50"` // ms
	P99      float64   `json:"p99"`
	Shares   []int     `json:"workers"`             // requests that each endpoint answered
	InFlight []float64 `json:"in_flight,omitempty"` // requests under way at each endpoint on average, as the client sees it
}

// Decision is one of the engine's, with its reasons.
type Decision struct {
	At      float64 // seconds from the start of the run
	Action  string  // switch, canary, hold, …
	To      string
	Text    string   // one line for a person
	Reasons []string // conditions that were true, and gates that held it back
	Outcome string   // what came of it, "" when it was not measured
}

// Changed reports whether requests were picked otherwise from then on.
func (d *Decision) Changed() bool { return d.Action != "" && d.Action != "hold" }

// Cell is one planned run and whether it exists.
type Cell struct {
	Scenario, Subject string
	Round             int
	State             State
	Why               string // of void and failed ones
}

// State is what there is of a cell.
type State string

// The states of cells.
const (
	Measured State = "measured"
	Void     State = "void"
	Failed   State = "failed"
	Missing  State = "missing"
)

// Quantity is one that tables show.
type Quantity struct{ Key, Name, Unit string }

// Quantities are those that every run has.
var Quantities = []Quantity{
	{"mean", "mean", "ms"},
	{"p50", "p50", "ms"},
	{"p99", "p99", "ms"},
	{"p99.9", "p99.9", "ms"},
	{"failed", "failed", "%"},
	{"loss", "loss", "ms"},
	{"cpu", "CPU", "µs"},
}
