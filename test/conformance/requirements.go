package conformance

import (
	_ "embed"
	"slices"
	"strings"
)

// Requirement is a MUST or MUST NOT that binds an intermediary.
type Requirement struct {
	ID, Level, Binds, Text string
	Uncovered              string // why no case shows it
	Cases                  int    // that show it
}

//go:embed testdata/requirements.txt
var requirementList string

// everyMessage are the requirements that the judge holds every forwarded
// message to, whatever the case is about.
const everyMessage = "9112-2.2-2 9112-2.2-4 9112-5.2-1 9112-6.3-9 9112-6.2-1 9112-3.2-1 9112-7.4-2 9110-7.8-6"

// Requirements returns the list, with the cases counted.
func Requirements(cases []Case) (all []Requirement) {
	shown := map[string]int{}
	for i := range cases {
		for id := range strings.FieldsSeq(cases[i].IDs) {
			shown[id]++
		}
	}
	for id := range strings.FieldsSeq(everyMessage) {
		shown[id] = len(cases)
	}
	for _, s := range scenarios {
		for id := range strings.FieldsSeq(s.ids) {
			shown[id]++
		}
	}
	for line := range strings.Lines(requirementList) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, " | ")
		f = append(f, slices.Repeat([]string{""}, 5-min(len(f), 5))...)
		all = append(all, Requirement{ID: f[0], Level: f[1], Binds: f[2], Text: f[3], Uncovered: f[4], Cases: shown[f[0]]})
	}
	return all
}
