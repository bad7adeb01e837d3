package bench

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"poise/internal/report"
)

// entry is one of the engine's journal, as far as a report shows it.
type entry struct {
	Time       time.Time
	Policy     string
	Action     string
	To         string
	Text       string
	Conditions []struct{ Text string }
	Gates      []struct {
		Name, Why string
		Passed    bool
	}
	Outcome *struct{ Text string }
}

// decisionsOf reads what the engine decided while a run lasted.
func decisionsOf(journal []byte, began time.Time) (all []report.Decision) {
	var page struct{ Decisions []entry }
	if json.Unmarshal(journal, &page) != nil {
		return nil
	}
	slices.SortStableFunc(page.Decisions, func(a, b entry) int { return a.Time.Compare(b.Time) })
	for _, e := range page.Decisions {
		d := report.Decision{At: e.Time.Sub(began).Seconds(), Action: cmp.Or(e.Action, "hold"), To: e.To, Text: e.Text}
		for _, c := range e.Conditions {
			d.Reasons = append(d.Reasons, c.Text)
		}
		for _, g := range e.Gates {
			if !g.Passed {
				d.Reasons = append(d.Reasons, g.Name+": "+g.Why)
			}
		}
		if e.Outcome != nil {
			d.Outcome = e.Outcome.Text
		}
		all = append(all, d)
	}
	return all
}
