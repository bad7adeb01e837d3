package rig

import (
	"math"
	"testing"
	"time"
)

func TestLayoutsKeepTheProxyApartWhereThereAreCores(t *testing.T) {
	for _, tt := range []struct {
		name           string
		workers, cores int
		want           Layout
	}{
		{"one of two", 1, 2, Layout{1, "0", "1", "1", false}},
		{"both of two", 2, 2, Layout{2, "0-1", "0-1", "0-1", true}},
		{"more than there are", 4, 2, Layout{2, "0-1", "0-1", "0-1", true}},
		{"two of three", 2, 3, Layout{2, "0-1", "2", "2", false}},
		{"one of four", 1, 4, Layout{1, "0", "1", "2-3", false}},
		{"two of eight", 2, 8, Layout{2, "0-1", "2-4", "5-7", false}},
	} {
		if got := Layouts(tt.workers, tt.cores); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestTicksTakeTheBusiestCore(t *testing.T) {
	before := Ticks{0: {all: 100, idle: 50}, 1: {all: 100, idle: 100}, 2: {all: 100}}
	after := Ticks{0: {all: 200, idle: 130, tasks: 20}, 1: {all: 200, idle: 110, tasks: 80, stolen: 10}, 2: {all: 200, tasks: 100}}
	s := after.Since(before, Union("0-1", "1"))
	if math.Abs(s.Busiest-0.9) > 1e-9 || s.tasks != 100 || math.Abs(s.Stolen-0.05) > 1e-9 {
		t.Errorf("since = %+v; want the second core's 0.9, both cores' 100 ticks, and 10 of 200 stolen", s)
	}
	if got := s.Foreign(800 * time.Millisecond); math.Abs(got-0.1) > 1e-9 {
		t.Errorf("foreign = %v; want 20 of 200 ticks, as 80 are known", got)
	}
}
