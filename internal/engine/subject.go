package engine

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"poise/internal/cluster"
	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Judge is what the engine asks of a decide.Judge. It is called by one
// goroutine.
type Judge interface {
	Observe(records []lb.Record)
	Evaluate(v *decide.View) decide.Decision
	Step(v *decide.View) decide.Step
	SetMode(m decide.Mode)
	Configure(o decide.Options)
	Forgive()
}

// Learner is what the engine asks of a learn.Learner.
type Learner interface {
	Members(all []*lb.Endpoint)
	Observe(r *lb.Record)
	Waiting(pending []lb.Pending)
	Tick(now stats.Instant)
}

// Minds are what thinks about one cluster.
type Minds struct {
	Learner Learner
	Judge   Judge
	// Fill adds to a view what only the maker of both knows; may be nil.
	Fill func(*decide.View)
	// Save keeps what both know; may be nil. It is called by the engine's
	// goroutine now and then, and at the end.
	Save func()
}

// Subject is a cluster as the engine works on it. It is made once and stays
// the same for as long as the cluster lives.
type Subject struct {
	Cluster *cluster.Cluster
	// Terms returns what is configured. Another pointer says that it changed.
	Terms   func() *Terms
	Drain   func(into []lb.Record) (n int, lost uint64)
	Pending func(into []lb.Pending) []lb.Pending
	Shed    func() uint64 // requests that were refused for want of room, since the start
	// Minds returns new ones: at the start, and when the engine is taken up
	// again after a failure. yield is to be called often during long work.
	Minds func(t *Terms, yield func()) Minds
}

// Terms are what is configured about the engine at one cluster.
type Terms struct {
	Evaluate time.Duration // between two judgements
	Judge    decide.Options
}

// mostNotes bounds what the guard did between two judgements.
const mostNotes = 32

// subject is a Subject with the engine's own knowledge of it.
type subject struct {
	*Subject
	minds   Minds
	terms   *Terms
	tapped  *tap        // who listens to the judge
	version uint64      // of the snapshot whose members the learner knows
	held    []lb.Record // came while the judge was thinking

	stepAt, judgeAt stats.Instant
	took            time.Duration // CPU time of the last judgement
	saveAt          stats.Instant
	lost, lostStep  uint64
	shed, shedStep  uint64
	pending         []lb.Pending
	foreign         decide.Foreign
	theirs          float64 // what it found at the last judgement
	broken          string  // what failed; "" while all is well
	awaited         []awaited
}

// awaited is an entry whose outcome is still to come.
type awaited struct {
	at stats.Instant
	id uint64
}

const mostAwaited = 64

// view is the cluster at this moment.
func (s *subject) view(now stats.Instant) *decide.View {
	snapshot := s.Cluster.Snapshot()
	v := &decide.View{
		Now: now, Cluster: s.Cluster.Name(), Policy: snapshot.Policy, Pinned: !snapshot.Adaptive, Cursor: s.Cluster.Cursor(),
		Foreign: s.theirs,
	}
	for i, e := range snapshot.Members {
		w := decide.EndpointView{Endpoint: e, Eligible: slices.Contains(snapshot.Eligible, e)}
		if !w.Eligible {
			w.Why = snapshot.States[i].Word
		}
		v.Endpoints = append(v.Endpoints, w)
	}
	s.pending = s.Pending(s.pending[:0])
	v.Pending = s.pending
	if s.minds.Fill != nil {
		s.minds.Fill(v)
	}
	return v
}

// await remembers that an entry's outcome is to come.
func (s *subject) await(at stats.Instant, id uint64) {
	if len(s.awaited) == mostAwaited {
		s.awaited = slices.Delete(s.awaited, 0, 1)
	}
	s.awaited = append(s.awaited, awaited{at, id})
}

// idOf returns the number of the entry of a decision.
func (s *subject) idOf(at stats.Instant) (uint64, bool) {
	i := slices.IndexFunc(s.awaited, func(a awaited) bool { return a.at == at })
	if i < 0 {
		return 0, false
	}
	return s.awaited[i].id, true
}

// try calls f and catches what goes wrong in it.
func try(f func()) (failure string, stack []byte) {
	defer func() {
		if r := recover(); r != nil {
			failure, stack = fmt.Sprint(r), debug.Stack()
			if failure == "" {
				failure = "something"
			}
		}
	}()
	f()
	return "", nil
}
