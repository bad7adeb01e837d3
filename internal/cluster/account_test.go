package cluster

import (
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/roundrobin"
)

func TestEveryAttemptIsInTheSnapshotOrGone(t *testing.T) {
	wall := time.Unix(1_800_000_000, 0)
	c := New(Options{
		Name: "web", Policy: "round-robin", Wall: func() time.Time { return wall },
		Builders: map[string]balance.Builder{"round-robin": roundrobin.New},
	}, []Spec{{Address: "a:1"}, {Address: "b:1"}})
	a := c.Snapshot().Members[0]
	a.Stats.Outcomes[0].Add(7)
	c.Checked("a:1", true)
	c.Checked("a:1", false)
	c.Checked("nobody:1", true)
	a.Live.Begin()

	if s, gone := c.Account(); gone.Attempts() != 0 || s.Members[0].Stats.Passed.Load() != 1 || s.Members[0].Stats.Failed.Load() != 1 {
		t.Fatalf("with a there, %d attempts are gone", gone.Attempts())
	}
	c.SetEndpoints([]Spec{{Address: "b:1"}})
	if _, gone := c.Account(); gone.Attempts() != 7 || gone.Passed != 1 || gone.Failed != 1 || gone.Inflight != 1 {
		t.Errorf("when a has left, gone is %d attempts, %d and %d checks, %d under way; want 7, 1, 1, 1", gone.Attempts(), gone.Passed, gone.Failed, gone.Inflight)
	}
	wall = wall.Add(time.Hour)
	if _, _ = c.Account(); len(c.leaving) != 1 {
		t.Error("a was forgotten while an attempt is under way at it")
	}
	a.Stats.Outcomes[0].Add(1)
	a.Live.End()
	if _, gone := c.Account(); gone.Attempts() != 8 || gone.Inflight != 0 || len(c.leaving) != 0 {
		t.Errorf("at the end gone is %d attempts, %d under way, %d remembered; want 8, 0, 0", gone.Attempts(), gone.Inflight, len(c.leaving))
	}
}
