package arena

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poise/bench/figure"
	"poise/bench/plot"
	"poise/bench/rig"
)

// Report writes docs/evidence/arena.md, the medians of all cells as JSON, and
// a plot, into dir.
func (r *Runner) Report(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "arena.md"), []byte(r.markdown()), 0o644); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r.summary(), "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "arena.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "arena.svg"))
	if err != nil {
		return err
	}
	if err := r.chart().Write(f); err != nil {
		return err
	}
	return f.Close()
}

// A Summary is what all rounds of a subject under a scenario showed.
type Summary struct {
	Size     string               `json:"size"`
	Scenario string               `json:"scenario"`
	Subject  string               `json:"subject"`
	Rounds   map[string][]float64 `json:"rounds"` // by value, in the order of the rounds
	Void     int                  `json:"void,omitempty"`
}

var quantities = []string{"mean", "p50", "p90", "p99", "p99.9", "loss", "failed", "cpu_us", "busiest_core", "late"}

func (r *Runner) summary() (all []Summary) {
	for _, size := range []string{Full, Quick, Trial} {
		for i := range Suite {
			for _, of := range Subjects {
				s := Summary{Size: size, Scenario: Suite[i].ID, Subject: of.Name, Rounds: map[string][]float64{}}
				for round := 1; round <= Rounds[size]; round++ {
					c := r.Of(Key{size, s.Scenario, s.Subject, round})
					if c != nil && !c.Good() {
						s.Void++
					}
					if !c.Good() {
						continue
					}
					for _, q := range quantities {
						s.Rounds[q] = append(s.Rounds[q], math.Round(1000*c.Values[q])/1000)
					}
				}
				if len(s.Rounds) > 0 || s.Void > 0 {
					all = append(all, s)
				}
			}
		}
	}
	return all
}

func (r *Runner) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Policies and proxies over real sockets\n\n%s, on %s.\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), rig.Machine())
	for _, k := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(&b, "- %s %s\n", k, r.Versions[k])
	}
	fmt.Fprintf(&b, `
Everybody gets the same jobs at the same moments, drawn beforehand from the number of the round; latency counts from when a
request was due, in an open loop. The first %v of a run are in no figure. Medians over the rounds in milliseconds, and in
brackets an interval that holds the true median with 95 %% (from six rounds on). Loss is the mean and a tenth of the mean of
the worst 1 %%; a failure counts %v in it. Runs with a core above %.0f %% over %d s, with other programs at work or with
over 1 %% of the requests late are void. Quick runs are of %v, those of a trial of %v, and several of them share the machine; no verdict rests on them.
"CPU" is what the proxy used for a request. Where keys are sent, Poise is told which field carries them, as a
configuration would say; "haproxy hash" and "poise bounded-hash" are told too and are no part of the bar.
`, warm, failureCost, 100*rig.MostBusy, rig.Stretch, lengths[Quick], lengths[Trial])
	for _, size := range []string{Full, Quick, Trial} {
		for i := range Suite {
			r.table(&b, size, &Suite[i])
		}
		r.trustText(&b, size)
	}
	return b.String()
}

func (r *Runner) table(b *strings.Builder, size string, sc *Scenario) {
	var rows strings.Builder
	best := r.bestPeer(size, sc.ID)
	for _, of := range Subjects {
		column := func(q string) []float64 { return good(r.column(size, sc.ID, of.Name, q)) }
		n := len(column("p99"))
		if n == 0 || of.Engine != "" && of.Name != Scaled {
			continue
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %d |\n", of.Name, stat(column("mean")), stat(column("p50")),
			stat(column("p99")), stat(column("p99.9")), stat(column("loss")), stat(column("failed")), stat(column("cpu_us")), times(r.ratios(size, sc.ID, of.Name), best), n)
	}
	if rows.Len() == 0 {
		return
	}
	if best == "" {
		best = "none"
	}
	fmt.Fprintf(b, "\n## %s, %s: %s\n\n%.0f requests a second, %.0f %% of the capacity. Best peer: %s.\n\n", sc.ID, size, sc.What, sc.Rate, 100*sc.load(), best)
	fmt.Fprintf(b, "| | mean | p50 | p99 | p99.9 | loss | failed %% | CPU us | p99 of the best peer's | rounds |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n%s", rows.String())
}

func stat(all []float64) string {
	text := plot.Number(figure.Median(all))
	if len(all) >= figure.MinRounds {
		lo, hi := figure.Interval(all)
		text += fmt.Sprintf(" (%s–%s)", plot.Number(lo), plot.Number(hi))
	}
	return text
}

