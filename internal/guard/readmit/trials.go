package readmit

import "sync/atomic"

// Trials is the state of the trials of an ejected endpoint in one word: the
// number of the last one (48 bits), how many went well (14) and what goes on.
type Trials struct{ word atomic.Uint64 }

// What goes on.
const (
	Idle   = iota
	Busy   // a trial
	Failed // one has, and nobody has acted upon it
)

const (
	trialsWon    = 14
	trialNumber  = 16
	trialState   = 3
	trialWonMask = 1<<trialsWon - 1
)

// Read returns the number of the last trial, how many went well, and what goes
// on.
func (t *Trials) Read() (number uint64, won, state int) {
	w := t.word.Load()
	return w >> trialNumber, int(w >> 2 & trialWonMask), int(w & trialState)
}

// Begin claims the one trial there may be at a time.
func (t *Trials) Begin(need int) bool {
	w := t.word.Load()
	if w&trialState != Idle || int(w>>2&trialWonMask) >= need {
		return false
	}
	return t.word.CompareAndSwap(w, w&^trialState+1<<trialNumber|Busy)
}

// Verdict is what a trial came to.
type Verdict uint8

// The verdicts.
const (
	Undecided Verdict = iota
	Won
	Lost
)

// End closes trial number n, when it is still the one that goes on.
func (t *Trials) End(n uint64, v Verdict) bool {
	w := t.word.Load()
	if w>>trialNumber != n || w&trialState != Busy {
		return false
	}
	next := w &^ trialState
	switch v {
	case Won:
		next += 1 << 2
	case Lost:
		next |= Failed
	}
	return t.word.CompareAndSwap(w, next)
}

// Clear forgets how many went well; a trial that goes on counts no more.
func (t *Trials) Clear() { t.word.Store((t.word.Load()>>trialNumber + 1) << trialNumber) }
