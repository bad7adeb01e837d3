package twin

import (
	"testing"
	"time"

	"poise/internal/lb"
)

// TestOutagesAreFoundWhereAnEndpointFellSilent: the first has attempts all the
// time, the second is left out from the third to the sixth second, the third
// gets few anyway, and of the fourth the guard says that it is out.
func TestOutagesAreFoundWhereAnEndpointFellSilent(t *testing.T) {
	m := &Model{stations: make([]station, 4), end: 10 * time.Second}
	m.in.Endpoints = []Endpoint{{Eligible: true}, {Eligible: true}, {Eligible: true}, {}}
	var w []attempt
	for at := time.Duration(0); at < m.end; at += 20 * time.Millisecond {
		w = append(w, attempt{Record: &lb.Record{}, station: 0, from: at})
		if at < 3*time.Second || at > 6*time.Second {
			w = append(w, attempt{Record: &lb.Record{}, station: 1, from: at})
		}
		if at%(2*time.Second) == 0 {
			w = append(w, attempt{Record: &lb.Record{}, station: 2, from: at})
		}
	}
	m.findOutages(w)
	var got []outage
	for _, o := range m.outages {
		got = append(got, outage{o.at.Round(100 * time.Millisecond), o.station, o.out})
	}
	want := []outage{{0, 3, true}, {3 * time.Second, 1, true}, {6 * time.Second, 1, false}, {10 * time.Second, 3, false}}
	if len(got) != len(want) {
		t.Fatalf("outages %v; want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("outages %v; want %v", got, want)
		}
	}
}

// TestWhoIsEjectedThoughItAnswersCounts, and who is dead does not.
func TestWhoIsEjectedThoughItAnswersCounts(t *testing.T) {
	m := &Model{stations: []station{{service: []float64{0.02}}, {service: []float64{0.02}, failing: 1}, {}}}
	m.in.Endpoints = []Endpoint{{Returns: true}, {Returns: true}, {Returns: true}}
	for i, want := range []bool{true, false, false} {
		if m.eligible(i) != want {
			t.Errorf("endpoint %d counts: %t; want %t", i, !want, want)
		}
	}
	m.in.Endpoints[0].Returns = false // an operator's word
	if m.eligible(0) {
		t.Error("one that the operator left out counts")
	}
}
