package guard

import (
	"slices"
	"testing"
	"time"

	"poise/internal/stats"
)

func TestJournalIsReadOnceInOrder(t *testing.T) {
	var j Journal
	for i := range 5 {
		j.push(Action{At: 1, For: 0, Kind: Kind(i%3 + 1), Endpoint: string(rune('a' + i))})
	}
	list, lost := j.Drain(nil)
	if len(list) != 5 || lost != 0 || list[0].Endpoint != "a" || list[4].Endpoint != "e" {
		t.Errorf("%d actions, %d lost: %+v; want five in order", len(list), lost, list)
	}
	if list, _ = j.Drain(list[:0]); len(list) != 0 {
		t.Errorf("a second read gives %+v; want nothing", list)
	}
}

func TestJournalThatIsNotReadKeepsTheLastAndCountsTheLost(t *testing.T) {
	var j Journal
	for range journalSize + 44 {
		j.push(Action{Kind: Eject})
	}
	j.push(Action{Kind: Readmit})
	list, lost := j.Drain(nil)
	if len(list) != journalSize || lost != 45 || list[journalSize-1].Kind != Readmit {
		t.Errorf("%d actions, %d lost; want %d and 45", len(list), lost, journalSize)
	}
}

func TestEveryWordHasAName(t *testing.T) {
	for k := Eject; k <= Limit; k++ {
		if k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
	for c := Errors; int(c) < len(causeNames); c++ {
		if c.String() == "" || !slices.Contains(Causes(), c) {
			t.Errorf("cause %d has no name, or is not among the causes", c)
		}
	}
	for g := MaxEjected; g < gates; g++ {
		if g.String() == "" {
			t.Errorf("gate %d has no name", g)
		}
	}
	for p := Serving; p <= Ejected; p++ {
		if p.String() == "" {
			t.Errorf("phase %d has no name", p)
		}
	}
}

func TestLastActionsAreReadAndStayForTheReader(t *testing.T) {
	var j Journal
	for i := range journalSize + 10 {
		j.push(Action{At: 1 + stats.Instant(i), Kind: Eject})
	}
	for _, row := range []struct {
		since, most int
		first       uint64
		n           int
	}{
		{0, 3, journalSize + 8, 3},
		{journalSize + 5, 100, journalSize + 6, 5},
		{0, 10_000, 11, journalSize},
		{journalSize + 10, 10, 0, 0},
		{0, 0, 0, 0},
		{0, -1, 0, 0},
	} {
		list := j.Last(nil, 1+stats.Instant(row.since), row.most)
		if len(list) != row.n || row.n > 0 && list[0].Number != row.first {
			t.Errorf("since %d, at most %d: %d actions; want %d from %d on", row.since, row.most, len(list), row.n, row.first)
		}
	}
	if list, _ := j.Drain(nil); len(list) != journalSize {
		t.Errorf("%d are left for the reader", len(list))
	}
}

func TestSheddingIsToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	f := newFleet(1, Options{})
	turnAway := func(n int) {
		for range n {
			f.queue.Push(&Waiter{}, f.now) // no queue: refused
		}
	}
	f.Tick(f.now)
	f.actions()
	for range 3 { // pauses that are short
		turnAway(5)
		f.pass(time.Second)
	}
	f.pass(2 * shedQuiet)
	turnAway(1)
	f.pass(2 * shedQuiet)
	a := f.actions()
	if len(a) != 4 || a[0].Kind != ShedOn || a[1].Kind != ShedOff || a[1].Evidence.Shed != 15 || a[2].Kind != ShedOn || a[3].Evidence.Shed != 1 {
		t.Errorf("did %+v; want fifteen turned away, and one", a)
	}
}

func TestAnEnforcedLimitIsToldWhenItChangesByAFifth(t *testing.T) {
	f := newFleet(1, Options{Concurrency: Enforce})
	e := of(f.endpoints[0])
	f.actions()
	for _, limit := range []int{20, 22, 23, 24, 40, 41, 30} {
		e.proposed = limit
		f.pass(2 * tellAgain)
	}
	e.proposed = 60
	f.pass(limitsEvery)
	e.proposed = 90 // soon after: told later
	f.pass(limitsEvery)
	var told []int
	for _, a := range f.actions() {
		if a.Kind == Limit {
			told = append(told, a.Evidence.From, a.Evidence.To)
		}
	}
	want := []int{20, 24, 24, 40, 40, 30, 30, 60}
	if len(told) != len(want) {
		t.Fatalf("told %v; want %v", told, want)
	}
	for i := range want {
		if told[i] != want[i] {
			t.Fatalf("told %v; want %v", told, want)
		}
	}
}
