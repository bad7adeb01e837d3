package figure

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Sheet gathers the rounds of the figures of one issue.
type Sheet struct {
	Issue    int               `json:"issue"`
	When     time.Time         `json:"when"`
	Versions map[string]string `json:"versions"`
	Figures  []Figure          `json:"figures"`
	Raw      []Sample          `json:"raw,omitempty"`
	Quiet    bool              `json:"-"` // a report of their own shows the raw figures
}

// A Sample is one measurement as it was taken, before any ratio.
type Sample struct {
	Round  int                `json:"round"`
	Of     string             `json:"of"`
	Values map[string]float64 `json:"values"`
}

// NewSheet returns an empty sheet of these figures.
func NewSheet(issue int, figures []Figure) *Sheet {
	return &Sheet{Issue: issue, When: time.Now().UTC().Truncate(time.Second), Versions: map[string]string{}, Figures: figures}
}

func (s *Sheet) figure(id string) *Figure {
	i := slices.IndexFunc(s.Figures, func(f Figure) bool { return f.ID == id })
	if i < 0 {
		panic("no figure " + id) // a mistake in the plan, not in a measurement
	}
	return &s.Figures[i]
}

// Add adds a round of figure id.
func (s *Sheet) Add(id string, v float64) { f := s.figure(id); f.Rounds = append(f.Rounds, v) }

// Control adds a round of the control of figure id.
func (s *Sheet) Control(id string, v float64) { f := s.figure(id); f.Control = append(f.Control, v) }

// Against says what the control of figure id is.
func (s *Sheet) Against(id, what string) { s.figure(id).Against = what }

// NotRun says why figure id could not be measured.
func (s *Sheet) NotRun(id, reason string) { s.figure(id).Reason = reason }

// Sample keeps a raw measurement.
func (s *Sheet) Sample(round int, of string, values map[string]float64) {
	s.Raw = append(s.Raw, Sample{round, of, values})
}

// Keep takes the figures that were not measured, and the raw samples of what
// was not, from the sheet that an earlier run wrote to path, and notes when
// that was. No such file is no error.
func (s *Sheet) Keep(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var old Sheet
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	if err != nil {
		return fmt.Errorf("what an earlier run found is not kept: %w", err)
	}
	for i := range s.Figures {
		f := &s.Figures[i]
		j := slices.IndexFunc(old.Figures, func(o Figure) bool { return o.ID == f.ID })
		if j < 0 || len(f.Rounds)+len(f.Control) > 0 || f.Reason != "" {
			continue
		}
		o := &old.Figures[j]
		f.Rounds, f.Control, f.Reason, f.Taken = o.Rounds, o.Control, o.Reason, o.Taken
		if f.Taken == "" && len(f.Rounds) > 0 {
			f.Taken = fmt.Sprintf("%s, poise %s", old.When.Format(time.DateTime), old.Versions["poise"])
		}
	}
	for name, v := range old.Versions { // what an earlier run noted
		if _, is := s.Versions[name]; !is {
			s.Versions[name] = v
		}
	}
	now := s.Raw
	for _, r := range old.Raw {
		if !slices.ContainsFunc(now, func(n Sample) bool { return n.Of == r.Of }) {
			s.Raw = append(s.Raw, r)
		}
	}
	return nil
}

// Print writes the raw medians and the table, and reports whether every
// figure passed.
func (s *Sheet) Print(w io.Writer) bool {
	s.printRaw(w)
	all := true
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "id\twhat\ttarget\tmedian\t95 % interval\trounds\tcontrol\tverdict")
	for i := range s.Figures {
		f := &s.Figures[i]
		verdict, why := f.Judge()
		all = all && verdict == Pass
		fmt.Fprintf(t, "%s\t%s\t%s %s\t%s\t%s\t%d\t%s\t%s %s\n", f.ID, f.What, f.Target(), f.Unit,
			number(Median(f.Rounds)), interval(f.Rounds), len(f.Rounds), control(f), verdict, strings.TrimSpace(why+taken(f)))
	}
	_ = t.Flush()
	for _, k := range slices.Sorted(maps.Keys(s.Versions)) {
		fmt.Fprintf(w, "%s: %s\n", k, s.Versions[k])
	}
	return all
}

func (s *Sheet) printRaw(w io.Writer) {
	var of, columns []string
	for _, r := range s.Raw {
		if !slices.Contains(of, r.Of) {
			of = append(of, r.Of)
		}
		for c := range r.Values {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	if len(of) == 0 || s.Quiet {
		return
	}
	slices.Sort(columns)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "medians\t"+strings.Join(columns, "\t"))
	for _, o := range of {
		fmt.Fprint(t, o)
		for _, c := range columns {
			var all []float64
			for _, r := range s.Raw {
				if v, ok := r.Values[c]; ok && r.Of == o {
					all = append(all, v)
				}
			}
			fmt.Fprint(t, "\t"+number(Median(all)))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
	fmt.Fprintln(w)
}

func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.Abs(v) >= 1000:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func interval(rounds []float64) string {
	if len(rounds) < MinRounds {
		return "-"
	}
	lo, hi := Interval(rounds)
	return number(lo) + " … " + number(hi)
}

func taken(f *Figure) string {
	if f.Taken == "" {
		return ""
	}
	return " (" + f.Taken + ")"
}

func control(f *Figure) string {
	if f.Against == "" {
		return "none"
	}
	return f.Against + ": " + number(Median(f.Control))
}

// Write writes the sheet as JSON, with medians, intervals and verdicts.
func (s *Sheet) Write(path string) error {
	type judged struct {
		Figure
		Median   *float64    `json:"median,omitempty"`
		Interval *[2]float64 `json:"interval,omitempty"`
		Verdict  Verdict     `json:"verdict"`
		Why      string      `json:"why,omitempty"`
	}
	out := struct {
		*Sheet
		Figures []judged `json:"figures"`
	}{Sheet: s}
	for i := range s.Figures {
		j := judged{Figure: s.Figures[i]}
		j.Verdict, j.Why = s.Figures[i].Judge()
		if len(j.Rounds) > 0 {
			median := Median(j.Rounds)
			lo, hi := j.interval(j.Rounds)
			if !math.IsNaN(median) && !math.IsInf(median, 0) { // which JSON has not
				j.Median = &median
			}
			if !math.IsNaN(lo) && !math.IsInf(lo, 0) && !math.IsInf(hi, 0) {
				j.Interval = &[2]float64{lo, hi}
			}
		}
		out.Figures = append(out.Figures, j)
	}
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
