package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatOfIssue2IsMeasured(t *testing.T) {
	for names, want := range map[string][]string{
		"F2":    {"F1", "F2", "F6"},
		"F4,F8": {"F4a", "F4b", "F8"},
		"F4b":   {"F4b"},
		"F10":   {"F10a", "F10b"},
	} {
		if got, err := choose2(names); err != nil || !slices.Equal(got, want) {
			t.Errorf("FIGURE=%s: %v, %v; want %v", names, got, err, want)
		}
	}
	all, err := choose2("")
	if err != nil || len(all) != len(figuresOf2) {
		t.Errorf("all: %v, %v; want the %d figures", all, err, len(figuresOf2))
	}
	if _, err := choose2("F1,F11"); err == nil || !strings.Contains(err.Error(), "F10") {
		t.Errorf("F11: %v; want what there is", err)
	}
}
