package guard

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poise/bench/figure"
	"poise/bench/rig"
	"poise/internal/lab/cells"
	"poise/internal/load"
)

func TestARunIsVoid(t *testing.T) {
	for _, tt := range []struct {
		name, figure         string
		busiest, stolen, lat float64
		void                 bool
	}{
		{"at all bounds it is none", "G1", 0.85, 0.05, 0.01, false},
		{"when a core was too busy", "G1", 0.86, 0, 0, true},
		{"when the host kept the cores", "G1", 0.5, 0.06, 0, true},
		{"when the load left late", "G1", 0.5, 0, 0.02, true},
		{"not when overload made it leave late", "G8", 0.5, 0, 0.5, false},
		{"in overload too when a core was too busy", "G8", 0.9, 0, 0, true},
	} {
		if why := void(tt.figure, rig.Watched{Busiest: tt.busiest, Stolen: tt.stolen}, tt.lat); (why != "") != tt.void {
			t.Errorf("%s: %q", tt.name, why)
		}
	}
}

func TestHowFarAValueIsFromItsBound(t *testing.T) {
	most, least, none := Check{Key: "v", Bound: 0.01}, Check{Key: "v", Bound: 95, Least: true}, Check{Key: "v"}
	for _, tt := range []struct {
		name  string
		check Check
		value float64
		want  float64
	}{
		{"at an upper bound", most, 0.01, 1},
		{"twice over it", most, 0.02, 2},
		{"at a lower bound", least, 95, 1},
		{"half of it", least, 47.5, 2},
		{"none where none may be", none, 0, 0},
		{"one where none may be", none, 1, 2},
		{"no number", most, math.NaN(), math.Inf(1)},
	} {
		if got := tt.check.excess(map[string]float64{"v": tt.value}); math.Abs(got-tt.want) > 1e-9 && got != tt.want {
			t.Errorf("%s: %v; want %v", tt.name, got, tt.want)
		}
	}
	if got := most.excess(nil); !math.IsInf(got, 1) {
		t.Errorf("a value that is missing: %v; it must not meet a bound", got)
	}
}

func TestTheWorstCheckDecides(t *testing.T) {
	s := Scenario{Checks: []Check{failed, amplified}}
	v := map[string]float64{"failed": 0.005, "attempts": 2.4}
	if got := s.Excess(Guard, v); math.Abs(got-2) > 1e-9 {
		t.Errorf("%v; want 2, of the attempts", got)
	}
	if got := s.Excess(HAProxy, v); math.Abs(got-0.5) > 1e-9 {
		t.Errorf("%v; want 0.5: what only Poise says is not asked of others", got)
	}
	if got := (&Scenario{Checks: []Check{ejected}}).Excess(Nginx, v); !math.IsNaN(got) {
		t.Errorf("%v; want no number where nothing is asked", got)
	}
}

// run makes a run of a request a millisecond, each answered after 20 ms
// unless change says otherwise.
func run(times Times, change func(*sample)) *observed {
	o := &observed{times: times}
	for due := time.Duration(0); due < times.Run; due += time.Millisecond {
		s := sample{due: due, latency: 20 * time.Millisecond, status: 200}
		change(&s)
		o.samples = append(o.samples, s)
	}
	return o
}

func expect(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for k, w := range want {
		if g, is := got[k]; !is || math.Abs(g-w) > 1e-6 {
			t.Errorf("%s: %v; want %v", k, g, w)
		}
	}
}

func TestValuesOfAFaultThatStays(t *testing.T) {
	o := run(Times{Run: 60 * time.Second, Begin: 10 * time.Second}, func(s *sample) {
		switch ms := s.due.Milliseconds(); {
		case ms < 10_000:
		case ms%1000 == 0: // 50 of 60,000
			s.fault, s.latency = load.Cut, 2*time.Second
		case ms%1000 == 1:
			s.status, s.fault = 503, load.Status
		case ms%40 == 2: // 2.5 %, so that p99 sees them
			s.latency = 30 * time.Millisecond
		}
	})
	o.read = [5]reading{
		{at: 2 * time.Second},
		{at: 10 * time.Second, cpu: 1, rss: 100, attempts: 10_000, arrived: 7, cut: 1},
		{at: 60 * time.Second, cpu: 11, rss: 150, attempts: 65_000, arrived: 50_007, cut: 61, ejected: 2},
		{ejected: 3},
	}
	v := o.values()
	expect(t, v, map[string]float64{
		"requests": 60_000, "failed": 100.0 / 600, "calm_failed": 0, "slower": 50.0 / 600, "others": 50.0 / 600,
		"p99_ratio": 1.5, "attempts": 1.1, "arrived": 1, "ejected": 3, "cuts": 50, "hidden": 10,
		"rss_ratio": 1.5, "cpu_ratio": (10.0 / 50) / (1.0 / 8),
		"cuts_ratio": 50.0 / 21, // 10, 8 in flight, trials after 5, 15 and 35 s
	})
	for _, k := range []string{"back", "within", "not_502"} {
		if _, is := v[k]; is {
			t.Errorf("%s is told of a fault that never ends", k)
		}
	}
}

