package guard

import "testing"

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
	for k := Eject; k <= PanicOff; k++ {
		if k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
	for c := Errors; c <= Trial; c++ {
		if c.String() == "" {
			t.Errorf("cause %d has no name", c)
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
