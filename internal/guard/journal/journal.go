// Package journal names what a guard does and why, and keeps the last of it.
package journal

import (
	"sync"
	"time"

	"poise/internal/stats"
)

// Kind is what the guard did.
type Kind uint8

// The kinds of actions.
const (
	Eject     Kind = iota + 1 // no requests for Action.For
	HoldBack                  // an endpoint stood out and Action.Gate kept it from being ejected
	TrialWon                  // a request that was sent to find out went well
	TrialLost                 // it did not: ejected again, for Action.For
	Readmit                   // enough trials went well; the endpoint ramps up
	TakeBack                  // attempts that wait there were taken back, to be sent elsewhere
	Release                   // taken back at once, since those left fail as well
	Serve                     // the ramp is over
	PanicOn                   // so few are left that health is ignored
	PanicOff
	ShedOn  // requests are turned away, since every endpoint is at its limit
	ShedOff // no more of them
	Limit   // an enforced limit has changed, by a fifth or more
)

var kindNames = [...]string{"", "eject", "hold-back", "trial-won", "trial-lost", "readmit", "take-back", "release", "serve", "panic-on", "panic-off", "shed-on", "shed-off", "limit"}

// String returns the kind's name in logs and metrics.
func (k Kind) String() string { return kindNames[k] }

// Cause is why an endpoint is ejected.
type Cause uint8

// The causes.
const (
	Errors  Cause = iota + 1 // a share of failures far above that of the others
	Latency                  // far slower than the others
	Stall                    // no answers while requests wait
	Trial                    // a trial failed
)

var causeNames = [...]string{"", "errors", "latency", "stall", "trial"}

// String returns the cause's name in logs and metrics.
func (c Cause) String() string { return causeNames[c] }

// Causes returns all of them.
func Causes() []Cause { return []Cause{Errors, Latency, Stall, Trial} }

// Gate is what kept the guard from ejecting an endpoint.
type Gate uint8

// The gates.
const (
	MaxEjected    Gate = iota + 1 // as many are out as may be
	Panic                         // too few usable endpoints would be left
	Volume                        // too little was seen, of it or of the others
	EveryoneAlike                 // the others are no better
	Loaded                        // it does the work of its peers, and they wait for each other as well
	NoRoom                        // the others have no room for its share

	// Gates is how many there are, and 0.
	Gates
)

var gateNames = [Gates]string{"", "max-ejected", "panic", "volume", "everyone-alike", "loaded", "no-room"}

// String returns the gate's name in logs and metrics.
func (g Gate) String() string { return gateNames[g] }

// Evidence is what an action rests on. What has nothing to do with its cause
// is zero.
type Evidence struct {
	Attempts float64       // that were seen; old ones count less
	Share    float64       // of them that failed
	Lower    float64       // bound of the share, Wilson's
	Bound    float64       // that Lower was compared with
	Rest     float64       // share of failures of the better half of the others
	Over     time.Duration // time constant of what was seen

	Latency time.Duration // the quantile that stood out, or of a trial
	Peers   time.Duration // the same quantile of the others, or the limit of a trial

	Stuck  int           // attempts that wait for an answer longer than Limit
	Oldest time.Duration // how long the oldest of them waits
	Limit  time.Duration
	Vain   int // of Stuck, those that were taken back already

	Work     float64 // answers lately over those of the typical other one
	Crowding float64 // of the others: their median over that of the idle cluster, or as many times more wait there

	Shed     uint64 // requests turned away, of a ShedOff
	From, To int    // limits, of a Limit
}

// Action is one thing the guard did or kept from doing.
type Action struct {
	Number   uint64 // of the journal, from 1 on
	At       stats.Instant
	Endpoint string // address; "" when it is about the cluster
	Kind     Kind
	Cause    Cause
	Gate     Gate          // of a HoldBack
	For      time.Duration // of an ejection
	Evidence Evidence
}

const journalSize = 256

// Journal keeps the last actions: for one reader that drains them, and for
// those who look. It may be used by many goroutines.
type Journal struct {
	mu   sync.Mutex
	ring [journalSize]Action
	next uint64 // number of the next action
	read uint64 // number of the next that a reader gets
}

// Push adds an action and numbers it.
func (j *Journal) Push(a Action) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a.Number = j.next + 1
	j.ring[j.next%journalSize] = a
	j.next++
}

// Last appends the last actions that were not before since to list, at most
// so many, oldest first. It may be called at any time and drains nothing.
func (j *Journal) Last(list []Action, since stats.Instant, most int) []Action {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(uint64(max(most, 0)), j.next, journalSize)
	for i := j.next - n; i < j.next; i++ {
		if a := &j.ring[i%journalSize]; a.At >= since {
			list = append(list, *a)
		}
	}
	return list
}

// Drain appends the actions since the last call to list, and says how many
// were overwritten before they could be read.
func (j *Journal) Drain(list []Action) (all []Action, lost uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.next-j.read > journalSize {
		lost = j.next - j.read - journalSize
		j.read += lost
	}
	for ; j.read < j.next; j.read++ {
		list = append(list, j.ring[j.read%journalSize])
	}
	return list, lost
}
