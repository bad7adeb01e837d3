package whatif

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"poise/internal/decide"
)

// Words is a question as it is written on a command line and in a call.
type Words struct {
	Load    string   `json:"load,omitempty"`    // as in +50%, -20%, 1.5x
	Without []string `json:"without,omitempty"` // addresses
	Add     []string `json:"add,omitempty"`     // as in 2xlike:ADDRESS
	Slow    []string `json:"slow,omitempty"`    // as in 2x:ADDRESS
	Policy  string   `json:"policy,omitempty"`
}

// mostAdded bounds the endpoints that one question may add.
const mostAdded = 1000

// The bounds of how much slower an endpoint can be made.
const (
	leastSlow = 0.1
	mostSlow  = 100.0
)

// Parse reads a question. An error says what is wrong and how it is written.
func Parse(w *Words) (q Question, err error) {
	q.Policy, q.Without = w.Policy, slices.Clone(w.Without)
	if q.Load, err = parseLoad(w.Load); err != nil {
		return q, err
	}
	added := 0
	for _, text := range w.Add {
		before, like, ok := strings.Cut(text, "xlike:")
		times, err := strconv.Atoi(before)
		if !ok || err != nil || times < 1 || like == "" {
			return q, Wrong(fmt.Sprintf("add: %q is not written as in 2xlike:10.0.0.1:80, which is two more endpoints like that one", clip(text)))
		}
		if added += times; times > mostAdded || added > mostAdded {
			return q, Wrong(fmt.Sprintf("add: at most %d endpoints can be added", mostAdded))
		}
		q.Add = append(q.Add, Addition{times, like})
	}
	for _, text := range w.Slow {
		before, address, ok := strings.Cut(text, "x:")
		times, err := strconv.ParseFloat(before, 64)
		if !ok || err != nil || !(times >= leastSlow && times <= mostSlow) || address == "" {
			return q, Wrong(fmt.Sprintf("slow: %q is not written as in 2x:10.0.0.1:80, with a number from %v to %v", clip(text), leastSlow, mostSlow))
		}
		q.Slow = append(q.Slow, Slowing{times, address})
	}
	return q, nil
}

// parseLoad reads +50%, -20% or 1.5x.
func parseLoad(text string) (float64, error) {
	wrong := Wrong(fmt.Sprintf("load: %q is not written as in +50%%, -20%% or 1.5x", clip(text)))
	if text == "" {
		return 0, nil
	}
	v := 0.0
	if digits, times := strings.CutSuffix(text, "x"); times {
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return 0, wrong
		}
		v = n
	} else {
		digits, percent := strings.CutSuffix(text, "%")
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil || !percent || !strings.HasPrefix(text, "+") && !strings.HasPrefix(text, "-") {
			return 0, wrong
		}
		v = 1 + n/100
	}
	if !(v >= LeastLoad && v <= MostLoad) {
		return 0, Wrong(fmt.Sprintf("load: %s is beyond what can be asked; from %.0f%% to %+.0f%%", clip(text), 100*(LeastLoad-1), 100*(MostLoad-1)))
	}
	return v, nil
}

func clip(text string) string {
	const most = 100
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// String is the question in words.
func (q *Question) String() string {
	var parts []string
	if q.Load != 0 && q.Load != 1 {
		parts = append(parts, fmt.Sprintf("load %+.0f %%", 100*(q.Load-1)))
	}
	if len(q.Without) > 0 {
		parts = append(parts, "without "+strings.Join(q.Without, ", "))
	}
	for _, a := range q.Add {
		parts = append(parts, fmt.Sprintf("%d more like %s", a.Times, a.Like))
	}
	for _, s := range q.Slow {
		parts = append(parts, fmt.Sprintf("%s %.3g× as slow", s.Address, s.Times))
	}
	if q.Policy != "" {
		parts = append(parts, "under "+q.Policy)
	}
	if len(parts) == 0 {
		return "as it is"
	}
	return strings.Join(parts, ", ")
}

// line is an answer in one line.
func (a *Answer) line() string {
	var b strings.Builder
	if a.Then == nil {
		fmt.Fprintf(&b, "p99 %s", ms(a.Now.P99.Value))
	} else {
		t := &a.Then.P99
		fmt.Fprintf(&b, "p99 %s → %s (%s–%s)", number(a.Now.P99.Value), ms(t.Value), number(t.Low), number(t.High))
	}
	if f := a.Then; f != nil && f.Failures.Value >= 0.001 {
		fmt.Fprintf(&b, ", failures %s", decide.Percent(f.Failures.Value))
	}
	switch h := a.Headroom; {
	case h == nil:
		b.WriteString(", headroom not known: " + a.Why)
	case h.AtLeast:
		fmt.Fprintf(&b, ", headroom at least %.1f×", h.Times)
	default:
		fmt.Fprintf(&b, ", headroom %.1f×", h.Times)
	}
	return b.String()
}

func ms(seconds float64) string { return number(seconds) + " ms" }

// number is milliseconds without the unit.
func number(seconds float64) string {
	d := seconds * 1000
	switch {
	case math.IsNaN(d):
		return "?"
	case d >= 20:
		return fmt.Sprintf("%.0f", d)
	case d >= 2:
		return fmt.Sprintf("%.1f", d)
	}
	return fmt.Sprintf("%.2f", d)
}