func TestValuesOfAnOutage(t *testing.T) {
	o := run(Times{Run: 30 * time.Second, Begin: 10 * time.Second, End: 20 * time.Second}, func(s *sample) {
		switch at := s.due.Seconds(); {
		case at >= 12 && at < 12.1: // quick, but not what it should be
			s.status, s.fault, s.latency = 503, load.Status, time.Millisecond
		case at >= 10 && at < 15:
			s.status, s.fault, s.latency = 502, load.Status, time.Millisecond
		case at >= 15 && at < 20.5: // late ones
			s.status, s.fault, s.latency = 502, load.Status, time.Second
		case at >= 25 && at < 25.01:
			s.status, s.fault = 503, load.Status
		}
	})
	o.read[1], o.read[4], o.read[2] = reading{attempts: 100, arrived: 50}, reading{attempts: 5350, arrived: 5550}, reading{attempts: 10_100, arrived: 10_050}
	expect(t, o.values(), map[string]float64{
		"attempts": 1, "arrived": 1, "attempts_early": 1.05, "arrived_early": 1.1,
		"not_502": 100 * 4.9 / 9.3, // from half a second after the fault until just before its end
		"back":    100 * 0.01 / 9, "recovered": 100 * 0.01 / 8,
	})
}

func TestValuesOfAnOverload(t *testing.T) {
	o := run(Times{Run: 30 * time.Second, Begin: 10 * time.Second, End: 20 * time.Second}, func(s *sample) {
		if at := s.due.Seconds(); at < 12 || at >= 20 {
			return
		}
		switch s.due.Milliseconds() % 4 {
		case 0:
			s.status, s.fault = 503, load.Status
		case 1:
			s.latency = 300 * time.Millisecond
		}
	})
	expect(t, o.values(), map[string]float64{"within": 100 * 500 / 3200.0, "admitted_ratio": 15, "recovered": 0, "recovered_ratio": 1})
}

func TestWhatIsNotThereIsNoValue(t *testing.T) {
	o := run(Times{Run: 20 * time.Second, Begin: 5 * time.Second}, func(*sample) {})
	for i := range o.read {
		o.read[i] = reading{attempts: math.NaN(), arrived: math.NaN(), ejected: math.NaN(), cut: math.NaN()}
	}
	for _, k := range []string{"attempts", "arrived", "ejected", "hidden", "cpu_ratio"} {
		if v, is := o.values()[k]; is {
			t.Errorf("%s: %v", k, v)
		}
	}
}

func TestAnyBeginningOfThePlanIsBalanced(t *testing.T) {
	keys := plan(Options{Size: Full})
	if want := Seeds * len(Scenarios) * (2*len(Policies) + 2); len(keys) != want {
		t.Errorf("%d runs; want %d", len(keys), want)
	}
	seen := map[Key]bool{}
	perFigure, perPolicy := map[string]int{}, map[string]int{}
	for i, k := range keys {
		if seen[k] {
			t.Fatalf("%v is there twice", k)
		}
		seen[k] = true
		if !own(k.Arm) {
			continue
		}
		perFigure[k.Figure]++
		perPolicy[k.Policy]++
		if k.Arm == Guard && (keys[i+1].Arm != Control || keys[i+1].Policy != k.Policy || keys[i+1].Figure != k.Figure) {
			t.Errorf("%v is not followed by its control", k)
		}
		if apart := spread(perFigure, len(Scenarios)); apart > 2 {
			t.Fatalf("after %v one figure is %d runs before another", k, apart)
		}
		if apart := spread(perPolicy, len(Policies)); apart > 6 {
			t.Fatalf("after %v one policy is %d runs before another", k, apart)
		}
	}
}

func spread(of map[string]int, n int) int {
	least, most := math.MaxInt, 0
	for _, v := range of {
		least, most = min(least, v), max(most, v)
	}
	if len(of) < n {
		least = 0
	}
	return most - least
}

