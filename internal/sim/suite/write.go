package suite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"poise/internal/sim"
)

// Write writes the table of a plan as a document.
func Write(path string, p *Plan, results []sim.Result) error {
	s := New(p, results)
	var b strings.Builder
	fmt.Fprintf(&b, "# Every shipped scenario under every policy, simulated\n\n")
	fmt.Fprintf(&b, "Written by `make prove ISSUE=4`; %d seeds, %d runs; the same seeds give the same figures. A judge begins with what it\n", s.Seeds, len(results))
	fmt.Fprintf(&b, "would begin with by itself. *fresh* was written before anything was tuned. central knows everything and takes the first free\n")
	fmt.Fprintf(&b, "slot, floor is every request alone at its best endpoint; `poise sim NAME` shows one scenario with what was decided.\n")
	fmt.Fprintf(&b, "\n```\n%s```\n\n## The scenarios\n\n", s.Matrix())
	for _, g := range groupsOf(p.Scenarios) {
		fmt.Fprintf(&b, "**%s**\n\n", g.name)
		for _, sc := range g.scenarios {
			fmt.Fprintf(&b, "- %s: %s\n", sc.Name, sc.About)
		}
		b.WriteByte('\n')
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.TrimRight(b.String(), "\n")+"\n"), 0o644) //nolint:gosec // a document to read
}
