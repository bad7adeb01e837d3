package room

import (
	"math"
	"testing"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/lb"
	"poise/internal/stats"
)

const ms = time.Millisecond

// answers are so many, each of that latency.
func answers(n int, d time.Duration) *stats.Snapshot {
	var h stats.Histogram
	for range n {
		h.Observe(d)
	}
	s := h.Snapshot()
	return &s
}

func near(got, want float64) bool { return math.Abs(got-want) <= 0.05*want }

// idleRoom has seen a cluster whose median is 20 ms when it has little to do.
func idleRoom() *Room {
	r := &Room{}
	for second, d := range []time.Duration{40 * ms, 20 * ms, 60 * ms} {
		s := answers(idleBlock, d)
		r.Add(s)
		r.Turn(s, stats.Instant(time.Duration(second+1)*time.Second))
	}
	return r
}

func TestCrowdingIsOverTheLowestMedian(t *testing.T) {
	r := idleRoom()
	if got := r.Crowd(); !near(got, 3) {
		t.Errorf("crowding of the last second is %.2f; want 60 ms over 20", got)
	}
	if got := r.Crowding(answers(leastAnswers-1, time.Second)); got != 1 {
		t.Errorf("of too few answers it is %.2f; want 1", got)
	}
	if got := (&Room{}).Crowding(answers(100, time.Second)); got != 1 {
		t.Errorf("where nothing is known it is %.2f; want 1", got)
	}
}

// TestIdleIsForgotten has a cluster that is slow for good: after ten minutes at
// the latest that is what it is when idle.
func TestIdleIsForgotten(t *testing.T) {
	r, slow := idleRoom(), answers(idleBlock, 60*ms)
	first := stats.Instant(time.Minute)
	for _, row := range []struct {
		at   time.Duration
		want float64
	}{{0, 3}, {idleFor, 3}, {2 * idleFor, 1}} {
		r.Add(slow)
		r.Turn(slow, first.Add(row.at))
		if got := r.Crowd(); !near(got, row.want) {
			t.Errorf("after %v crowding is %.2f; want %.1f", row.at, got, row.want)
		}
	}
}

func TestThoseThatWaitCrowdByLittlesLaw(t *testing.T) {
	r := idleRoom() // 1000 a second of 20 ms are 20 that wait
	for _, row := range []struct {
		name    string
		queues  []float64
		at, not float64
	}{
		{"nobody", []float64{0, 0, 0, 0}, 0, 0.01},
		{"as usual", []float64{5, 5, 5, 5}, 0.3, 1.1},
		{"a burst", []float64{50, 50, 50, 50}, 8, 10},
		{"a long queue at one", []float64{5, 500, 5, 5}, 0.5, 1.5},
	} {
		if got := r.CrowdingNow(1000, row.queues); got < row.at || got > row.not {
			t.Errorf("%s: %.2f; want %g to %g", row.name, got, row.at, row.not)
		}
	}
	if got := (&Room{}).CrowdingNow(1000, []float64{50}); got != 0 {
		t.Errorf("where nothing is known: %.2f; want 0", got)
	}
}

func TestGates(t *testing.T) {
	for _, row := range []struct {
		name string
		plea Plea
		want journal.Gate
	}{
		{"room, and it does its work", Plea{Crowd: 1, Share: 1, Known: true}, 0},
		{"it does its work and the others wait", Plea{Crowd: Busy, Share: worksFor, Known: true}, journal.Loaded},
		{"it does little and the others wait", Plea{Crowd: Busy, Share: 0.5, Known: true}, 0},
		{"nobody knows what it does", Plea{Crowd: Busy, Share: 1}, 0},
		{"it falls behind and does its work", Plea{Crowd: 1, Share: 1, Known: true, Behind: true}, journal.Loaded},
		{"the others are crowded", Plea{Crowd: crowded}, journal.NoRoom},
		{"it fails, and the others are busy enough to fail too", Plea{Crowd: RecallCrowd, Failed: true}, journal.NoRoom},
		{"it is slow, and they are as busy", Plea{Crowd: RecallCrowd}, 0},
	} {
		if got := (&Room{}).Gate(row.plea, 1); got != row.want {
			t.Errorf("%s: gate %v; want %v", row.name, got, row.want)
		}
	}
}

func TestNothingIsLentForATimeAfterARecall(t *testing.T) {
	r := &Room{}
	r.Recalled(100)
	if held, free := r.Gate(Plea{Crowd: 1}, 99), r.Gate(Plea{Crowd: 1}, 100); held != journal.NoRoom || free != 0 {
		t.Errorf("gates %v and %v; want no-room until then, and none", held, free)
	}
	r.Recalled(200)
	r.Repaid()
	if r.Recalls() != 1 {
		t.Errorf("%d recalls count; want one of two, as a loan was repaid", r.Recalls())
	}
}

func TestWhoIsWorseOffWithoutALoan(t *testing.T) {
	r := idleRoom()
	loan := Lend(answers(100, 25*ms), 1)
	for _, row := range []struct {
		name string
		left *stats.Snapshot
		want bool
	}{
		{"as before", answers(100, 25*ms), false},
		{"worse than before, but not crowded", answers(100, 35*ms), false},
		{"crowded and worse", answers(100, 50*ms), true},
		{"too few to say", answers(leastAnswers-1, time.Second), false},
	} {
		if _, got := r.Worse(row.left, loan.Mean, loan.Median); got != row.want {
			t.Errorf("%s: %v; want %v", row.name, got, row.want)
		}
	}
	if _, worse := (&Room{}).Worse(answers(100, 50*ms), loan.Mean, loan.Median); !worse {
		t.Error("twice the median of before is worse where the idle median is not known")
	}
}

func TestWorkIsCountedOverTheLastSeconds(t *testing.T) {
	var w Work
	s := &lb.Stats{}
	w.Read(s)
	if _, known := w.Rate(s); known {
		t.Error("a rate is known without a second between two readings")
	}
	for second := range 10 {
		s.Outcomes[lb.Success].Add(uint64(100 * second))
		s.Outcomes[lb.Timeout].Add(2)
		s.Outcomes[lb.Reset].Add(1)
		w.Read(s)
	}
	did, known := w.Lately(s)
	if !known || did.Answers != 700+800+900 || did.Failures != 9 || did.Timeouts != 6 {
		t.Errorf("%+v, %v; want what the last three seconds did", did, known)
	}
	if rate, _ := w.Rate(s); rate != 800 {
		t.Errorf("%g answers a second; want 800", rate)
	}
}

func TestShareIsOfTheTypicalPeer(t *testing.T) {
	if got, known := Share(50, []float64{1000, 100, 90}); !known || got != 0.5 {
		t.Errorf("%g, %v; want half of the middle one", got, known)
	}
	if _, known := Share(50, nil); known {
		t.Error("known without peers")
	}
	if _, known := Share(50, []float64{0, 0}); known {
		t.Error("known where the peers answer nothing")
	}
}
