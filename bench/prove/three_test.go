package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatOfIssue3IsMeasured(t *testing.T) {
	c, err := choose(asked{"quick", "G1,G10", "p2c", "guard,nginx"})
	if err != nil || !slices.Equal(c.Figures, []string{"G1"}) || !c.path || c.only10 || c.Policy != "p2c" || !slices.Equal(c.Arms, []string{"guard", "nginx"}) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = choose(asked{size: "full", figures: "G10"}); err != nil || !c.only10 {
		t.Errorf("%+v, %v; want the request path alone", c, err)
	}
	if c, err = choose(asked{size: "full"}); err != nil || c.only10 || !c.path || len(c.Figures) > 0 {
		t.Errorf("%+v, %v; want all", c, err)
	}
	for says, o := range map[string]asked{
		"full or quick": {size: "small"}, "G4L": {size: "full", figures: "G11"}, "round-robin": {size: "full", policy: "maglev"},
		"haproxy": {size: "full", arms: "caddy"},
	} {
		if _, err := choose(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v; want %s in it", o, err, says)
		}
	}
}
