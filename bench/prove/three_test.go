package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatOfIssue3IsMeasured(t *testing.T) {
	c, err := choose(asked{size: "quick", figures: "G1,G10", policy: "p2c", arms: "guard,nginx", seeds: 1, lanes: 3})
	if err != nil || c.Seeds != 1 || c.Lanes != 3 || !slices.Equal(c.Figures, []string{"G1"}) || !c.path || c.only10 || c.Policy != "p2c" || !slices.Equal(c.Arms, []string{"guard", "nginx"}) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = choose(asked{size: "full", figures: "G10", seeds: 3, lanes: 1}); err != nil || !c.only10 {
		t.Errorf("%+v, %v; want the request path alone", c, err)
	}
	if c, err = choose(asked{size: "full", seeds: 3, lanes: 1}); err != nil || c.only10 || !c.path || len(c.Figures) > 0 {
		t.Errorf("%+v, %v; want all", c, err)
	}
	for says, o := range map[string]asked{
		"full or quick": {size: "small", seeds: 3, lanes: 1}, "G4L": {size: "full", figures: "G11", seeds: 3, lanes: 1},
		"round-robin": {size: "full", policy: "maglev", seeds: 3, lanes: 1}, "haproxy": {size: "full", arms: "caddy", seeds: 3, lanes: 1},
		"1 to 3": {size: "full", seeds: 4, lanes: 1}, "1 or more": {size: "full", seeds: 3},
	} {
		if _, err := choose(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v; want %s in it", o, err, says)
		}
	}
}
