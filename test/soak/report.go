package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poise/test/fleet"
)

// report is what a soak found.
type report struct {
	Began   time.Time         `json:"began"`
	Seconds float64           `json:"seconds"`
	Seed    uint64            `json:"seed"`
	Begin   fleet.Usage       `json:"begin"` // at rest, after the warm-up
	End     fleet.Usage       `json:"end"`   // at rest
	Samples []reading         `json:"samples"`
	Traffic map[string]*Count `json:"traffic"` // the warm-up's included
	Faults  map[string]int    `json:"faults"`
	Wrong   []string          `json:"wrong"` // what must not be
}

type reading struct {
	Seconds float64 `json:"at_seconds"`
	fleet.Usage
}

// By how much the end may be above the beginning. Goroutines and descriptors:
// the call that measures, which the runtime and the kernel take a moment to
// let go of. The live heap: counters of policies and tables that grow to their
// bound; half an hour makes over 200,000 requests, so that a leak of 10 bytes
// a request is seen. Resident memory holds, besides, what the runtime has not
// given back yet.
const (
	moreGoroutines = 3
	moreFiles      = 4
	moreHeap       = 2 << 20
	moreRSS        = 16 << 20
)

func (r *report) judge() {
	over := func(what string, begin, end, most int64) {
		if end > begin+most {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s: %d at the beginning, %d at the end; allowed are %d more", what, begin, end, most))
		}
	}
	over("goroutines", int64(r.Begin.Goroutines), int64(r.End.Goroutines), moreGoroutines)
	over("descriptors", int64(r.Begin.Files), int64(r.End.Files), moreFiles)
	over("live heap", r.Begin.Heap, r.End.Heap, moreHeap)
	over("RSS", r.Begin.RSS, r.End.RSS, moreRSS)
	for name, c := range r.Traffic {
		if c.Wrong > 0 {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s: %d answers looked whole and were wrong", name, c.Wrong))
		}
		if c.Good == 0 && name != "slow head" && name != "slow reader" {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s: none of %d went well", name, c.Begun))
		}
	}
}

func (r *report) table(w io.Writer) {
	fmt.Fprintf(w, "begin  %v\nend    %v\n\n%-20s %8s %8s %8s %8s %8s\n", r.Begin, r.End, "traffic", "begun", "good", "refused", "broken", "wrong")
	for _, k := range kinds {
		c := r.Traffic[k.name]
		fmt.Fprintf(w, "%-20s %8d %8d %8d %8d %8d\n", k.name, c.Begun, c.Good, c.Refused, c.Broken, c.Wrong)
	}
	fmt.Fprint(w, "\nfaults:")
	for _, name := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(w, " %s %d", name, r.Faults[name])
	}
	fmt.Fprintln(w)
}

func (r *report) write(dir string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "soak.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Soak\n\n`make soak`, %v, begun %s, seed %d. ", time.Duration(r.Seconds*float64(time.Second)), r.Began.Format(time.RFC3339), r.Seed)
	fmt.Fprintf(&b, "Begin and end are at rest, after a collection. Allowed at the end: %d goroutines, %d descriptors, %d MiB of live heap, %d MiB of RSS more.\n\n```\n", moreGoroutines, moreFiles, moreHeap>>20, moreRSS>>20)
	r.table(&b)
	b.WriteString("\nunder traffic\n")
	for i, s := range r.Samples {
		if i%max(1, len(r.Samples)/30) == 0 {
			fmt.Fprintf(&b, "%6.0f s  %v\n", s.Seconds, s.Usage)
		}
	}
	b.WriteString("```\n\n")
	if len(r.Wrong) == 0 {
		b.WriteString("Nothing was wrong.\n")
	}
	for _, w := range r.Wrong {
		b.WriteString("- **wrong**: " + w + "\n")
	}
	return os.WriteFile(filepath.Join(dir, "soak.md"), []byte(b.String()), 0o644)
}
