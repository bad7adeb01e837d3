package main

import (
	"testing"

	"poise/bench/arena"
	"poise/internal/lab/bench"
)

func TestTheHourHasItsScenariosAndPolicies(t *testing.T) {
	o, err := hour("poise")
	if err != nil || len(o.Scenarios) != len(bench.Conditions) || len(o.Subjects) != len(bench.Names())+len(arena.Peers) || o.Size.Name != "hour" {
		t.Errorf("%d scenarios, %d subjects, size %s, %v", len(o.Scenarios), len(o.Subjects), o.Size.Name, err)
	}
}
