package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatOfIssue3IsMeasured(t *testing.T) {
	c, err := choose("quick", "G1,G10", "p2c")
	if err != nil || !slices.Equal(c.Figures, []string{"G1"}) || !c.path || c.only10 || c.Policy != "p2c" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = choose("full", "G10", ""); err != nil || !c.only10 {
		t.Errorf("%+v, %v; want the request path alone", c, err)
	}
	if c, err = choose("full", "", ""); err != nil || c.only10 || !c.path || len(c.Figures) > 0 {
		t.Errorf("%+v, %v; want all", c, err)
	}
	for _, tt := range []struct{ size, figures, policy, says string }{
		{"small", "", "", "full or quick"}, {"full", "G11", "", "G4L"}, {"full", "", "maglev", "round-robin"},
	} {
		if _, err := choose(tt.size, tt.figures, tt.policy); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v; want %s in it", tt, err, tt.says)
		}
	}
}
