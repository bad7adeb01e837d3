package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// word is one word of a line and its column.
type word struct {
	text string
	col  int
}

// words reads one line from left to right. The first error ends it: what
// follows returns zeros.
type words struct {
	line string
	all  []word
	at   int
	bad  *Problem
}

func split(line string) *words {
	w := &words{line: line}
	start := -1
	for i, r := range line + " " {
		space := r == ' ' || r == '\t' || r == '\r'
		switch {
		case start < 0 && r == '#':
			return w
		case start < 0 && !space:
			start = i
		case start >= 0 && space:
			w.all = append(w.all, word{line[start:i], utf8.RuneCountInString(line[:start]) + 1})
			start = -1
		}
	}
	return w
}

func (w *words) more() bool { return w.bad == nil && w.at < len(w.all) }

// col is where the next word begins, or the line ends.
func (w *words) col() int {
	if w.at < len(w.all) {
		return w.all[w.at].col
	}
	return utf8.RuneCountInString(strings.TrimRight(w.line, " \t\r")) + 1
}

func (w *words) peek() string {
	if w.more() {
		return w.all[w.at].text
	}
	return ""
}

// fail notes a problem at a column, unless there was one before.
func (w *words) fail(col int, hint, what string, args ...any) {
	if w.bad == nil {
		w.bad = &Problem{Col: col, What: fmt.Sprintf(what, args...), Hint: hint}
	}
}

// next returns a word; what it is to be is named in the error when there is
// none.
func (w *words) next(what string) word {
	if w.bad != nil {
		return word{}
	}
	if w.at == len(w.all) {
		w.fail(w.col(), "", "the line ends where %s should stand", what)
		return word{}
	}
	w.at++
	return w.all[w.at-1]
}

// accept takes the next word when it is this one.
func (w *words) accept(text string) bool {
	if w.peek() != text {
		return false
	}
	w.at++
	return true
}

// expect takes a word that must be this one.
func (w *words) expect(text string) {
	if got := w.next(text); w.bad == nil && got.text != text {
		w.fail(got.col, "", "%q where %q should stand", got.text, text)
	}
}

func (w *words) end() {
	if w.more() {
		w.fail(w.col(), "", "nothing should follow here, and %q does", w.peek())
	}
}

const mostTime = time.Hour

func (w *words) duration(what string, least time.Duration) time.Duration {
	got := w.next(what)
	if w.bad != nil {
		return 0
	}
	d, err := time.ParseDuration(got.text)
	switch {
	case err != nil:
		w.fail(got.col, "as in 20ms or 1m30s", "%s must be a duration, not %q", what, got.text)
	case d < least || d > mostTime:
		w.fail(got.col, "", "%s must be from %v to %v", what, least, mostTime)
	}
	return d
}

func (w *words) count(what string, least, most int) int {
	got := w.next(what)
	if w.bad != nil {
		return 0
	}
	n, err := strconv.Atoi(got.text)
	if err != nil || n < least || n > most {
		w.fail(got.col, "", "%s must be a whole number from %d to %d, not %q", what, least, most, got.text)
	}
	return n
}

// number reads a number that may begin with prefix or end with suffix.
func (w *words) number(what, affix string, least, most float64) float64 {
	got := w.next(what)
	if w.bad != nil {
		return 0
	}
	text := strings.TrimSuffix(strings.TrimPrefix(got.text, affix), affix)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || v < least || v > most {
		w.fail(got.col, "", "%s must be a number from %g to %g, not %q", what, least, most, got.text)
	}
	return v
}

func (w *words) rate(what string) float64 { return w.number(what, "/s", 0, 1e5) }

// share reads 30% or 0.3.
func (w *words) share(what string) float64 {
	got := w.next(what)
	if w.bad != nil {
		return 0
	}
	digits, percent := strings.CutSuffix(got.text, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		w.fail(got.col, "as in 30% or 0.3", "%s must be a share from 0 to 100%%, not %q", what, got.text)
	}
	return v
}
