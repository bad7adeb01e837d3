package app

import (
	"testing"

	"poise/internal/guard/journal"
	"poise/internal/telemetry"
)

func TestEjectionsAreThereBeforeTheFirst(t *testing.T) {
	var e ejections
	none := e.counted()
	for _, want := range []telemetry.Ejection{{Reason: "errors", Enforced: true}, {Reason: "latency"}, {Reason: "stall", Enforced: true}, {Reason: "trial", Enforced: true}} {
		if n, is := none[want]; !is || n != 0 {
			t.Errorf("%+v: %d, %v before anything happened; want 0", want, n, is)
		}
	}
	for _, a := range []journal.Action{
		{Kind: journal.Eject, Cause: journal.Stall},
		{Kind: journal.TrialLost, Cause: journal.Trial},
		{Kind: journal.HoldBack, Cause: journal.Latency},
		{Kind: journal.Readmit},
	} {
		e.count(&a)
	}
	some := e.counted()
	for what, n := range some {
		did := what.Enforced && (what.Reason == "stall" || what.Reason == "trial") || !what.Enforced && what.Reason == "latency"
		if (n == 1) != did || n > 1 {
			t.Errorf("%+v: %d", what, n)
		}
	}
	if len(some) != len(none) {
		t.Errorf("%d series after ejections, %d before", len(some), len(none))
	}
}
