package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Run is what came of one proxy.
type Run struct {
	Proxy    Proxy
	Verdicts []Verdict // one for each case
	Took     time.Duration
	Failed   []string // scenarios, of Poise alone
	NotRun   string   // why there is none
}

// Counts are the columns of a row.
type Counts struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	NotRun   string `json:"not_run,omitempty"`
	Seconds  int    `json:"seconds"`
	Requests Column `json:"hostile_requests"`
	Answers  Column `json:"hostile_answers"`
	Odd      Column `json:"odd"`    // requests and answers
	Pieces   Column `json:"pieces"` // as_the_rfcs_have_it: as the same message in one piece
}

// Figures are what the issue asks of Poise.
type Figures struct {
	Hostile   int `json:"hostile"`
	Ambiguous int `json:"ambiguous_forwarded"` // smuggled and made whole ones, too, of all groups
	Odd       int `json:"odd_legal"`
	Forwarded int `json:"odd_legal_forwarded"` // as wanted in every point
}

// Figures sums a row up.
func (n *Counts) Figures() Figures {
	f := Figures{Hostile: n.Requests.Cases + n.Answers.Cases, Odd: n.Odd.Cases, Forwarded: n.Odd.Met}
	for _, c := range []Column{n.Requests, n.Answers, n.Odd, n.Pieces} {
		f.Ambiguous += c.Ambiguous + c.Smuggled + c.MadeWhole
	}
	return f
}

// The least of distinct messages that the issue asks for.
const (
	leastHostile = 300
	leastOdd     = 150
)

// Short says what the figures lack; "" when they are as the issue has them.
func (f Figures) Short() string {
	switch {
	case f.Hostile < leastHostile:
		return fmt.Sprintf("%d hostile messages; want %d", f.Hostile, leastHostile)
	case f.Odd < leastOdd:
		return fmt.Sprintf("%d odd messages; want %d", f.Odd, leastOdd)
	case f.Ambiguous > 0:
		return fmt.Sprintf("%d ambiguous messages forwarded", f.Ambiguous)
	case f.Forwarded < f.Odd:
		return fmt.Sprintf("%d of %d odd messages lost", f.Odd-f.Forwarded, f.Odd)
	}
	return ""
}

// Column counts the verdicts of a group.
type Column struct {
	Cases     int `json:"cases"`
	Refused   int `json:"refused"` // or cut, of an answer
	Forwarded int `json:"forwarded"`
	Ambiguous int `json:"ambiguous"`
	Smuggled  int `json:"smuggled"`
	MadeWhole int `json:"made_whole"`
	Other     int `json:"other"`
	Met       int `json:"as_wanted"` // of Poise
	Lawful    int `json:"as_the_rfcs_have_it"`
}

func (c *Column) count(v *Verdict) {
	c.Cases++
	if v.Met {
		c.Met++
	}
	if v.Lawful {
		c.Lawful++
	}
	switch v.Outcome {
	case Refused, CutOff:
		c.Refused++
	case Forwarded:
		c.Forwarded++
	case Ambiguous:
		c.Ambiguous++
	case Smuggled:
		c.Smuggled++
	case MadeWhole:
		c.MadeWhole++
	default:
		c.Other++
	}
}

// Count makes the row of a run.
func (r *Run) Count(cases []Case) Counts {
	n := Counts{Name: r.Proxy.Name, Version: r.Proxy.Version, NotRun: r.NotRun, Seconds: int(r.Took.Seconds())}
	uncut := map[string]Verdict{}
	for i := range r.Verdicts {
		v := r.Verdicts[i]
		switch cases[i].Group {
		case BadRequest:
			n.Requests.count(&v)
		case BadAnswer:
			n.Answers.count(&v)
		case InPieces:
			message, at, _ := strings.Cut(cases[i].Name, ", cut at ")
			if at == "0" {
				uncut[message] = v
			}
			whole := uncut[message]
			v.Lawful = v.Outcome == whole.Outcome && v.Status == whole.Status && v.Met == whole.Met
			n.Pieces.count(&v)
		default:
			n.Odd.count(&v)
		}
	}
	return n
}

// Unmet returns the cases in which a run is not as wanted.
func (r *Run) Unmet(cases []Case) (names []string) {
	for i := range r.Verdicts {
		if !r.Verdicts[i].Met {
			names = append(names, cases[i].Name+": "+r.Verdicts[i].Why)
		}
	}
	return append(names, r.Failed...)
}

