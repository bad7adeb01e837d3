package journal

import (
	"slices"
	"testing"

	"poise/internal/stats"
)

func TestJournalIsReadOnceInOrder(t *testing.T) {
	var j Journal
	for i := range 5 {
		j.Push(Action{At: 1, For: 0, Kind: Kind(i%3 + 1), Endpoint: string(rune('a' + i))})
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
		j.Push(Action{Kind: Eject})
	}
	j.Push(Action{Kind: Readmit})
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
	for g := MaxEjected; g < Gates; g++ {
		if g.String() == "" {
			t.Errorf("gate %d has no name", g)
		}
	}
}

func TestLastActionsAreReadAndStayForTheReader(t *testing.T) {
	var j Journal
	for i := range journalSize + 10 {
		j.Push(Action{At: 1 + stats.Instant(i), Kind: Eject})
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
