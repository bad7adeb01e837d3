package main

import "testing"

func TestTheHourHasItsScenariosAndPolicies(t *testing.T) {
	o, err := hour("poise")
	if err != nil || len(o.Scenarios) != 12 || len(o.Subjects) != 8 || o.Size.Name != "hour" {
		t.Errorf("%d scenarios, %d subjects, size %s, %v", len(o.Scenarios), len(o.Subjects), o.Size.Name, err)
	}
}
