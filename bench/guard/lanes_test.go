package guard

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatAsksMoreOfTheCoresWeighsMore(t *testing.T) {
	for id, want := range map[string]int{"G1": 1, "G4L": 1, "G7": 1, "G8": 3, "G9": 2} {
		if got := scenario(id).weight(); got != want {
			t.Errorf("%s takes %d lanes; want %d", id, got, want)
		}
	}
	if got := (Key{Figure: "G8"}).weight(2); got != 2 {
		t.Errorf("%d; want that it takes both lanes that there are", got)
	}
}

// taken has the plan taken in so many lanes, in no real time.
func taken(t *testing.T, lanes int) (begun []Key, most int, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		begin, kept, busy := make(chan Key, 1000), 0, make(chan int, 1)
		busy <- 0
		change := func(by int) {
			now := <-busy + by
			most = max(most, now)
			busy <- now
		}
		at := time.Now()
		keys := plan(Options{Size: Full})
		inLanes(t.Context(), lanes, keys, func(k Key) *Cell {
			change(k.weight(lanes))
			begin <- k
			time.Sleep(cost(k))
			change(-k.weight(lanes))
			return &Cell{Key: k}
		}, func(*Cell) { kept++ })
		close(begin)
		for k := range begin {
			begun = append(begun, k)
		}
		took = time.Since(at)
		if kept != len(keys) {
			t.Errorf("%d lanes: %d of %d were kept", lanes, kept, len(keys))
		}
	})
	return begun, most, took
}

func TestLanesAreFilledAndNotOverfilled(t *testing.T) {
	keys := plan(Options{Size: Full})
	for lanes := 1; lanes <= 5; lanes++ {
		begun, most, took := taken(t, lanes)
		if most != lanes {
			t.Errorf("%d lanes held %d", lanes, most)
		}
		if want := span(lanes, keys); took != want {
			t.Errorf("%d lanes took %v; %v was said", lanes, took, want)
		}
		if lanes == 1 && !slices.Equal(begun, keys) {
			t.Error("they did not begin in order")
		}
	}
	if one, three := span(1, keys), span(3, keys); three > one*6/10 {
		t.Errorf("%v in three lanes, %v in one: that spares too little", three, one)
	}
}

// G8 waits for all three lanes, and G1 behind it waits too.
func TestNoneOvertakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		begun := map[string]time.Duration{}
		keys := []Key{{Size: Full, Figure: "G2"}, {Size: Full, Figure: "G8"}, {Size: Full, Figure: "G1"}}
		order := make(chan string, len(keys))
		inLanes(t.Context(), 3, keys, func(k Key) *Cell {
			order <- k.Figure
			time.Sleep(cost(k))
			return &Cell{Key: k, When: time.Now()}
		}, func(c *Cell) { begun[c.Key.Figure] = c.When.Add(-cost(c.Key)).Sub(began) })
		for _, k := range keys {
			if got := <-order; got != k.Figure {
				t.Errorf("%s began before %s", got, k.Figure)
			}
		}
		if begun["G8"] != cost(keys[0]) || begun["G1"] != cost(keys[0])+cost(keys[1]) {
			t.Errorf("%v; want one after the other", begun)
		}
	})
}

func TestAnInterruptEndsAllLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		whole, cut := 0, 0
		inLanes(ctx, 4, plan(Options{Size: Full, Figures: []string{"G1"}}), func(k Key) *Cell {
			select {
			case <-ctx.Done():
				return &Cell{Key: k, Failed: "interrupted"}
			case <-time.After(cost(k)):
				return &Cell{Key: k}
			}
		}, func(c *Cell) {
			if c.Good() {
				whole++
			} else {
				cut++
			}
		})
		if whole != 4 || cut != 4 {
			t.Errorf("%d were whole and %d cut; want those of the first minute, and those under way", whole, cut)
		}
	})
}
