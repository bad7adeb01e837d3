package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// number prints a value in three digits.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v), math.IsInf(v, 0):
		return "–"
	case a == 0:
		return "0"
	case a >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.3gk", v/1e3)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// String is as in "20.1 (19.8–20.4)".
func (e Estimate) String() string {
	if !e.known() {
		return "–"
	}
	if e.Lo == e.Hi {
		return number(e.Value)
	}
	return number(e.Value) + " " + e.interval()
}

func (e Estimate) interval() string {
	if !e.known() || e.Lo == e.Hi {
		return ""
	}
	return "(" + number(e.Lo) + "–" + number(e.Hi) + ")"
}

// plain prints a round value, as axes have them.
func plain(v float64) string {
	if v >= 1e4 {
		return number(v)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// fold is as in "1.25 times".
func fold(of, by float64) string {
	if math.IsNaN(of) || math.IsNaN(by) || by <= 0 {
		return "an unknown part"
	}
	return number(of/by) + " times"
}

// times is as in "× 1.25".
func times(of, by float64) string {
	if math.IsNaN(of) || math.IsNaN(by) || by <= 0 {
		return "–"
	}
	return "× " + number(of/by)
}

func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return fmt.Sprintf("%.1f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// list joins words as in "a, b and c".
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return "nobody"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// slug is a name that can be a file's and an anchor's.
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// plural is as in "no change", "1 change", "2 changes".
func plural(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// letter is about how wide one is in tables and plots, in pixels.
const letter = 7.0

// longest is the length of the longest of words, in letters.
func longest(words []string) (n int) {
	for _, w := range words {
		n = max(n, utf8.RuneCountInString(w))
	}
	return n
}
