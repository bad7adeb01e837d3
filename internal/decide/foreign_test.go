package decide_test

import (
	"testing"

	"poise/internal/decide"
	"poise/internal/lb"
)

func TestForeignLoadIsSeenWhereverRequestsGo(t *testing.T) {
	var all []decide.EndpointView
	for i := range 4 {
		all = append(all, decide.EndpointView{Endpoint: &lb.Endpoint{ID: uint32(i + 1), Stats: &lb.Stats{}}})
	}
	report := func(i, n, theirs, ours int) {
		for range n {
			all[i].Stats.Reports.Add(theirs, ours)
		}
	}
	f := &decide.Foreign{}
	if v := f.Look(all); v != 0 {
		t.Errorf("%.2f without a report", v)
	}
	report(0, 20, 9, 1)
	if v := f.Look(all); v != 0 {
		t.Errorf("%.2f from 20 reports; want it not known", v)
	}
	for i := range 4 {
		report(i, 25, 3, 3)
	}
	if v := f.Look(all); v != 1 {
		t.Errorf("%.2f where all comes from here; want 1", v)
	}
	report(0, 90, 3, 3) // most go where nobody else sends
	report(1, 90, 3, 3)
	report(2, 10, 11, 1)
	report(3, 10, 11, 1)
	if v := f.Look(all); v != 3.5 {
		t.Errorf("%.2f where half of the endpoints have 11 under way and 1 from here; want 3.5", v)
	}
	report(2, 3, lb.MostReported*2, 1) // a lie from whom little is heard
	report(0, 90, 3, 3)
	if v := f.Look(all); v != 1 {
		t.Errorf("%.2f by the word of one who said it three times; want 1", v)
	}
}
