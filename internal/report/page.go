package report

import (
	_ "embed" // page, style and script
	"fmt"
	"html/template"
	"io"
	"strings"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
	//go:embed plot.css
	plotStyle string
)

var page = template.Must(template.New("page").Parse(pageText))

// view is what the page shows, in words.
type view struct {
	Title, When, Machine, Summary string
	Notes                         []string
	PageStyle, PlotStyle          template.CSS
	Script                        template.JS
	Columns                       []string
	Matrix                        *matrix
	Overall                       []overallView
	Verdicts                      []string
	Rightness                     string
	ShareLegend, FlightLegend     []string
	Scenarios                     []scenarioView
	CellsLine                     string
	Gaps                          []string
	Programs                      []Program
	Command                       string
}

type overallView struct {
	Subject             string
	Kind                Kind
	Best, Median, Worst string
	Where, Anchor       string
}

type scenarioView struct {
	Anchor, Name, About, Asked string
	Marks, Facts               []string
	Engines                    []Verdict
	Dots, Others               template.HTML
	Rows                       []rowView
	Cards                      []cardView
}

type rowView struct {
	Subject        string
	Kind           Kind
	Best           bool
	Values         []valueView
	Floor, Central string
	Runs           string
}

type valueView struct{ Value, Interval string }

type cardView struct {
	Plot      template.HTML
	Decisions []decisionView
	Held      []decisionView
}

type decisionView struct {
	Line    string
	Reasons []string
}

// HTML writes the page: one file that needs no other and no network.
func (r *Results) HTML(w io.Writer) error {
	v := &view{
		Title: r.Title, When: r.When.UTC().Format("2006-01-02 15:04 UTC"), Machine: r.Machine, Summary: r.summary(), Notes: r.Notes,
		PageStyle: template.CSS(pageStyle), PlotStyle: template.CSS(plotStyle), Script: template.JS(pageScript), //nolint:gosec // they are part of the binary
		Columns: columns(), Matrix: r.matrix(), Verdicts: r.verdicts(), Rightness: rightness, ShareLegend: shareLegend, FlightLegend: flightLegend,
		CellsLine: r.cellsLine(), Gaps: r.gaps(), Programs: r.Programs, Command: r.Command,
	}
	for _, o := range r.overalls() {
		v.Overall = append(v.Overall, overallView{o.Subject, o.Kind, fmt.Sprintf("%d of %d", o.Best, o.Scenarios), number(o.Median), number(o.Worst), o.Where, slug(o.Where)})
	}
	for i := range r.Scenarios {
		v.Scenarios = append(v.Scenarios, r.scenario(&r.Scenarios[i]))
	}
	return page.Execute(w, v)
}

func columns() (all []string) {
	for _, q := range Quantities {
		all = append(all, q.Name+", "+q.Unit)
	}
	return all
}

func (r *Results) scenario(s *Scenario) scenarioView {
	anchor := slug(s.Name)
	v := scenarioView{Anchor: anchor, Name: s.Name, About: capitalised(s.About), Asked: s.asked(), Facts: s.Facts(), Engines: s.engines()}
	for i := range s.Marks {
		v.Marks = append(v.Marks, s.Marks[i].String())
	}
	best, _, ok := s.Winner()
	if !ok {
		return v
	}
	f := s.frame(r.Warm, r.Length)
	v.Dots = markup(s.dots().inline("loss-" + anchor))
	v.Others = markup(f.others)
	for _, row := range s.ranked() {
		v.Rows = append(v.Rows, s.line(row, row == best))
		others := fmt.Sprintf(`<use href="#%s-others"/>`, anchor)
		v.Cards = append(v.Cards, cardOf(f.card(row, others).inline(anchor+"-"+slug(row.Subject)), row))
	}
	return v
}

// markup is what this package has drawn; names in it are escaped.
func markup(text string) template.HTML { return template.HTML(text) } //nolint:gosec // see canvas.text

func (s *Scenario) line(row *Row, best bool) rowView {
	v := rowView{Subject: row.Subject, Kind: row.Kind, Best: best, Runs: runsOf(row)}
	for _, q := range Quantities {
		e := row.estimate(q.Key)
		v.Values = append(v.Values, valueView{number(e.Value), e.interval()})
	}
	loss := row.Loss().Value
	v.Floor, v.Central = times(loss, reference(s.Floor)), times(loss, reference(s.Central))
	return v
}

func runsOf(row *Row) string {
	text := fmt.Sprint(len(row.Runs))
	if n := len(row.Void); n > 0 {
		text += fmt.Sprintf(" + %d void", n)
	}
	return text
}

// mostHeld bounds the holds that a card lists.
const mostHeld = 8

func cardOf(plot string, row *Row) (v cardView) {
	v.Plot = markup(plot)
	if row.Kind != Judge {
		return v // an engine that is pinned says at each step that it is
	}
	run := row.first()
	last := ""
	for i := range run.Decisions {
		d := &run.Decisions[i]
		line := decisionView{Line: d.String(), Reasons: d.Reasons}
		switch {
		case d.Changed():
			if d.Outcome != "" {
				line.Reasons = append(append([]string{}, d.Reasons...), "↳ "+d.Outcome)
			}
			v.Decisions = append(v.Decisions, line)
		case d.Text != last && len(v.Held) < mostHeld:
			v.Held = append(v.Held, line)
		}
		last = d.Text
	}
	return v
}

// String is as in "12 s: switch to hot-cold, since …".
func (d *Decision) String() string { return fmt.Sprintf("%.0f s: %s", d.At, d.Text) }

// String is as in "20 to 50 s: web[2] slow x10".
func (m *Mark) String() string {
	if m.To <= m.From {
		return fmt.Sprintf("%.0f s: %s", m.From, m.Text)
	}
	return fmt.Sprintf("%.0f–%.0f s: %s", m.From, m.To, m.Text)
}

func (s *Scenario) asked() string {
	return fmt.Sprintf("%s requests a second over %d endpoints, %s of what they can do at the start.", number(s.Rate), len(s.Endpoints), percent(s.Load))
}

func capitalised(text string) string {
	if text == "" {
		return "No description"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func (r *Results) summary() string {
	runs := "One run each"
	if r.Rounds > 1 {
		runs = fmt.Sprintf("%d rounds", r.Rounds)
	}
	return fmt.Sprintf("%s under %s over real sockets, size %s. %s of %s s, of which the first %s s are in no figure. Within a round everybody gets the same jobs at the same moments, and each round begins with another subject. Latency counts from when a request was due. Loss is mean latency and a tenth of the mean of the worst 1 %%, a failure counting 2 s.",
		plural(len(r.subjects()), "subject"), plural(len(r.Scenarios), "scenario"), r.Size, runs, plain(r.Length), plain(r.Warm))
}

func (r *Results) cellsLine() string {
	if len(r.Cells) == 0 {
		return "No runs were planned."
	}
	return fmt.Sprintf("%d of %d planned runs were measured; %d are void, %d failed, %d are missing.", r.count(Measured), len(r.Cells), r.count(Void), r.count(Failed), r.count(Missing))
}

// mostGaps bounds how many runs that do not count are listed.
const mostGaps = 60

func (r *Results) gaps() (all []string) {
	left := 0
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.State == Measured {
			continue
		}
		if len(all) == mostGaps {
			left++
			continue
		}
		text := fmt.Sprintf("%s, %s, round %d: %s", c.Scenario, c.Subject, c.Round, c.State)
		if c.Why != "" {
			text += ", " + c.Why
		}
		all = append(all, text)
	}
	if left > 0 {
		all = append(all, fmt.Sprintf("and %d more", left))
	}
	return all
}
