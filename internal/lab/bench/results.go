package bench

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"poise/internal/lab/rig"
	"poise/internal/report"
)

// Results are what all cells show that there are.
func (r *Runner) Results() *report.Results {
	o := &r.options
	v := &report.Results{
		Title: "Policies and proxies over real sockets", When: time.Now(), Machine: rig.Machine(), Size: o.Size.Name, Command: o.Command,
		Warm: Warm.Seconds(), Length: o.Length.Seconds(), Rounds: o.Rounds,
		Notes: []string{
			fmt.Sprintf("The engine judges every %g s and changes at most every %g s; usual are 10 and 60, but runs are short here.", o.Evaluate.Seconds(), o.Dwell.Seconds()),
			"floor is each job alone at its best endpoint, which nobody can beat; central is one queue that knows everything. Both are computed for the very same jobs. Poise runs with its guard, as users run it; other proxies with their own checks and retries.",
			intervalNote(o.Rounds) + " Void runs, in which a core, the load or another program was in the way, are in no figure.",
			"Of the good runs so many went on at once: " + r.AtOnce(o.plan()) + ". Those began together; what else the machine did, it did to all of them.",
		},
	}
	v.Programs = append(v.Programs, report.Program{Name: poise, Version: o.Version + " (" + r.binary + ")"})
	for i := range o.Subjects {
		if s := &o.Subjects[i]; s.Program != poise && s.Program != "" {
			p := report.Program{Name: s.Program, Version: r.versions[s.Name]}
			if !slices.Contains(v.Programs, p) {
				v.Programs = append(v.Programs, p)
			}
		}
	}
	for _, sc := range o.Scenarios {
		v.Scenarios = append(v.Scenarios, r.scenario(sc.Name))
	}
	for _, k := range o.plan() {
		v.Cells = append(v.Cells, r.state(k))
	}
	return v
}

func intervalNote(rounds int) string {
	if rounds >= 6 {
		return "Intervals hold the true median of the rounds with 95 %, whatever the distribution."
	}
	return "Intervals are 95 % from blocks of the runs themselves (local block bootstrap); below six rounds they hold no difference between runs."
}

func (r *Runner) scenario(name string) report.Scenario {
	o := &r.options
	sc := stretched(o.scenario(name), o.Length)
	v := report.Scenario{Name: sc.Name, About: sc.About, Rate: sc.Arrivals.Rate, Load: sc.Arrivals.Rate / sc.Capacity(), Marks: marksOf(sc)}
	for i := range sc.Endpoints {
		e := &sc.Endpoints[i]
		v.Endpoints = append(v.Endpoints, report.Endpoint{Name: fmt.Sprintf("%s[%d]", e.Group, e.Index), Group: e.Group})
	}
	for i := range o.Subjects {
		if o.Subjects[i].suits(sc) {
			v.Rows = append(v.Rows, r.row(sc.Name, &o.Subjects[i]))
		}
	}
	for round := 1; round <= o.Rounds; round++ {
		for i := range o.Subjects { // all of a round have the same
			if c := r.Of(Key{sc.Name, o.Subjects[i].Name, round}); c.Good() {
				v.Floor, v.Central = append(v.Floor, c.Values["floor"]), append(v.Central, c.Values["central"])
				break
			}
		}
	}
	return v
}

func (r *Runner) row(scenario string, of *Subject) report.Row {
	row := report.Row{Subject: of.Name, Kind: of.Kind}
	for round := 1; round <= r.options.Rounds; round++ {
		c := r.Of(Key{scenario, of.Name, round})
		switch {
		case c == nil:
		case c.Failed != "":
			row.Failed = append(row.Failed, c.Failed)
		case c.Void != "":
			row.Void = append(row.Void, c.Void)
		default:
			row.Runs = append(row.Runs, runOf(c))
		}
	}
	return row
}

// runOf reads a cell. What is not in it stays empty.
func runOf(c *Cell) report.Run {
	v := report.Run{Round: c.Key.Round, Values: c.Values}
	for name, into := range map[string]any{"seconds": &v.Seconds, "spread": &v.Spread, "decisions": &v.Decisions, "final": &v.Final} {
		_ = json.Unmarshal(c.Detail[name], into)
	}
	return v
}

func (r *Runner) state(k Key) report.Cell {
	v := report.Cell{Scenario: k.Scenario, Subject: k.Subject, Round: k.Round, State: report.Measured}
	switch c := r.Of(k); {
	case c == nil:
		v.State = report.Missing
	case c.Failed != "":
		v.State, v.Why = report.Failed, oneLine(c.Failed)
	case c.Void != "":
		v.State, v.Why = report.Void, c.Void
	}
	return v
}
