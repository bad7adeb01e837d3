package learn

import (
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// TestRevivedUnderOtherNumbers saves what is known of two endpoints and takes it
// up in a process whose clock is young and which numbers them the other way
// round, beside one that is new.
func TestRevivedUnderOtherNumbers(t *testing.T) {
	make1 := func(id uint32, address string) *lb.Endpoint {
		return &lb.Endpoint{ID: id, Address: address, Live: &lb.Live{}}
	}
	const day = 24 * time.Hour
	l := New(Options{Affinity: &lb.Affinity{}})
	l.Members([]*lb.Endpoint{make1(1, "fast:1"), make1(2, "slow:1")})
	now := stats.Instant(day)
	for i := range 500 {
		now = now.Add(10 * time.Millisecond)
		for id, took := range map[uint32]time.Duration{1: 10 * time.Millisecond, 2: 40 * time.Millisecond} {
			l.Observe(&lb.Record{Sent: now.Add(-took), Took: took, Latency: took, Endpoint: id, Attempt: 1, Key: uint64(i % 7), Flags: lb.Keyed})
		}
		if i%10 == 0 {
			l.Tick(now)
		}
	}
	saved, err := l.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	n := New(Options{Affinity: &lb.Affinity{}})
	members := []*lb.Endpoint{make1(1, "slow:1"), make1(2, "fast:1"), make1(3, "new:1")}
	if err := n.Revive(saved, -day, members); err != nil {
		t.Fatal(err)
	}
	if n.keys.visits != nil {
		t.Error("the memory of keys is kept under the numbers of others")
	}
	n.Members(members)
	n.Tick(stats.Instant(time.Second))
	service := func(i int) float64 { return members[i].Live.Learnt().Service.Seconds() }
	if slow, fast := service(0), service(1); slow < 0.03 || slow > 0.05 || fast < 0.008 || fast > 0.013 {
		t.Errorf("slow:1 takes %.4f s and fast:1 %.4f s; want 0.04 and 0.01", slow, fast)
	}
	if n.byID[3].speed.known() {
		t.Error("the new endpoint is known")
	}
	if n.now > stats.Instant(time.Minute) {
		t.Errorf("the clock stands at %v", n.now)
	}
	before, _ := n.MarshalBinary()
	if err := n.Revive(saved[:len(saved)/2], 0, members); err == nil {
		t.Error("half of a state is taken")
	}
	if after, _ := n.MarshalBinary(); string(after) != string(before) {
		t.Error("what cannot be read has changed something")
	}
}
