package engine

import (
	"slices"
	"sync"
	"time"

	"poise/internal/decide"
)

// Entry is a decision as the journal keeps it.
type Entry struct {
	ID   uint64    `json:"id"`
	Time time.Time `json:"time"`
	decide.Decision
}

// The journal holds so many entries in memory. Of those that changed nothing
// the oldest goes first, as long as there are more than so many: what was done
// is remembered for longer than that nothing was.
const (
	mostEntries = 1000
	leastHolds  = 600
)

// Journal keeps what the engine decided: the latest entries in memory, and
// with a Log on disk. Its methods may be called from any goroutine. The zero
// value works.
type Journal struct {
	mu      sync.Mutex
	entries []*Entry // by ID; an Entry never changes, an outcome makes a new one
	holds   int
	last    uint64
	log     *Log // nil when nothing is kept on disk
	told    func(Entry)
}

// NewJournal returns a journal that goes on from what a log holds. told is
// called with every entry, and again once its outcome is known; both log and
// told may be nil.
func NewJournal(log *Log, told func(Entry)) *Journal {
	j := &Journal{log: log, told: told}
	if log != nil {
		for i := range log.past {
			j.keep(&log.past[i])
			j.last = max(j.last, log.past[i].ID)
		}
		log.past = nil
	}
	return j
}

// Add gives a decision its number and its time.
func (j *Journal) Add(d decide.Decision, at time.Time) Entry {
	if d.Conditions == nil {
		d.Conditions = []decide.Condition{}
	}
	if d.Candidates == nil {
		d.Candidates = []decide.Candidate{}
	}
	if d.Gates == nil {
		d.Gates = []decide.Gate{}
	}
	j.mu.Lock()
	j.last++
	e := &Entry{ID: j.last, Time: at.UTC(), Decision: d}
	j.keep(e)
	j.mu.Unlock()
	j.pass(*e)
	return *e
}

// Conclude adds the outcome to an entry. One that is forgotten meanwhile is
// passed over.
func (j *Journal) Conclude(id uint64, o decide.Outcome) {
	j.mu.Lock()
	i, found := j.find(id)
	if !found {
		j.mu.Unlock()
		return
	}
	e := *j.entries[i]
	e.Outcome = &o
	j.entries[i] = &e
	j.mu.Unlock()
	j.pass(e)
}

func (j *Journal) pass(e Entry) {
	if j.log != nil {
		j.log.add(&e)
	}
	if j.told != nil {
		j.told(e)
	}
}

func (j *Journal) find(id uint64) (int, bool) {
	return slices.BinarySearchFunc(j.entries, id, func(e *Entry, id uint64) int {
		switch {
		case e.ID < id:
			return -1
		case e.ID > id:
			return 1
		}
		return 0
	})
}

// keep adds an entry, or replaces the one with its number, and forgets one
// when there are too many. The caller holds the lock.
func (j *Journal) keep(e *Entry) {
	i, found := j.find(e.ID)
	if found {
		j.entries[i] = e
		return
	}
	j.entries = slices.Insert(j.entries, i, e)
	if e.Action == decide.Hold {
		j.holds++
	}
	if len(j.entries) <= mostEntries {
		return
	}
	drop := 0
	if j.holds > leastHolds {
		drop = slices.IndexFunc(j.entries, func(e *Entry) bool { return e.Action == decide.Hold })
	}
	if j.entries[drop].Action == decide.Hold {
		j.holds--
	}
	j.entries = slices.Delete(j.entries, drop, drop+1)
}

// Query says which entries are wanted.
type Query struct {
	Cluster string    // "" for all
	After   uint64    // only those with a higher number
	Since   time.Time // only those of then or later
	Limit   int       // the latest so many; 0 means all
}

// Entries returns the entries that fit, the oldest first.
func (j *Journal) Entries(q Query) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []Entry
	for _, e := range slices.Backward(j.entries) {
		if e.ID <= q.After || e.Time.Before(q.Since) || q.Limit > 0 && len(all) == q.Limit {
			break
		}
		if q.Cluster == "" || e.Cluster == q.Cluster {
			all = append(all, *e)
		}
	}
	slices.Reverse(all)
	return all
}

// Entry returns the entry with a number.
func (j *Journal) Entry(id uint64) (Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i, found := j.find(id); found {
		return *j.entries[i], true
	}
	return Entry{}, false
}
