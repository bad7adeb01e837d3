package record

import (
	"sync"
	"testing"
	"time"

	"poise/internal/lb"
)

func TestTrafficCountsEachRequestOnce(t *testing.T) {
	for _, c := range []struct {
		name     string
		request  Request
		class    int
		overhead uint64 // observations
		in, out  uint64
	}{
		{"an answer of an endpoint", Request{Status: 200, Cluster: "web", Duration: time.Second, Overhead: time.Millisecond, RequestBytes: 3, ResponseBytes: 5}, 2, 1, 3, 5},
		{"an answer of our own has no overhead", Request{Status: 404, Duration: time.Second}, 4, 0, 0, 0},
		{"a client that left", Request{Status: 499, Cluster: "web"}, 4, 1, 0, 0},
		{"a switched protocol", Request{Status: 101, Cluster: "web"}, 1, 1, 0, 0},
		{"a status below all", Request{Status: 99}, 5, 0, 0, 0},
		{"a status above all", Request{Status: 600}, 5, 0, 0, 0},
		{"lengths that are not known", Request{Status: 200, RequestBytes: -1, ResponseBytes: -1}, 2, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k Traffic
			k.Count(&c.request)
			for class := range k.Classes {
				want := uint64(0)
				if class == c.class {
					want = 1
				}
				if got := k.Classes[class].Load(); got != want {
					t.Errorf("%d in class %d; want %d", got, class, want)
				}
			}
			duration, overhead := k.Duration.Snapshot(), k.Overhead.Snapshot()
			if duration.Count() != 1 || duration.Sum() != c.request.Duration || overhead.Count() != c.overhead {
				t.Errorf("%d durations with sum %v, %d overheads; want 1, %v, %d", duration.Count(), duration.Sum(), overhead.Count(), c.request.Duration, c.overhead)
			}
			if k.RequestBytes.Load() != c.in || k.ResponseBytes.Load() != c.out {
				t.Errorf("%d bytes in, %d out; want %d and %d", k.RequestBytes.Load(), k.ResponseBytes.Load(), c.in, c.out)
			}
		})
	}
}

func TestBookIsSharedByItsUsers(t *testing.T) {
	var b Book
	keys := []TrafficKey{{Listener: ":80"}, {Listener: ":80", Route: "a"}, {Listener: ":80", Route: "a", Cluster: "c"}, {Listener: ":81", Route: "a"}}
	const users, each = 8, 500
	var all sync.WaitGroup
	for range users {
		all.Go(func() {
			for i := range each {
				b.Traffic(keys[i%len(keys)]).Count(&Request{Status: 200})
				b.All()
			}
		})
	}
	all.Wait()
	total := uint64(0)
	for _, k := range b.All() {
		total += k.Classes[2].Load()
	}
	if len(b.All()) != len(keys) || total != users*each {
		t.Errorf("%d entries with %d requests; want %d with %d", len(b.All()), total, len(keys), users*each)
	}
}

func TestAllIsTheCallersOwn(t *testing.T) {
	var b Book
	b.Traffic(TrafficKey{Route: "a"})
	b.All()[0] = nil
	if b.All()[0] == nil {
		t.Error("a caller can change the book")
	}
}

func TestALeaseOfEachOutcome(t *testing.T) {
	var a Attempts
	e := endpoint()
	for o := range lb.OutcomeCount {
		l := a.Open(Terms{Endpoint: e, Attempt: 2, Flags: lb.Retry})
		l.Flag(lb.Streaming)
		if l.terms.Flags != lb.Retry|lb.Streaming {
			t.Errorf("flags %b", l.terms.Flags)
		}
		l.Close(1, time.Millisecond, o)
	}
	totals := e.Stats.Totals()
	for o, n := range totals.Outcomes {
		if n != 1 {
			t.Errorf("%v was counted %d times; want once", lb.Outcome(o), n)
		}
	}
	if totals.Latency.Count() != uint64(lb.OutcomeCount) || e.Live.Inflight() != 0 {
		t.Errorf("%d latencies, %d under way", totals.Latency.Count(), e.Live.Inflight())
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	a := Attempts{Ring: NewRing(8)}
	var k Traffic
	e, r := endpoint(), &Request{Status: 200, Cluster: "web", Duration: time.Millisecond}
	n := testing.AllocsPerRun(200, func() {
		l := a.Open(Terms{Endpoint: e, Attempt: 1})
		l.Close(1, time.Millisecond, lb.Success)
		k.Count(r)
	})
	if n != 0 {
		t.Errorf("%g allocations for a request", n)
	}
}
