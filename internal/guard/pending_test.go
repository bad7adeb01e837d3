package guard

import (
	"testing"
	"time"

	"poise/internal/lb"
)

func TestPendingAreThoseThatWaitForTheEndpoint(t *testing.T) {
	f := newFleet(2, Options{})
	f.endpoints[0].ID, f.endpoints[1].ID = 11, 12
	old := f.wait(1, 2, Entry{})
	f.wait(0, 1, Entry{Uploading: true}) // waits for its client
	f.now = f.now.Add(300 * time.Millisecond)
	f.wait(0, 3, Entry{})
	f.now = f.now.Add(50 * time.Millisecond)
	old[0].Answered(f.now) // is being read

	into := make([]lb.Pending, 0, 10)
	counts := map[lb.Pending]int{}
	for _, p := range f.Pending(into, f.now, 0) {
		counts[p]++
	}
	if len(counts) != 2 || counts[lb.Pending{Endpoint: 11, Age: 50 * time.Millisecond}] != 3 || counts[lb.Pending{Endpoint: 12, Age: 350 * time.Millisecond}] != 1 {
		t.Errorf("pending %v; want three at 11 since 50 ms and one at 12 since 350 ms", counts)
	}
	if got := f.Pending(into, f.now, 100*time.Millisecond); len(got) != 1 || got[0].Endpoint != 12 {
		t.Errorf("older than 100 ms: %v; want the one at 12", got)
	}
	if got := f.Pending(into[:0:2], f.now, 0); len(got) != 2 {
		t.Errorf("%d pending where there is room for two", len(got))
	}
}
