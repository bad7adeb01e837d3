package bench

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"poise/internal/scenario"
)

func TestWhatAsksMoreOfTheCoresTakesMoreLanes(t *testing.T) {
	const web = "run 30s warm 5s\nendpoints web 10 slots 4 service 20ms\n" // 2,000 a second
	for _, tt := range []struct {
		name, text string
		want       float64
	}{
		{"the usual one", "arrivals 1440/s", 0.75},
		{"nearly all that they can do", "arrivals 1824/s", 0.95},
		{"more than the usual rate", "arrivals 1968/s", 1.025},
		{"bursts at their height", "arrivals 1000/s bursts 3.5x for 250ms 0.5x for 1250ms", 3500. / 1920},
		{"a rise later", "arrivals 1000/s\nat 10s for 5s arrivals 1968/s", 1.025},
		{"overload", "arrivals 2400/s", 2.25},
		{"overload as endpoints slow down", "arrivals 1440/s\nat 10s for 5s web[0..4] slow x3", 1.75},
		{"a change of everything at once", "arrivals 1440/s\nat 10s all slow x2\nat 10s arrivals 900/s", 0.75},
	} {
		if got := lanesOf(parsed(t, web+tt.text+"\n")); got != tt.want {
			t.Errorf("%s: %v lanes; want %v", tt.name, got, tt.want)
		}
	}
	caddy, err := Through("caddy")
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, "full", "p2c")
	o.Subjects = append(o.Subjects, caddy)
	if own, other := o.weight(Key{"test", "p2c", 1}), o.weight(Key{"test", caddy.Name, 1}); other != 2*own {
		t.Errorf("%v lanes with Poise and %v with Caddy; want twice as many", own, other)
	}
}

func TestLanesMakeRoomForMore(t *testing.T) {
	settled := func(size string, lanes int) (rounds int, takes time.Duration) {
		o := options(t, size, "p2c", "adaptive", "random", "round-robin", "hot-cold", "peak-ewma", "least-request", "expected-delay", "rules")
		for range 6 {
			other := *o.Scenarios[0]
			other.Name += string(rune('a' + len(o.Scenarios)))
			o.Scenarios = append(o.Scenarios, &other)
		}
		o.Lanes = lanes
		if err := o.settle(); err != nil {
			t.Fatal(err)
		}
		_, takes = o.Plan()
		return o.Rounds, takes
	}
	one, _ := settled("hour", 1)
	three, takes := settled("hour", 3)
	if one != 1 || three != 6 || takes > time.Hour {
		t.Errorf("%d rounds alone, %d in three lanes within %v; want 1 and 6 in an hour", one, three, takes)
	}
	_, alone := settled("full", 1)
	if _, beside := settled("full", 3); beside > alone*4/10 {
		t.Errorf("%v in three lanes, %v in one", beside, alone)
	}
}

func TestNobodyAlwaysRunsBesideTheSame(t *testing.T) {
	const n, lanes = 8, 3
	met := map[[2]int]bool{}
	for at := range 48 {
		order := turn(n, at)
		if order[0] != at%n {
			t.Errorf("turn %d begins with %d; want another each time", at, order[0])
		}
		if s := slices.Sorted(slices.Values(order)); len(s) != n || s[0] != 0 || s[n-1] != n-1 || len(slices.Compact(s)) != n {
			t.Errorf("turn %d: %v; want each once", at, order)
		}
		for beside := range slices.Chunk(order, lanes) {
			for _, a := range beside {
				for _, b := range beside {
					met[[2]int{a, b}] = true
				}
			}
		}
	}
	if len(met) != n*n {
		t.Errorf("%d of %d pairs ran beside each other", len(met), n*n)
	}
	if len(turn(0, 3)) != 0 || !slices.Equal(turn(1, 3), []int{0}) {
		t.Errorf("%v, %v; want none, and the only one", turn(0, 3), turn(1, 3))
	}
}

func TestWhoFailsTakesNoFurtherStep(t *testing.T) {
	broken := errors.New("broken")
	plays := []*play{{}, {failed: broken}, {}}
	var taken atomic.Int32
	step(plays, func(p *play) error {
		taken.Add(1)
		if p == plays[2] {
			return broken
		}
		return nil
	})
	if taken.Load() != 2 || plays[0].failed != nil || plays[1].failed == nil || plays[2].failed == nil {
		t.Errorf("%d took the step", taken.Load())
	}
}

func TestTooManyLanesAreNamed(t *testing.T) {
	o := options(t, "quick", "p2c")
	o.Lanes, o.WorkersAt = 2, "127.0.0.1:9101"
	if err := o.check(); err == nil || !strings.Contains(err.Error(), "those of one run") {
		t.Errorf("%v; want that ports of workers are for one run", err)
	}
	o.Scenarios = []*scenario.Scenario{parsed(t, "run 30s warm 5s\nendpoints web 10 slots 4 service 20ms\narrivals 1000/s\n")}
	r := &Runner{options: o}
	if text := r.crowded(&o.Subjects[0], 100*time.Microsecond); text != "" {
		t.Errorf("%q of what is little", text)
	}
	if text := r.crowded(&o.Subjects[0], 10*time.Second); !strings.Contains(text, "2 runs of test at once") {
		t.Errorf("%q; want that two are too many", text)
	}
}