func times(all []float64, of string) string {
	if of == "" || len(all) == 0 {
		return ""
	}
	return "× " + stat(all)
}

func (r *Runner) trustText(b *strings.Builder, size string) {
	t := r.trust(size)
	if len(t.Forecasts)+t.Outcomes+t.Choices == 0 {
		return
	}
	right, naive := t.close()
	fmt.Fprintf(b, "\n## What the engine said, %s\n\n", size)
	if len(t.Forecasts) == 0 || t.Busy == 0 || t.Choices == 0 {
		fmt.Fprintf(b, "Not enough good runs yet: %d forecasts, %d outcomes, %d busy endpoints, %d choices.\n", len(t.Forecasts), t.Outcomes, t.Busy, t.Choices)
		return
	}
	fmt.Fprintf(b, "- Of %d forecasts for policies that had not run, %d (%.0f %%) are within 15 %% of what was then measured; had the incumbent's loss been the forecast, %d would be.\n", len(t.Forecasts), right, percent(right, len(t.Forecasts)), naive)
	errors := t.errors()
	for _, p := range slices.Sorted(maps.Keys(errors)) {
		fmt.Fprintf(b, "- Forecasts for %s are off by %.0f %% in the median.\n", p, 100*(math.Exp(errors[p])-1))
	}
	fmt.Fprintf(b, "- Of %d forecasts for the policy in force, %d (%.0f %%) held what was then measured within their 90 %% interval.\n", t.Outcomes, t.Held, percent(t.Held, t.Outcomes))
	fmt.Fprintf(b, "- Of %d busy endpoints (from %.0f %% of their slots on), %d (%.0f %%) are fitted within a step of capacity and 10 %% of service time.\n", t.Busy, 100*busyFrom, t.Fitted, percent(t.Fitted, t.Busy))
	fmt.Fprintf(b, "- In %d of %d runs of adaptive the policy that it had come to is at most 5 %% above the best.\n", t.Right, t.Choices)
	for _, c := range t.Chosen {
		fmt.Fprintf(b, "  - %s\n", c)
	}
	const most = 20
	for i, m := range t.Misfits {
		if i == most {
			fmt.Fprintf(b, "- and %d more misfits\n", len(t.Misfits)-most)
			break
		}
		fmt.Fprintf(b, "- misfit: %s\n", m)
	}
}

// chart draws p50 and p99 of the scenarios with peers: of the full size where
// there is one, else of the quick one.
func (r *Runner) chart() *plot.Chart {
	c := &plot.Chart{
		Title:   "Poise beside its peers, the same jobs for each",
		Notes:   []string{rig.Machine() + ", " + time.Now().UTC().Format("2006-01-02"), "Medians in milliseconds; with six rounds or more the line is a 95 % interval. Less is better."},
		Columns: []string{"p50, ms", "p99, ms"},
	}
	for _, id := range Against {
		size := Full
		if r.bestPeer(Full, id) == "" {
			size = Quick
		}
		p := plot.Panel{Title: fmt.Sprintf("%s (%s)", id, size)}
		for _, of := range Subjects {
			if of.Engine != "" || len(good(r.column(size, id, of.Name, "p99"))) == 0 {
				continue
			}
			row := plot.Row{Name: of.Name, Strong: of.Proxy == poise}
			for _, q := range []string{"p50", "p99"} {
				row.Values = append(row.Values, value(good(r.column(size, id, of.Name, q))))
			}
			p.Rows = append(p.Rows, row)
		}
		offScale(p.Rows)
		if len(p.Rows) > 0 {
			c.Panels = append(c.Panels, p)
		}
	}
	return c
}

func value(all []float64) plot.Value {
	lo, hi := figure.Interval(all)
	return plot.Value{Median: figure.Median(all), Lo: lo, Hi: hi}
}

// offScale names values that are many times the least of their column instead
// of drawing them: one that failed to keep up would leave no room for the rest.
func offScale(rows []plot.Row) {
	const many = 4
	for column := range []string{"p50", "p99"} {
		least := math.Inf(1)
		for _, r := range rows {
			least = min(least, r.Values[column].Median)
		}
		for _, r := range rows {
			if v := &r.Values[column]; v.Median > many*least {
				v.Missing = plot.Number(v.Median) + ", off the scale"
			}
		}
	}
}
