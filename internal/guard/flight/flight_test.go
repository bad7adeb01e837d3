package flight

import (
	"testing"
	"time"

	"poise/internal/stats"
)

func begun(l *List, n int) (all []*Ticket) {
	for range n {
		t := &Ticket{}
		l.Begin(t, Attempt{Now: 1, Replayable: true})
		all = append(all, t)
	}
	return all
}

func TestLateTakeDoesNotTouchTheNextAttempt(t *testing.T) {
	var a, b List
	ticket := begun(&a, 1)[0]
	var seen Word
	a.Each(func(_ *Ticket, w Word) { seen = w })
	if !seen.Take(ticket) || !ticket.Taken() {
		t.Fatal("it was not taken back")
	}
	if !a.End(ticket, 0).Taken() {
		t.Error("its end does not say that it was taken back")
	}
	b.Begin(ticket, Attempt{Now: 1, Replayable: true})
	if seen.Take(ticket) || ticket.Taken() {
		t.Error("the next attempt counts as taken back")
	}
}

func TestListHoldsMoreThanOneChunk(t *testing.T) {
	var l List
	all := begun(&l, 200)
	seen := map[*Ticket]bool{}
	l.Each(func(t *Ticket, _ Word) { seen[t] = true })
	if len(seen) != 200 || l.Waiting() != 200 {
		t.Errorf("%d of 200 are listed, %d wait", len(seen), l.Waiting())
	}
	for _, x := range all {
		l.End(x, 0)
	}
	l.Each(func(*Ticket, Word) { t.Error("one is still listed") })
	if n := testing.AllocsPerRun(100, func() { l.Begin(all[0], Attempt{Now: 1}); l.End(all[0], 0) }); n != 0 {
		t.Errorf("%g allocations for an attempt", n)
	}
}

func TestListBeyondItsBoundStillWorks(t *testing.T) {
	var l List
	for _, x := range begun(&l, 64*mostChunks+10) {
		l.End(x, 0)
	}
	n := 0
	for c := &l.first; c != nil; c = c.next.Load() {
		n++
	}
	if n > mostChunks+1 {
		t.Errorf("%d chunks; want at most %d", n, mostChunks+1)
	}
}

func TestPatienceGrowsWithTheLatencyOfTheOthers(t *testing.T) {
	for _, row := range []struct {
		name           string
		p99, few, many time.Duration
	}{
		{"nothing is known", 0, time.Second, time.Second},
		{"others answer at once", time.Millisecond, 250 * time.Millisecond, 250 * time.Millisecond},
		{"others take a tenth of a second", 100 * time.Millisecond, 800 * time.Millisecond, 400 * time.Millisecond},
	} {
		if few, many := Patience(row.p99); few != row.few || many != row.many {
			t.Errorf("%s: %v and %v; want %v and %v", row.name, few, many, row.few, row.many)
		}
	}
}

// TestUsualFollowsTheLastMinutes has a route that was slow and is quick now.
func TestUsualFollowsTheLastMinutes(t *testing.T) {
	u := &Usual{}
	now := stats.Instant(1e9)
	if _, known := u.patience(); known {
		t.Error("known before anything was seen")
	}
	phase := func(d time.Duration, times int) time.Duration {
		for range times {
			for range 100 {
				u.times.Observe(d)
			}
			now = now.Add(time.Second)
			u.Turn(now)
		}
		p, known := u.patience()
		if !known {
			t.Fatal("unknown after answers")
		}
		return p
	}
	near := func(got, want time.Duration) bool { return got > want*95/100 && got < want*105/100 }
	if p := phase(time.Second, 20); !near(p, aloneTimes*time.Second) {
		t.Errorf("patience %v; want three times a second", p)
	}
	if p := phase(time.Millisecond, 60); p != leastAlone {
		t.Errorf("patience %v a minute later; want the least", p)
	}
	var none *Usual
	if _, known := none.patience(); known {
		t.Error("nothing is known of no route")
	}
}