func TestQuickIsOneSeedWithThePoliciesInTurn(t *testing.T) {
	policies := map[string]bool{}
	for _, k := range plan(Options{Size: Quick}) {
		if k.Seed != 1 {
			t.Errorf("%v", k)
		}
		policies[k.Policy] = true
	}
	if len(policies) != len(Policies)+1 {
		t.Errorf("%v; want each policy, and the others without one", policies)
	}
	for _, k := range plan(Options{Size: Quick, Figures: []string{"G3"}, Policy: "hot-cold"}) {
		if k.Figure != "G3" || own(k.Arm) != (k.Policy == "hot-cold") {
			t.Errorf("%v was not asked for", k)
		}
	}
	if keys, want := plan(Options{Size: Full, Arms: []string{Control}, Seeds: 1}), len(Scenarios)*len(Policies); len(keys) != want || keys[want-1].Seed != 1 {
		t.Errorf("%d runs, the last %v; want %d controls of one seed", len(keys), keys[len(keys)-1], want)
	}
	if keys := plan(Options{Size: Quick, Figures: []string{"G3"}, Arms: []string{Control, Nginx}}); len(keys) != 2 || keys[0].Arm != Control || keys[1].Arm != Nginx {
		t.Errorf("%v; want the control and nginx", keys)
	}
}

