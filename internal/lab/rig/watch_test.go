package rig

import "testing"

func TestTheBusiestStretchOfTheBusiestCoreCounts(t *testing.T) {
	at := func(idle0, idle1, all float64) Ticks {
		t := Ticks{}
		for c, idle := range []float64{idle0, idle1} {
			v := t[c]
			v.all, v.idle = all, idle
			t[c] = v
		}
		return t
	}
	// Core 1 works through seconds 2 and 3 and a half of 4; core 0 never.
	all := []Ticks{at(0, 0, 0), at(100, 100, 100), at(200, 100, 200), at(300, 100, 300), at(400, 150, 400)}
	for stretch, want := range map[int]float64{1: 1, 2: 1, 3: 250.0 / 300, 4: 250.0 / 400, 9: 250.0 / 400} {
		if got := watchedOf(all, stretch).Busiest; got != want {
			t.Errorf("over %d seconds: %v; want %v", stretch, got, want)
		}
	}
}
