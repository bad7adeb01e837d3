//go:build faults

package faults

import (
	"fmt"
	"strings"
	"sync"

	"poise/test/fleet"
)

// results is the table that is printed at the end.
var results table

type table struct {
	mu    sync.Mutex
	rows  []string
	notes []string
}

func (t *table) add(name string, before, during, after fleet.Usage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const mib = 1 << 20
	t.rows = append(t.rows, fmt.Sprintf("%-44s %6.1f %6.1f %6.1f  %6.1f %6.1f  %6d %6d %6d  %6d %6d %6d",
		strings.TrimPrefix(name, "Test"),
		float64(before.RSS)/mib, float64(during.RSS)/mib, float64(after.RSS)/mib,
		float64(before.Heap)/mib, float64(after.Heap)/mib,
		before.Goroutines, during.Goroutines, after.Goroutines,
		before.Files, during.Files, after.Files))
}

// note keeps a line that must not be missed among the others.
func (t *table) note(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, line)
}

func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows)+len(t.notes) == 0 {
		return ""
	}
	head := fmt.Sprintf("%-44s %-20s  %-13s  %-20s  %s\n%-44s %6s %6s %6s  %6s %6s  %6s %6s %6s  %6s %6s %6s\n",
		"", "RSS, MiB", "live heap", "goroutines", "descriptors",
		"fault", "before", "during", "after", "before", "after", "before", "during", "after", "before", "during", "after")
	return head + strings.Join(t.rows, "\n") + "\n" + strings.Join(t.notes, "\n") + "\n"
}