// Table prints the rows side by side.
func Table(w io.Writer, runs []Run, cases []Case) {
	fmt.Fprintln(w, "| proxy | hostile requests | refused | forwarded clean | ambiguous forwards | smuggled | other | hostile answers | 502 or cut | passed clean | ambiguous forwards | broken made whole | went to the wrong request | odd but legal | same meaning | in pieces | as in one |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for i := range runs {
		c := runs[i].Count(cases)
		if c.NotRun != "" {
			fmt.Fprintf(w, "| %s | NOT-RUN: %s |\n", c.Name, c.NotRun)
			continue
		}
		q, a := c.Requests, c.Answers
		fmt.Fprintf(w, "| %s %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", c.Name, c.Version,
			q.Cases, q.Refused, q.Forwarded, q.Ambiguous, q.Smuggled, q.Other+q.MadeWhole,
			a.Cases, a.Refused, a.Forwarded+a.Other, a.Ambiguous, a.MadeWhole, a.Smuggled,
			c.Odd.Cases, c.Odd.Lawful, c.Pieces.Cases, c.Pieces.Lawful)
	}
}

// row is a case in the JSON file.
type row struct {
	Name  string            `json:"name"`
	Group Group             `json:"group"`
	IDs   string            `json:"ids,omitempty"`
	Why   string            `json:"stricter_by,omitempty"`
	Of    map[string]string `json:"of"`
}

// WriteJSON writes counts, requirements and the verdict of every case but
// those in pieces.
func WriteJSON(path string, when time.Time, machine string, runs []Run, cases []Case) error {
	var file struct {
		When         string        `json:"when"`
		Machine      string        `json:"machine"`
		Poise        *Figures      `json:"poise,omitempty"`
		Proxies      []Counts      `json:"proxies"`
		Requirements []Requirement `json:"requirements"`
		Cases        []row         `json:"cases"`
	}
	file.When, file.Machine = when.UTC().Format(time.RFC3339), machine
	file.Requirements = Requirements(cases)
	for i := range runs {
		n := runs[i].Count(cases)
		if file.Proxies = append(file.Proxies, n); n.Name == "poise" {
			f := n.Figures()
			file.Poise = &f
		}
	}
	for i := range cases {
		c := &cases[i]
		if c.Group == InPieces {
			continue
		}
		r := row{Name: c.Name, Group: c.Group, IDs: c.IDs, Why: c.Want.Why, Of: map[string]string{}}
		for _, run := range runs {
			if run.NotRun == "" {
				r.Of[run.Proxy.Name] = short(&run.Verdicts[i])
			}
		}
		file.Cases = append(file.Cases, r)
	}
	text, err := json.MarshalIndent(&file, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func short(v *Verdict) string {
	s := string(v.Outcome)
	if v.Status > 0 {
		s += fmt.Sprint(" ", v.Status)
	}
	if v.Why != "" && v.Outcome != Refused {
		s += ": " + v.Why
	}
	return s[:min(len(s), 160)]
}

// WriteDetails writes the bytes of every case that is not as wanted.
func WriteDetails(path string, runs []Run, cases []Case) error {
	var b strings.Builder
	for _, run := range runs {
		for i := range run.Verdicts {
			if v := &run.Verdicts[i]; !v.Met {
				fmt.Fprintf(&b, "%s: %s [%s %d] %s\n%s\n\n", run.Proxy.Name, cases[i].Name, v.Outcome, v.Status, v.Why, v.Detail)
			}
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// families counts, by family, the cases of a run with an outcome.
func (r *Run) families(cases []Case, groups []Group, outcomes ...Outcome) string {
	counts, first := map[string]int{}, map[string]string{}
	var names []string
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v.Lawful || !slices.Contains(groups, cases[i].Group) || !slices.Contains(outcomes, v.Outcome) {
			continue
		}
		family, rest, _ := strings.Cut(cases[i].Name, "/")
		if counts[family]++; counts[family] == 1 {
			names, first[family] = append(names, family), rest
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return counts[b] - counts[a] })
	for i, f := range names {
		names[i] = fmt.Sprintf("%s %d (as `%s`)", f, counts[f], strings.ReplaceAll(first[f], "`", "'"))
	}
	return strings.Join(names, ", ")
}