// opened is a store of cells of one build.
func opened(t *testing.T, dir, build string) *cells.Store[Key] {
	t.Helper()
	s, err := cells.Open(dir, func(Key) (string, error) { return build, nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judged puts full cells with these shares of failures into a sheet.
func judged(t *testing.T, size string, guarded, control []float64) (figure.Verdict, string) {
	t.Helper()
	r := &Runner{without: map[string][]string{}, store: opened(t, t.TempDir(), "")}
	for arm, all := range map[string][]float64{Guard: guarded, Control: control} {
		for i, v := range all {
			k := Key{size, "G3", "p2c", arm, i + 1}
			if err := r.store.Add(&Cell{Key: k, Values: map[string]float64{"failed": v, "attempts": 1}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := figure.NewSheet(3, Figures())
	r.Judge(s)
	i := slices.IndexFunc(s.Figures, func(f figure.Figure) bool { return f.ID == "G3 p2c" })
	return s.Figures[i].Judge()
}

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		name             string
		size             string
		guarded, control []float64
		want             figure.Verdict
		says             string
	}{
		{"all seeds meet and all controls miss", Full, []float64{0, 0.01, 0}, []float64{12, 12, 12}, figure.Pass, ""},
		{"one seed misses", Full, []float64{0, 0.02, 0}, []float64{12, 12, 12}, figure.Miss, "target"},
		{"one control meets", Full, []float64{0, 0, 0}, []float64{12, 0, 12}, figure.Miss, "control"},
		{"a control of one seed tells them apart", Full, []float64{0, 0.01, 0}, []float64{12}, figure.Pass, ""},
		{"a control of one seed that meets does not", Full, []float64{0, 0.01, 0}, []float64{0}, figure.Miss, "control"},
		{"there is no control", Full, []float64{0, 0, 0}, nil, figure.NotRun, "3 of 3 seeds, control 0; so far: guard met 3 of 3, control missed 0 of 0"},
		{"a seed is not there", Full, []float64{0, 0}, []float64{12, 12, 12}, figure.NotRun, "2 of 3 seeds, control 3; so far: guard met 2 of 2, control missed 3 of 3"},
		{"quick runs give no verdict", Quick, []float64{0}, []float64{12}, figure.NotRun, "0 of 3 seeds, control 0; so far: guard met 0 of 0, control missed 0 of 0; quick: guard met 1 of 1, control missed 1 of 1"},
	} {
		if got, why := judged(t, tt.size, tt.guarded, tt.control); got != tt.want || !strings.Contains(why, tt.says) {
			t.Errorf("%s: %s (%s); want %s (%s)", tt.name, got, why, tt.want, tt.says)
		}
	}
}

func TestCellsAreFoundAgainUnlessWhatTheyMeasuredHasChanged(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, "one")
	good, bad := Key{Full, "G1", "p2c", Guard, 1}, Key{Full, "G1", "", Nginx, 2}
	if err := errors.Join(s.Add(&Cell{Key: good, Values: map[string]float64{"failed": 0.5}}), s.Add(&Cell{Key: bad, Void: "busy"})); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, Full, "G1-p2c-control-1.json"), []byte(`{"size": "fu`), 0o600); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, "one")
	if len(s.Keys()) != 2 || s.Of(good) == nil || s.Of(good).Values["failed"] != 0.5 {
		t.Fatalf("%v; want both cells", s.Keys())
	}
	r := &Runner{without: map[string][]string{}, store: s}
	left := r.left([]Key{good, bad, {Full, "G1", "p2c", Control, 1}})
	if len(left) != 2 || slices.Contains(left, good) {
		t.Errorf("%v are to be measured; want the void one and the one that was cut", left)
	}
	if s = opened(t, dir, "another"); len(s.Keys()) != 0 {
		t.Errorf("%v; want none of another build", s.Keys())
	}
}

func TestABuildWithoutAGuardCannotBeMeasuredButItsControlCan(t *testing.T) {
	r := &Runner{without: map[string][]string{"poise.cfg": {"outliers", "limits"}, "poise-off.cfg": {"outliers"}}}
	if got := r.missing(Key{Full, "G1", "p2c", Guard, 1}); got != "this build has no limits, outliers" {
		t.Errorf("guard: %q", got)
	}
	for _, k := range []Key{{Full, "G1", "p2c", Control, 1}, {Full, "G1", "", HAProxy, 1}} {
		if got := r.missing(k); got != "" {
			t.Errorf("%v: %q", k, got)
		}
	}
}

func TestWhatABuildDoesNotHave(t *testing.T) {
	keys, err := unbuilt("f.cfg:8:5: clusters[0].outliers: not built yet (take it out)\n    outliers: {}\n    ^\nf.cfg:9:5: clusters[0].limits.concurrency: not built yet (x)\n")
	if err != nil || !slices.Equal(keys, []string{"outliers", "limits"}) {
		t.Errorf("%v, %v", keys, err)
	}
	if _, err := unbuilt("f.cfg:8:5: clusters[0].policy: unknown\n"); err == nil {
		t.Error("another complaint is no missing key")
	}
}

func TestConfigurationsAreWhole(t *testing.T) {
	b := blanks{Listen: "127.0.0.1:1", Admin: "127.0.0.1:2", Policy: "p2c", Dir: "/d", Endpoints: []string{"127.0.0.1:3", "127.0.0.1:4"}}
	for _, sc := range Scenarios {
		for _, arm := range []string{Guard, Control, HAProxy, Nginx} {
			text, err := filled(sc.configuration(arm), b, nil)
			if err != nil || strings.Contains(text, "{{") || !strings.Contains(text, "127.0.0.1:4") {
				t.Errorf("%s %s: %v\n%s", sc.ID, arm, err, text)
			}
		}
	}
	text, err := filled("poise-off.cfg", b, []string{"outliers"})
	if err != nil || strings.Contains(text, "outliers") || !strings.Contains(text, "retry:") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestMetricsAreAddedUp(t *testing.T) {
	text := `# TYPE poise_ejections_total counter
poise_ejections_total{cluster="web",reason="errors",enforced="true"} 2
poise_ejections_total{cluster="web",reason="errors",enforced="false"} 7
poise_ejections_total{cluster="web",reason="stall",enforced="true"} 1
poise_attempts_total{cluster="web",endpoint="a",outcome="success"} 1e+03
poise_attempts_total{cluster="web",endpoint="b",outcome="5xx"} 5
`
	if a, e, err := sums(strings.NewReader(text)); a != 1005 || e != 3 || err != nil {
		t.Errorf("%v attempts, %v ejections, %v", a, e, err)
	}
	if _, e, _ := sums(strings.NewReader("poise_attempts_total{} 1\n")); !math.IsNaN(e) {
		t.Errorf("%v ejections of a build that counts none; want no number", e)
	}
}

func TestTheBenchmarkIsRead(t *testing.T) {
	ns, allocations, err := parseBench("goos: linux\nBenchmarkRequest-2   \t 9000000\t       121.5 ns/op\t       0 B/op\t       0 allocs/op\nBenchmarkRequest-2   \t 9000000\t       130 ns/op\t       8 B/op\t       1 allocs/op\nPASS\n")
	if err != nil || !slices.Equal(ns, []float64{121.5, 130}) || !slices.Equal(allocations, []float64{0, 1}) {
		t.Errorf("%v, %v, %v", ns, allocations, err)
	}
	if _, _, err := parseBench("PASS\n"); err == nil {
		t.Error("no benchmark is no figure")
	}
}

func TestAnInterruptedRunEndsAndIsNoCell(t *testing.T) {
	p := &play{stage: &stage{subject: &subject{blanks: blanks{Listen: "127.0.0.1:1"}}}, observed: observed{times: Times{Run: time.Minute, Begin: 10 * time.Second}}}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := p.run(ctx, 100); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v; want that it was interrupted", err)
	}
}
