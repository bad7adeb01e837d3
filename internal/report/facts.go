package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Facts says in sentences what won, and what it did otherwise than the worst.
func (s *Scenario) Facts() (all []string) {
	best, beside, ok := s.Winner()
	if !ok {
		return []string{"Nothing good was measured."}
	}
	line := fmt.Sprintf("%s has the least loss, %s ms", best.Subject, best.Loss())
	if f := reference(s.Floor); f > 0 {
		line += fmt.Sprintf(", %s the floor", fold(best.Loss().Value, f))
	}
	if len(beside) == 0 {
		line += "; no other interval reaches it."
	} else {
		line += "; not to be told from it: " + list(subjectsOf(beside)) + "."
	}
	all = append(all, line)
	ranked := s.ranked()
	if worst := ranked[len(ranked)-1]; worst != best && worst.Loss().Apart(best.Loss()) {
		all = append(all, fmt.Sprintf("%s has the greatest, %s ms, %s that.", worst.Subject, worst.Loss(), fold(worst.Loss().Value, best.Loss().Value)))
		all = append(all, s.why(best, worst)...)
	}
	if own, peer := s.bestOf(Policy), s.bestOf(Peer); own != nil && peer != nil {
		all = append(all, fmt.Sprintf("The best peer is %s with %s ms; the best policy, %s, has %s that.", peer.Subject, peer.Loss(), own.Subject, fold(own.Loss().Value, peer.Loss().Value)))
	}
	return all
}

func subjectsOf(rows []*Row) (names []string) {
	for _, r := range rows {
		names = append(names, r.Subject)
	}
	return names
}

// notably is by how many points two shares must differ to be told.
const notably = 0.03

// why tells where two subjects sent their requests: the shares of groups of
// endpoints, and of those that something happened to while it did.
func (s *Scenario) why(best, worst *Row) (all []string) {
	told := func(what string, of []int, from, to float64) {
		a, b := best.share(of, from, to), worst.share(of, from, to)
		if math.IsNaN(a) || math.IsNaN(b) || math.Abs(a-b) < notably {
			return
		}
		all = append(all, fmt.Sprintf("%s got %s of the requests under %s and %s under %s.", what, percent(a), best.Subject, percent(b), worst.Subject))
	}
	groups := s.groups()
	for i, g := range groups {
		if i == 1 && len(groups) == 2 || len(groups) == 1 { // the rest follows
			break
		}
		told("The endpoints \""+g.name+"\"", g.of, 0, math.Inf(1))
	}
	const most = 2
	for i := range s.Marks {
		m := &s.Marks[i]
		if len(all) >= most || len(m.Endpoints) == 0 || len(m.Endpoints) == len(s.Endpoints) {
			continue
		}
		// What was sent in the first second was sent before anybody could know.
		told(fmt.Sprintf("While \"%s\" (%.0f to %.0f s), what it hit", m.Text, m.From, m.To), m.Endpoints, m.From+1, m.To)
	}
	return all
}

type group struct {
	name string
	of   []int
}

func (s *Scenario) groups() (all []group) {
	for i, e := range s.Endpoints {
		g := slices.IndexFunc(all, func(g group) bool { return g.name == e.Group })
		if g < 0 {
			g = len(all)
			all = append(all, group{name: e.Group})
		}
		all[g].of = append(all[g].of, i)
	}
	return all
}

// share of the requests of a span that some endpoints answered, over all runs;
// NaN of none.
func (r *Row) share(of []int, from, to float64) float64 {
	some, whole := 0, 0
	for i := range r.Runs {
		for _, t := range r.Runs[i].Seconds {
			if at := float64(t.At); at < from || at >= to {
				continue
			}
			for e, n := range t.Shares {
				whole += n
				if slices.Contains(of, e) {
					some += n
				}
			}
		}
	}
	if whole == 0 {
		return math.NaN()
	}
	return float64(some) / float64(whole)
}

// nearly is how many times the loss of the best policy one may have and still
// be right, as in `poise sim`.
const nearly = 1.08

// Verdict is whether an engine's choice was right.
type Verdict struct {
	Right bool
	Known bool // the policy that it chose was measured too
	Text  string
}

// Judged says of an engine what it did and whether the policy that it ended
// with is about as good as the best, measured beside it.
func (s *Scenario) Judged(r *Row) (v Verdict) {
	run := r.first()
	if run == nil || r.Kind != Judge {
		return v
	}
	changes := 0
	for i := range run.Decisions {
		if run.Decisions[i].Changed() {
			changes++
		}
	}
	best := s.bestOf(Policy)
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s made %s and ended with %s", r.Subject, plural(changes, "change"), orUnknown(run.Final))
	chosen := s.row(run.Final)
	if best == nil || chosen == nil || !chosen.Loss().known() {
		b.WriteString(", which was not measured by itself.")
		v.Text = b.String()
		return v
	}
	v.Known = true
	ratio := chosen.Loss().Value / best.Loss().Value
	v.Right = ratio <= nearly || !chosen.Loss().Apart(best.Loss())
	word := "wrong"
	if v.Right {
		word = "right"
	}
	switch {
	case chosen == best:
		fmt.Fprintf(b, ", the best policy: %s.", word)
	case ratio <= nearly || !v.Right:
		fmt.Fprintf(b, ", which has %s the loss of %s: %s.", fold(ratio, 1), best.Subject, word)
	default:
		fmt.Fprintf(b, ", which cannot be told from %s (%s its loss): %s.", best.Subject, fold(ratio, 1), word)
	}
	fmt.Fprintf(b, " Its own loss is %s ms, %s the best policy's.", r.Loss(), fold(r.Loss().Value, best.Loss().Value))
	v.Text = b.String()
	return v
}

func orUnknown(name string) string {
	if name == "" {
		return "a policy that it did not tell"
	}
	return name
}

// engines are the verdicts about all judges of a scenario.
func (s *Scenario) engines() (all []Verdict) {
	for i := range s.Rows {
		if v := s.Judged(&s.Rows[i]); v.Text != "" {
			all = append(all, v)
		}
	}
	return all
}
