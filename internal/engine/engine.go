// Package engine runs the decision engine: one goroutine, for all clusters in
// turn, reads what the request path has recorded, has it learnt from and
// judged, does what was decided, and keeps the journal. Requests never wait
// for it.
package engine

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/stats"
)

const (
	tickEvery    = 100 * time.Millisecond // between two readings of the rings
	stepEvery    = time.Second            // between two looks at what was decided, and where judgements are frequent
	stepsBetween = 10                     // so many of them from one to the next
	batch        = 1024                   // records that are read at once
	mostHeld     = 1 << 14                // records that wait while a judge is thinking
	saveEvery    = time.Minute            // between two times that what is known is kept
)

// Options are what the engine works with.
type Options struct {
	Now     func() stats.Instant
	Wall    func() time.Time
	Log     *slog.Logger
	Journal *Journal
}

// Engine is the decision engine. Set, Note, Resume and Status may be called
// from any goroutine.
type Engine struct {
	options Options

	mu       sync.Mutex
	subjects []*subject
	notes    map[string][]string // of the guard, by cluster, since the last judgement
	taps     map[string]*tap     // by cluster
	resumed  map[string]bool     // clusters that are to be taken up again
	status   map[string]Status
	cost     Cost
	asked    *consultation // at most one; nil: nobody asks

	// Of the goroutine.
	budget   budget
	records  []lb.Record
	thinking *subject // whose judge works at the moment
	slice    time.Duration
	drainAt  time.Time
	idleFrom time.Time // when the next question may come that nobody waits for
	behind   bool
}

// Status is what the engine last found out about a cluster.
type Status struct {
	Judged    time.Time // the last time; zero for never
	Next      time.Duration
	Fault     string // why the engine leaves the cluster alone; "" while it does not
	Decision  decide.Decision
	Decisions map[Counted]uint64
}

// Counted is what decisions are counted by.
type Counted struct{ Action, Gate string }

// Cost is what the engine used of its thread.
type Cost struct {
	CPU       time.Duration
	Postponed uint64 // judgements that waited for CPU time
}

// New returns an engine without clusters.
func New(o Options) *Engine {
	return &Engine{
		options: o, notes: map[string][]string{}, resumed: map[string]bool{}, taps: map[string]*tap{}, status: map[string]Status{},
		records: make([]lb.Record, batch),
	}
}

// Set says which clusters there are. One that stays goes on as it was.
func (e *Engine) Set(all []*Subject) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var next []*subject
	for i, s := range all {
		at := slices.IndexFunc(e.subjects, func(old *subject) bool { return old.Subject == s })
		if at >= 0 {
			next = append(next, e.subjects[at])
			continue
		}
		next = append(next, e.begin(s, i, len(all)))
	}
	for _, old := range e.subjects {
		name := old.Cluster.Name()
		if !slices.ContainsFunc(next, func(s *subject) bool { return s.Cluster.Name() == name }) {
			delete(e.notes, name)
			delete(e.status, name)
			delete(e.taps, name)
		}
	}
	e.subjects = next
}

// begin makes a subject. Judgements are spread over the time between two, so
// that the clusters do not all want the CPU at once.
func (e *Engine) begin(s *Subject, i, of int) *subject {
	now, terms := e.options.Now(), s.Terms()
	every := terms.Evaluate
	return &subject{
		Subject: s, terms: terms, minds: s.Minds(terms, e.yield), shed: s.Shed(), shedStep: s.Shed(),
		stepAt: now.Add(stepEvery), judgeAt: now.Add(every + every*time.Duration(i)/time.Duration(of)),
		saveAt: now.Add(saveEvery),
	}
}

// Note adds what somebody else did to a cluster, for the journal.
func (e *Engine) Note(cluster, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := append(e.notes[cluster], text)
	if len(list) > mostNotes {
		list = list[1:]
	}
	e.notes[cluster] = list
}

func (e *Engine) takeNotes(cluster string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.notes[cluster]
	delete(e.notes, cluster)
	return list
}

// Resume takes a cluster up again that was left alone after a failure.
func (e *Engine) Resume(cluster string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resumed[cluster] = true
}

// Status returns what the engine last found out about a cluster.
func (e *Engine) Status(cluster string) Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.status[cluster]
	s.Decisions = maps.Clone(s.Decisions)
	return s
}

// Cost returns what the engine used so far.
func (e *Engine) Cost() Cost {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cost
}

// Run works until ctx is done. It keeps a thread to itself, whose CPU time is
// then the engine's.
func (e *Engine) Run(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			e.saveAll()
			return
		case <-tick.C:
			e.tick(ctx)
		}
	}
}

func (e *Engine) tick(ctx context.Context) {
	e.slice = threadTime()
	e.drainAll()
	e.budget.settle(time.Now(), threadTime())
	for _, s := range e.all() {
		if ctx.Err() != nil {
			return
		}
		e.work(s)
	}
	e.judgeDue(ctx)
	e.consult()
	e.budget.settle(time.Now(), threadTime())
	e.mu.Lock()
	e.cost.CPU = e.budget.used
	e.mu.Unlock()
}

func (e *Engine) all() []*subject {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.subjects // replaced as a whole, never changed
}

// yield steps aside when the engine has worked for a while, and reads the
// rings when it is time, so that none overflows during a long judgement.
func (e *Engine) yield() {
	if threadTime()-e.slice < sliceWork {
		return
	}
	time.Sleep(slicePause)
	if now := time.Now(); now.Sub(e.drainAt) >= tickEvery {
		e.drainAll()
	}
	e.slice = threadTime()
}

// drainAll reads every ring.
func (e *Engine) drainAll() {
	e.drainAt = time.Now()
	for _, s := range e.all() {
		e.drain(s)
	}
}

func (e *Engine) drain(s *subject) {
	for {
		n, lost := s.Drain(e.records)
		s.lost, s.lostStep = s.lost+lost, s.lostStep+lost
		records := e.records[:n]
		switch {
		case s == e.thinking && len(s.held)+n > mostHeld:
			s.lost, s.lostStep = s.lost+uint64(n), s.lostStep+uint64(n)
		case s == e.thinking:
			s.held = append(s.held, records...)
		default:
			e.learn(s, records)
		}
		if n < len(e.records) {
			break
		}
	}
	if s != e.thinking {
		e.tickLearner(s)
	}
}

func (e *Engine) learn(s *subject, records []lb.Record) {
	if s.minds.Learner == nil || len(records) == 0 {
		return
	}
	e.meet(s)
	failure, stack := try(func() {
		for i := range records {
			s.minds.Learner.Observe(&records[i])
		}
	})
	if failure != "" {
		e.learnerFailed(s, failure, stack)
		return
	}
	if s.minds.Judge != nil {
		if failure, stack := try(func() { s.minds.Judge.Observe(records) }); failure != "" {
			e.judgeFailed(s, failure, stack)
		}
	}
}

// meet tells the learner who there is.
func (e *Engine) meet(s *subject) {
	if snapshot := s.Cluster.Snapshot(); snapshot.Version != s.version && s.minds.Learner != nil {
		s.version = snapshot.Version
		s.minds.Learner.Members(snapshot.Members)
	}
}

func (e *Engine) tickLearner(s *subject) {
	if s.minds.Learner == nil {
		return
	}
	failure, stack := try(func() {
		e.meet(s)
		s.pending = s.Pending(s.pending[:0])
		s.minds.Learner.Waiting(s.pending)
		s.minds.Learner.Tick(e.options.Now())
	})
	if failure != "" {
		e.learnerFailed(s, failure, stack)
	}
}
