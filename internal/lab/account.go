package lab

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"poise/internal/lb"
)

// told is an entry of the engine's journal, as far as the demo shows it.
type told struct {
	ID      uint64
	Time    time.Time
	Action  string
	Text    string
	Outcome *struct{ Text string }
}

// account asks the balancer what its engine decided since the tour began.
func (d *Demo) account(ctx context.Context) ([]told, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Admin+"/api/v1/decisions?limit=1000", nil)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{DisableKeepAlives: true}
	answer, err := t.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var v struct{ Decisions []told }
	err = json.NewDecoder(answer.Body).Decode(&v)
	return v.Decisions, err
}

// during returns of each stop what the engine did, or the last that it said
// when it left things as they were.
func during(all []told, from, to time.Time) (some []told) {
	for _, e := range all {
		if e.Time.Before(from) || !e.Time.Before(to) {
			continue
		}
		if n := len(some); n > 0 && some[n-1].Action == "hold" {
			some = some[:n-1]
		}
		some = append(some, e)
	}
	return some
}

// printAccount is the engine's own account of the stops under adaptive.
func (d *Demo) printAccount(b *board, all []told) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := d.screen
	s.print("\n%s", s.paint(bold, "What the engine says of the stops under adaptive"))
	for _, of := range b.scores {
		if of.policy != lb.Adaptive {
			continue
		}
		s.print("%s", s.paint(cyan, of.label))
		some := during(all, of.began, of.ends)
		if len(some) == 0 {
			s.print("  it was not asked in this time")
		}
		for _, e := range some {
			s.print("  %s  %s", e.Time.Local().Format("15:04:05"), e.Text)
			if e.Outcome != nil {
				s.print("            ↳ %s", e.Outcome.Text)
			}
		}
	}
}
