package cluster

import (
	"math"
	"slices"
	"strings"
	"testing"

	"poise/internal/balance/catalog"
	"poise/internal/lb"
	"poise/internal/stats"
)

// adaptive is a bench whose cluster is the engine's from the start.
func adaptive() *bench {
	b := newBench(0.5, false, four()...)
	b.Cluster = New(Options{
		Name: "web", Policy: lb.Adaptive, Start: "hot-cold", Builders: catalog.Builders(), Panic: 0.5,
		Wall: b.options.Wall, OnChange: b.options.OnChange,
	}, four())
	b.news()
	return b
}

func TestAdaptiveBeginsWithTheStartAndTakesTheEnginesWord(t *testing.T) {
	b := adaptive()
	if s := b.Snapshot(); s.Policy != "hot-cold" || !s.Adaptive || s.Challenger != "" {
		t.Fatalf("at the start: %+v", s)
	}
	if !b.Choose("p2c", 0.1, "endpoints differ") {
		t.Fatal("the engine has no say")
	}
	s := b.Snapshot()
	if s.Policy != "hot-cold" || s.Challenger != "p2c" || s.Share != 0.1 || !strings.Contains(s.Note, "10 %") {
		t.Errorf("a trial: %+v", s)
	}
	b.Choose("p2c", 0.5, "no harm")
	b.Choose("p2c", 1, "better by 20 %")
	if s := b.Snapshot(); s.Policy != "p2c" || s.Challenger != "" || s.Share != 0 || !strings.Contains(s.Note, "better by 20 %") {
		t.Errorf("handed over: %+v", s)
	}
	want := []string{
		"trial  >p2c on 10 % of the requests", "trial  p2c>p2c on 50 % of the requests",
		"policy  hot-cold>p2c", "trial  p2c>none",
	}
	if got := b.news(); !slices.Equal(got, want) {
		t.Errorf("told %q; want %q", got, want)
	}
}

func TestATrialIsAbandonedByTheIncumbentsName(t *testing.T) {
	b := adaptive()
	b.Choose("p2c", 0.5, "")
	b.Choose("hot-cold", 1, "twice the loss")
	if s := b.Snapshot(); s.Policy != "hot-cold" || s.Challenger != "" {
		t.Errorf("%+v", s)
	}
}

func TestThePickerOfATrialGetsItsShare(t *testing.T) {
	b := adaptive()
	b.Choose("p2c", 0.1, "")
	s, dice, tried := b.Snapshot(), stats.NewDice(1), 0
	const rolls = 20000
	for range rolls {
		p, is := s.Deal(&dice)
		if is {
			tried++
		}
		if is != (p == s.challenger) {
			t.Fatal("the picker is not the one that was said")
		}
	}
	if share := float64(tried) / rolls; math.Abs(share-0.1) > 0.01 {
		t.Errorf("%.3f of the requests; want 0.1", share)
	}
}

func TestAPinAlwaysWins(t *testing.T) {
	b := adaptive()
	b.Choose("p2c", 0.5, "")
	if err := b.Pin("random"); err != nil {
		t.Fatal(err)
	}
	if s := b.Snapshot(); s.Policy != "random" || s.Challenger != "" || s.challenger != nil {
		t.Errorf("pinned during a trial: %+v", s)
	}
	version := b.Snapshot().Version
	if b.Choose("p2c", 1, "") || b.Snapshot().Version != version {
		t.Error("the engine had its way over a pin")
	}
	b.Configure("maglev", 0.5)
	_ = b.Pin("maglev")
	if b.Choose("p2c", 1, "") {
		t.Error("the engine had its way over a configured policy")
	}
}

func TestTheEngineCannotChooseWhatIsNoPolicy(t *testing.T) {
	b := adaptive()
	for _, policy := range []string{"", "adaptive", "fastest"} {
		if b.Choose(policy, 1, "") {
			t.Errorf("%q was chosen", policy)
		}
	}
	for _, share := range []float64{0, -1, math.NaN()} {
		if b.Choose("p2c", share, "") {
			t.Errorf("a share of %v was taken", share)
		}
	}
}

func TestAModeHoldsUntilTheFileChangesThatKey(t *testing.T) {
	b := adaptive()
	b.Choose("p2c", 0.5, "")
	b.SetMode(Freeze)
	s := b.Snapshot()
	if s.Engine.Mode != Freeze || !s.Engine.Held || s.Engine.Configured != Auto || !s.Engine.At.Equal(b.at) || s.Challenger != "" {
		t.Errorf("frozen during a trial: %+v", s)
	}
	b.ConfigureEngine(EngineSettings{Mode: Auto, Start: "hot-cold"})
	if s := b.Snapshot(); s.Engine.Mode != Freeze {
		t.Error("a reload that left the mode alone took the operator's away")
	}
	b.ConfigureEngine(EngineSettings{Mode: Advise, Start: "hot-cold"})
	if s := b.Snapshot(); s.Engine.Mode != Advise || s.Engine.Held {
		t.Errorf("the file changed the mode and it is %+v", s.Engine)
	}
	b.SetMode(Advise)
	if s := b.Snapshot(); s.Engine.Held {
		t.Error("the file's own mode is no override")
	}
}

func TestAModeOutlivesARestart(t *testing.T) {
	b := adaptive()
	b.SetMode(Advise)
	next, other := adaptive(), adaptive()
	next.Restore(b.Overrides())
	if s := next.Snapshot(); s.Engine.Mode != Advise || !s.Engine.Held || !s.Engine.At.Equal(b.at) {
		t.Errorf("%+v", s.Engine)
	}
	other.ConfigureEngine(EngineSettings{Mode: Freeze, Start: "hot-cold"})
	other.Restore(b.Overrides())
	if s := other.Snapshot(); s.Engine.Mode != Freeze {
		t.Errorf("the file has another mode since, and it is %+v", s.Engine)
	}
}
