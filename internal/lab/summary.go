package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// What the engine goes by in the demo.
const (
	EngineEvaluate = 2 * time.Second
	EngineDwell    = 8 * time.Second
)

// introduce says what is there, and what to try meanwhile.
func (d *Demo) introduce(c *crew) {
	if d.Quiet {
		return
	}
	s := d.screen
	s.print("%s  %d requests a second to a balancer over %d workers, each serving %d at once", s.paint(bold, "poise demo"), int(d.Rate), d.Workers, slots)
	for _, m := range c.members {
		s.print("  worker %s on %s takes %v a request", m.name, m.address, time.Duration(m.settings.Delay))
	}
	if d.Tour {
		lasts := d.For / time.Duration(len(d.Policies)*len(conditions))
		s.print("The tour: %d policies go through %d conditions of %v each. A fault hits the busiest of the", len(d.Policies), len(conditions), lasts.Round(100*time.Millisecond))
		s.print("fast workers, shown in %s. A stop is marked ✓ when it had the effect that it should have.", s.paint(cyan, "this colour"))
	}
	if d.Tour && slices.Contains(d.Policies, lb.Adaptive) {
		s.print("Under adaptive the decision engine chooses, and its account of each stop stands at the end. Here it judges")
		s.print("every %v and switches at most once in %v, so that something happens; else that is 10s and 1m.", EngineEvaluate, EngineDwell)
	}
	s.print("\nMeanwhile, from another terminal:")
	s.print("  curl -i %s", d.Target)
	s.print("  curl %s/api/v1/clusters/default", d.Admin)
	s.print("  poise decisions --follow --admin %s", strings.TrimPrefix(d.Admin, "http://"))
	s.print("  curl -X PUT -d '{\"delay\":\"200ms\"}' http://%s/control", c.members[0].address)
}

// The widths of the table's parts.
const (
	widestLabel = 14
	widestCell  = 21
)

// printTable is what each policy did under each condition.
func (b *board) printTable(s *screen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.print("\n%s", s.paint(bold, "What clients saw, answers after the end of a stop included: p50, p99 in ms, failed"))
	head, sub := fmt.Sprintf("%-*s", widestLabel, ""), fmt.Sprintf("%-*s", widestLabel, "")
	for _, p := range b.policies {
		head += fmt.Sprintf("%*s", widestCell, p)
		sub += fmt.Sprintf("%7s%6s%8s", "p50", "p99", "failed")
	}
	s.print("%s", s.paint(bold, head))
	s.print("%s", s.paint(dim, sub))
	for _, k := range conditions {
		var line strings.Builder
		fmt.Fprintf(&line, "%-*s", widestLabel, k.name)
		for _, p := range b.policies {
			line.WriteString(s.cell(b.find(p, k.name)))
		}
		s.print("%s", line.String())
	}
}

func (s *screen) cell(of *score) string {
	if of == nil || of.requests == 0 {
		return fmt.Sprintf("%*s", widestCell, "not run")
	}
	h := of.latency.Snapshot()
	p99 := fmt.Sprintf("%6.0f", h.Quantile(0.99).Seconds()*1000)
	if h.Quantile(0.99) > 100*time.Millisecond {
		p99 = s.paint(yellow, p99)
	}
	failed := fmt.Sprintf("%7.1f%%", 100*of.failed())
	if of.failed() > mostFailed {
		failed = s.paint(red, failed)
	}
	return fmt.Sprintf("%7.0f%s%s", h.Quantile(0.5).Seconds()*1000, p99, failed)
}

// printPlain is the summary without a tour.
func (b *board) printPlain(s *screen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.scores {
		h := of.latency.Snapshot()
		s.print("\n%d requests: p50 %s, p99 %s, %.1f %% failed", of.requests, stats.Readable(h.Quantile(0.5).Seconds()), stats.Readable(h.Quantile(0.99).Seconds()), 100*of.failed())
	}
}

func (d *Demo) conclude(o *Outcome) {
	s := d.screen
	switch {
	case o.Run < o.Stops:
		s.print("\n%s after %d of %d stops; a stop that was cut short counts with what it had", s.paint(yellow, "interrupted"), o.Run, o.Stops)
	case o.Good():
		s.print("\n%s All %d stops had their expected effect.", s.paint(green, "✓"), o.Stops)
	}
}
