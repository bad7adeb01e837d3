package record

import (
	"testing"
	"time"

	"poise/internal/lb"
)

func endpoint() *lb.Endpoint {
	return &lb.Endpoint{Live: &lb.Live{}, Stats: &lb.Stats{}}
}

func TestLeaseCountsAnAttemptInAndOut(t *testing.T) {
	var a Attempts
	e := endpoint()
	first := a.Open(Terms{Endpoint: e, Attempt: 1})
	second := a.Open(Terms{Endpoint: e, Attempt: 1})
	if got := e.Live.Inflight(); got != 2 {
		t.Fatalf("inflight = %d with two leases open; want 2", got)
	}
	if first.inflight != 0 || second.inflight != 1 {
		t.Errorf("leases saw %d and %d before them; want 0 and 1", first.inflight, second.inflight)
	}
	first.Close(1, time.Millisecond, lb.Success)
	second.Close(2, 0, lb.Reset)
	if got := e.Live.Inflight(); got != 0 {
		t.Errorf("inflight = %d with all leases closed; want 0", got)
	}
	if ok, bad := e.Stats.Outcomes[lb.Success].Load(), e.Stats.Outcomes[lb.Reset].Load(); ok != 1 || bad != 1 {
		t.Errorf("success %d, reset %d; want 1 and 1", ok, bad)
	}
	if s := e.Stats.Latency.Snapshot(); s.Count() != 1 {
		t.Errorf("%d latencies observed; want 1: an attempt without an answer has none", s.Count())
	}
}

func TestBookKeepsOneEntryAKey(t *testing.T) {
	var b Book
	key := TrafficKey{Listener: ":80", Route: "a"}
	if first := b.Traffic(key); first != b.Traffic(key) {
		t.Error("two entries for one key")
	}
	b.Traffic(key).Count(&Request{Status: 204})
	b.Traffic(key).Count(&Request{Status: 999})
	all := b.All()
	if len(all) != 1 || all[0].Classes[2].Load() != 1 || all[0].Classes[5].Load() != 1 {
		t.Error("204 counts as 2xx and a status that does not exist as 5xx")
	}
}

// BenchmarkBook is what finding the counters of a request costs: looked up
// once a table, and for every request.
func BenchmarkBook(b *testing.B) {
	var book Book
	key := TrafficKey{Listener: "0.0.0.0:8080", Route: "catalogue", Cluster: "web"}
	r := &Request{Status: 200, Cluster: "web", Duration: time.Millisecond}
	b.Run("once", func(b *testing.B) {
		for t := book.Traffic(key); b.Loop(); {
			t.Count(r)
		}
	})
	b.Run("every time", func(b *testing.B) {
		for b.Loop() {
			book.Traffic(key).Count(r)
		}
	})
}
