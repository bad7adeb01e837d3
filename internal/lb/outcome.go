package lb

import (
	"time"

	"poise/internal/stats"
)

// Outcome is how an attempt ended.
type Outcome uint8

// The outcomes.
const (
	Success   Outcome = iota // an answer below 500, whole
	Status5xx                // an answer of 500 to 599
	Pressure                 // 429: the endpoint asks for less; no failure
	Connect                  // no connection could be made
	Reset                    // the connection broke before the answer's head
	Timeout                  // no answer's head in time
	Malformed                // what came was no HTTP
	Cut                      // the answer broke off after its head
	Canceled                 // the client left, or another attempt won; says nothing about the endpoint
	OutcomeCount
)

var outcomeNames = [OutcomeCount]string{"success", "5xx", "429", "connect", "reset", "timeout", "malformed", "cut", "canceled"}

// String returns the outcome's name in metrics and logs.
func (o Outcome) String() string { return outcomeNames[o] }

// Failed reports whether the outcome is a failure of the endpoint.
func (o Outcome) Failed() bool {
	switch o {
	case Success, Pressure, Canceled:
		return false
	}
	return true
}

// Flags say what kind of attempt it was.
type Flags uint8

// The flags.
const (
	Retry     Flags = 1 << iota // not the first attempt of its request
	Hedge                       // sent while another attempt was still open
	Trial                       // to learn whether an ejected endpoint is back
	Sticky                      // sent where a cookie said, not where the policy would
	Keyed                       // the request has a key that hash policies would use
	Canary                      // picked by a policy that is being tried on a share of the requests
	Streaming                   // tunnel, event stream: latency is the part to the head only
)

// Observation is one finished attempt.
type Observation struct {
	End      stats.Instant
	Latency  time.Duration // as the word table defines it; 0 when there was no answer's head
	Inflight int           // at the endpoint just before this attempt was sent
	Outcome  Outcome
	Attempt  int // 1 is the first
	Flags    Flags
	Route    int // index of the route
}
