package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"poise/internal/guard"
	"poise/internal/guard/retry"
	"poise/internal/lb"
	"poise/internal/record"
	"poise/internal/route"
)

// attemptsOf serves one request over the spots and returns its records.
func attemptsOf(t *testing.T, o guard.Options, spots ...*spot) (all []lb.Record, s *stand) {
	t.Helper()
	s = newStand(o, spots...)
	s.up.Attempts.Ring = record.NewRing(64)
	key, err := route.ParseKey("path")
	if err != nil {
		t.Fatal(err)
	}
	s.up.Key = key
	time.Sleep(time.Second)
	s.up.Guard.Tick(s.now())
	time.Sleep(time.Second)
	s.up.Guard.Tick(s.now())
	s.ask()
	all = make([]lb.Record, 16)
	n, lost := s.up.Attempts.Ring.Drain(all)
	if lost != 0 {
		t.Errorf("%d records lost", lost)
	}
	return all[:n], s
}

func TestAnAttemptLeavesItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		all, s := attemptsOf(t, guard.Options{}, &spot{delay: 30 * time.Millisecond})
		if len(all) != 1 {
			t.Fatalf("%d records of one attempt", len(all))
		}
		r, e := all[0], s.up.Cluster.Snapshot().Members[0]
		if r.Endpoint != e.ID || r.Outcome != lb.Success || r.Attempt != 1 || !r.Arrival() || r.Flags&lb.Keyed == 0 || r.Key == 0 {
			t.Errorf("record %+v of a first attempt at endpoint %d, with a key", r, e.ID)
		}
		if r.Latency != 30*time.Millisecond || r.Took != 30*time.Millisecond || s.now().Sub(r.Sent) != 30*time.Millisecond {
			t.Errorf("latency %v, took %v, sent %v ago after %v; want 30 ms each", r.Latency, r.Took, s.now().Sub(r.Sent), time.Since(began))
		}
	})
}

func TestARetryIsNoArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, _ := attemptsOf(t, guard.Options{}, &spot{cut: true}, &spot{})
		if len(all) != 2 {
			t.Fatalf("%d records; want the cut attempt's and the retry's", len(all))
		}
		first, second := all[0], all[1]
		if first.Outcome != lb.Cut || !first.Arrival() || second.Outcome != lb.Success || second.Arrival() || second.Attempt != 2 || second.Flags&lb.Retry == 0 {
			t.Errorf("records %+v and %+v; want a cut arrival and its retry", first, second)
		}
		if second.Key != first.Key || second.Sent < first.End() {
			t.Errorf("the retry has key %x of %x and was sent %v after the first ended", second.Key, first.Key, second.Sent.Sub(first.End()))
		}
	})
}

// The loser of a hedge is canceled. That it had waited is what may be known of
// an endpoint that hangs.
func TestTheLoserOfAHedgeHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, _ := attemptsOf(t, guard.Options{Hedge: retry.Hedge{After: 20 * time.Millisecond}}, &spot{hangs: true}, &spot{delay: 5 * time.Millisecond})
		if len(all) != 2 {
			t.Fatalf("%d records; want the loser's and the winner's", len(all))
		}
		for _, r := range all {
			switch {
			case r.Flags&lb.Hedge != 0:
				if r.Outcome != lb.Success || r.Latency != 5*time.Millisecond || r.Arrival() {
					t.Errorf("the hedge left %+v", r)
				}
			case r.Outcome != lb.Canceled || r.Latency < 20*time.Millisecond:
				t.Errorf("the loser left %+v; want canceled after 20 ms or more", r)
			}
		}
	})
}
