package guard

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poise/bench/figure"
	"poise/bench/rig"
)

// Report writes the table of all cells, full and quick, to path.
func (r *Runner) Report(path string, s *figure.Sheet) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(r.markdown(s)), 0o644)
}

func (r *Runner) markdown(s *figure.Sheet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The guard: what failing endpoints cost the clients\n\n`make prove ISSUE=3`, %s, on %s.\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), rig.Machine())
	for _, k := range slices.Sorted(maps.Keys(r.Versions)) {
		fmt.Fprintf(&b, "- %s %s\n", k, r.Versions[k])
	}
	fmt.Fprintf(&b, "- runs at once: %s\n", r.store.AtOnce(r.store.Keys()))
	fmt.Fprintf(&b, `
%d workers of %d slots, 20 ms exponential, answers of 1 KiB; %.0f requests a second (G4L: 200, as it carries 1 MiB each) from an
open loop at even distances, latency counted from when a request was due; GET, nothing retried by the client, which waits
%v at most (G8, G9: from %d connections, so that waiting is not what keeps the cores busy). Calm is the same run before the fault. Cells are medians of good runs, and in brackets how many of them
kept all bounds. Runs with a core above %.0f %% over %d s are void. Rows marked quick are of shorter runs and one seed, and no
verdict rests on them. The configurations are in bench/guard/*.cfg; HAProxy and nginx have one, not one a policy.
`, workers, slots, calmRate, clientTimeout, waiting, 100*rig.MostBusy, rig.Stretch)
	for i := range Scenarios {
		r.table(&b, &Scenarios[i], s)
	}
	return b.String()
}

func (r *Runner) table(b *strings.Builder, sc *Scenario, s *figure.Sheet) {
	fmt.Fprintf(b, "\n## %s: %s\n\n", sc.ID, sc.What)
	for i := range sc.Checks {
		c := &sc.Checks[i]
		sign := "≤"
		if c.Least {
			sign = "≥"
		}
		fmt.Fprintf(b, "- %s: %s %.4g\n", c.What, sign, c.Bound)
	}
	fmt.Fprintf(b, "\nControl: %s. Poise: %s and %s; others: %s, %s.\n\n| | guard | control | haproxy | nginx | verdict |\n|---|---|---|---|---|---|\n",
		sc.Against, sc.On, sc.Off, sc.HAProxy, sc.Nginx)
	for _, size := range []string{Full, Quick} {
		mark := ""
		if size == Quick {
			mark = " (quick)"
		}
		for _, p := range Policies {
			if own := r.cell(size, sc, p, Guard) + r.cell(size, sc, p, Control); size == Quick && own == "––" {
				continue
			}
			control := r.cell(size, sc, p, Control)
			if why := sc.Alike[p]; why != "" {
				control += "; counts not: " + why
			}
			fmt.Fprintf(b, "| %s%s | %s | %s | | | %s |\n", p, mark, r.cell(size, sc, p, Guard), control, verdict(size, sc, p, s))
		}
		if h, n := r.cell(size, sc, "", HAProxy), r.cell(size, sc, "", Nginx); h+n != "––" {
			fmt.Fprintf(b, "| as configured%s | | | %s | %s | |\n", mark, h, n)
		}
	}
}

// verdict is that of the full size.
func verdict(size string, sc *Scenario, policy string, s *figure.Sheet) string {
	if size == Quick {
		return "quick: none"
	}
	i := slices.IndexFunc(s.Figures, func(f figure.Figure) bool { return f.ID == sc.ID+" "+policy })
	v, why := s.Figures[i].Judge()
	if why != "" {
		return fmt.Sprintf("%s: %s", v, why)
	}
	return string(v)
}

// cell writes the medians of an arm and how many of its runs kept all bounds.
func (r *Runner) cell(size string, sc *Scenario, policy, arm string) string {
	values, met, good, void := map[string][]float64{}, 0, 0, 0
	for seed := 1; seed <= Seeds; seed++ {
		c := r.store.Of(Key{size, sc.ID, policy, arm, seed})
		if c != nil && !c.Good() {
			void++
		}
		if !c.Good() {
			continue
		}
		good++
		if sc.Excess(arm, c.Values) <= 1 {
			met++
		}
		for k, v := range c.Values {
			values[k] = append(values[k], v)
		}
	}
	if good == 0 && void > 0 {
		return fmt.Sprintf("%d void or failed", void)
	}
	if good == 0 {
		return "–"
	}
	median := map[string]float64{}
	for k, all := range values {
		median[k] = figure.Median(all)
	}
	text := fmt.Sprintf("%s (%d/%d)", sc.show(median), met, good)
	if void > 0 {
		text += fmt.Sprintf(", %d void or failed", void)
	}
	return text
}
