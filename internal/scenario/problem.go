package scenario

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a scenario, and where.
type Problem struct {
	File      string
	Line, Col int // 1 is the first
	What      string
	Hint      string // what to do about it, may be empty
	text      string // the line
}

// Error returns file:line:col: what is wrong (hint).
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.What)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Excerpt returns the line and, below it, a caret under the column, for
// people.
func (p Problem) Excerpt() string {
	const most = 160
	if p.text == "" || len(p.text) > most {
		return ""
	}
	var below strings.Builder
	for i, r := range p.text {
		if i >= p.Col-1 {
			break
		}
		if r != '\t' { // as wide as the one above, whatever a tab is
			r = ' '
		}
		below.WriteRune(r)
	}
	return p.text + "\n" + below.String() + "^"
}

// Problems are all that is wrong, in the order of the lines.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Hint says which of the known words was probably meant, or names them all.
func Hint(wrong string, known []string) string { return oneOf(wrong, known) }

// oneOf is the hint where only known words are allowed.
func oneOf(wrong string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(wrong, k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "use one of " + strings.Join(known, ", ")
}

// editDistance counts insertions, deletions and changes.
func editDistance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		diagonal := last[0]
		last[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, last[j], last[j+1])
			}
			diagonal, last[j+1] = last[j+1], cost
		}
	}
	return last[len(b)]
}
