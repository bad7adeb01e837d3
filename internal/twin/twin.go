// Package twin replays the requests of a window under any policy. From the
// records of attempts it infers what the endpoints behind them are: how many
// requests each works on at once, how long each request keeps it, how that
// changed from second to second, how often it fails, and whether it is faster
// with a key that it has just seen. Then the very pickers that serve requests
// pick again, over copies of the endpoints' live state, and the inferred
// endpoints answer.
//
// The methods and constants are those of the project's design, with the
// queue inference of Larson (The Queue Inference Engine, 1990) turned round:
// not the waiting is inferred from the capacity but the capacity is the one
// for which the time of service has nothing to do with the waiting.
package twin

import (
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Options are the parameters of a fit and of its replays. The zero value is
// the recommended configuration.
type Options struct {
	FailureCost time.Duration // what a failure counts; 0: 2 s
	Timeout     time.Duration // after which an attempt fails; 0: none
	Balance     balance.Options
	Seed        uint64
	Ablate      Ablation
}

// Ablation leaves out, one at a time, what makes the replay right. Tests show
// with it that each part is needed.
type Ablation struct {
	NoMemory     bool // starved endpoints are not remembered
	ColdStart    bool // policies begin without the live estimates
	NoQueue      bool // latencies are taken for times of service
	SlowTwice    bool // slow seconds stay in the times of service as well
	MeanSizes    bool // every request is of the mean size
	RetriesCount bool // retries and hedges are taken for requests
	NoFloor      bool // estimates are not raised when a policy takes over
	NoPending    bool // what is still under way is ignored
	NoSharing    bool // every endpoint is taken for a queue
	OwnDice      bool // every candidate has random numbers of its own
}

// Blocks is how many parts a window is cut into: the difference of two
// policies is judged by how it varies between them.
const Blocks = 8

// warmUp is the part of a window that is replayed and not counted: a replay
// begins with nothing under way.
const warmUp = 1.0 / 3

// Endpoint is a member of the cluster.
type Endpoint struct {
	*lb.Endpoint
	Eligible bool
	Returns  bool // it is not, but only for a while: what answered in the window will again
}

// Learner is what a policy learns by: learn.Learner, cloned.
type Learner interface {
	Observe(*lb.Record)
	Tick(stats.Instant)
}

// Alike is an endpoint that a replay adds, and the one that it is like.
type Alike struct{ ID, Like uint32 }

// Input is what a model is made of.
type Input struct {
	Now       stats.Instant
	From      stats.Instant // requests sent before it are no arrivals of the window; 0: all are
	Incumbent string        // the policy that picked
	Endpoints []Endpoint
	Records   []lb.Record // that ended in the window, in any order; kept by nobody
	Pending   []lb.Pending
	Cursor    uint64  // where round-robin stands
	Memory    *Memory // of earlier windows, changed by Fit; nil: none
	// Teach clones what expected-delay knows for these endpoints, which are
	// clones too, and has those that are added know what others do; nil: nothing
	// is learnt in a replay.
	Teach   func(onto []*lb.Endpoint, added []Alike) (Learner, *lb.Affinity)
	Yield   func() // called every 64 records; nil: never
	Options Options
}

// Model is a window, inferred. It is read only, and replays of it are
// independent.
type Model struct {
	in       Input
	span     time.Duration // from the first attempt to the last
	begin    time.Duration // when the first request came that counts as an arrival
	end      time.Duration // and the last
	start    stats.Instant
	stations []station // as in.Endpoints
	jobs     []job     // in order of arrival
	backlog  []job     // what was under way when the window began, likewise
	outages  []outage  // in order of time
	reuse    reuse
	keys     int           // distinct ones
	elder    time.Duration // p99 of the latencies: what is older is slow, not new
	measured []outcome     // of each job
	scratch  scratch
}

// job is a request that came in.
type job struct {
	at     time.Duration // since the start of the window
	after  time.Duration // it was still counted as under way after its answer's head
	size   float64       // rank of its time of service where it went, (0, 1)
	key    uint64
	keyed  int32 // number of its key, -1 for none
	fixed  int32 // the station that it went to whatever the policy, -1 for none
	stream bool
	silent bool // its loss is not counted: nobody knows it
}

// outcome is what came of a job, measured or replayed.
type outcome struct {
	latency time.Duration
	failed  bool
}

// Fit infers the model of a window.
func Fit(in Input) *Model {
	if in.Options.FailureCost <= 0 {
		in.Options.FailureCost = 2 * time.Second
	}
	if in.Memory == nil || in.Options.Ablate.NoMemory {
		in.Memory = &Memory{}
	}
	if in.Yield == nil {
		in.Yield = func() {}
	}
	m := &Model{in: in, stations: make([]station, len(in.Endpoints))}
	w := m.window()
	m.fitStations(w)
	m.fitAffinity(w)
	m.in.Memory.store(m)
	m.rank(w)
	m.listJobs(w)
	m.findOutages(w)
	m.in.Records = nil
	return m
}

// Jobs returns how many requests came in.
func (m *Model) Jobs() int { return len(m.jobs) }

// Keyed reports whether any of them had a key.
func (m *Model) Keyed() bool { return m.keys > 0 }

// Span returns the time from the first to the last of them.
func (m *Model) Span() time.Duration { return m.end - m.begin }

// Rate returns requests a second.
func (m *Model) Rate() float64 {
	if m.end <= m.begin {
		return 0
	}
	return float64(len(m.jobs)) / (m.end - m.begin).Seconds()
}
