// Package trust keeps the score of forecasts that came with a 90 % interval:
// how many of the last ones held, and whether that is enough to act on them.
package trust

import "strings"

const (
	// Kept is how many forecasts count.
	Kept = 200
	// Least is how many must be known for a verdict.
	Least = 40
	// Lost is the share that must hold; with less trust is lost.
	Lost = 0.75
	// Earned is the share of the last Least that must hold for trust to come
	// back. It lies between Lost and what is promised, so that trust does not
	// come and go by chance.
	Earned = 0.85
)

// Score is the score of the last forecasts. It is plain data: the state
// directory and recordings keep it. The zero value trusts.
type Score struct {
	Last    string `json:"last"`    // of the last Kept forecasts, the oldest first: + for one that held, - for one that did not
	Since   int    `json:"since"`   // forecasts since trust was last lost, earned or given, at most Kept
	Without bool   `json:"without"` // trust is lost
}

const (
	held   = '+'
	missed = '-'
)

// Add takes in whether a forecast held. It reports whether trust was lost or
// earned by that.
func (s *Score) Add(holds bool) (changed bool) {
	sign := missed
	if holds {
		sign = held
	}
	s.Last += string(sign)
	s.Last = s.Last[max(len(s.Last)-Kept, 0):]
	s.Since = min(s.Since+1, Kept)
	if s.Since < Least {
		return false
	}
	lost := share(s.tail(s.Since)) < Lost
	if s.Without {
		lost = share(s.tail(Least)) < Earned
	}
	if lost == s.Without {
		return false
	}
	s.Without, s.Since = lost, 0
	return true
}

// Coverage returns how many of the last forecasts held, as a share, and how
// many there were.
func (s *Score) Coverage() (inside float64, n int) { return share(s.Last), len(s.Last) }

// Recent is Coverage of the last Least forecasts, which the verdict that trust
// comes back rests on.
func (s *Score) Recent() (inside float64, n int) {
	last := s.tail(Least)
	return share(last), len(last)
}

// Forgive gives trust back, by somebody's word: the score counts anew.
func (s *Score) Forgive() { s.Without, s.Since = false, 0 }

func (s *Score) tail(n int) string { return s.Last[max(len(s.Last)-n, 0):] }

func share(of string) float64 {
	if of == "" {
		return 0
	}
	return float64(strings.Count(of, string(held))) / float64(len(of))
}
