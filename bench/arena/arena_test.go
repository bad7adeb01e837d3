package arena

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"poise/bench/figure"
	"poise/internal/lab/bench"
	"poise/internal/lab/cells"
	"poise/internal/load"
)

func TestAllGetTheSameJobsAndTheyAreAsSaid(t *testing.T) {
	const run = 200 * time.Second
	for _, sc := range Suite {
		plan := sc.Draw(1, run)
		if again := sc.Draw(1, run); !slices.Equal(plan, again) {
			t.Errorf("%s: the same seed draws other jobs", sc.ID)
		}
		if other := sc.Draw(2, run); slices.Equal(plan, other) {
			t.Errorf("%s: another seed draws the same jobs", sc.ID)
		}
		work, last := 0.0, time.Duration(0)
		for _, j := range plan {
			if j.At < last || j.At >= run || j.Work <= 0 || (j.Key > 0) != (sc.Keys > 0) || j.Key > uint64(sc.Keys) {
				t.Fatalf("%s: job %+v", sc.ID, j)
			}
			last = j.At
			work += j.Work.Seconds()
		}
		off := 0.02
		if sc.Arrivals == Batches {
			off = 0.06 // 8,000 batches
		}
		if rate := float64(len(plan)) / run.Seconds(); math.Abs(rate/sc.Rate-1) > off {
			t.Errorf("%s: %.1f requests a second; want %.1f", sc.ID, rate, sc.Rate)
		}
		if mean := work / float64(len(plan)); math.Abs(mean/sc.Work.Mean.Seconds()-1) > 0.02 {
			t.Errorf("%s: jobs take %.4f s in the mean; want %v", sc.ID, mean, sc.Work.Mean)
		}
		if l := sc.load(); l <= 0 || l >= 1 {
			t.Errorf("%s asks for %.0f %% of its capacity", sc.ID, 100*l)
		}
	}
}

func TestKeysFollowTheirSkew(t *testing.T) {
	sc := found("affinity")
	counts := map[uint64]float64{}
	plan := sc.Draw(3, 500*time.Second)
	for _, j := range plan {
		counts[j.Key]++
	}
	// In proportion to k^-0.7.
	if got, want := counts[1]/counts[100], math.Pow(100, sc.Skew); math.Abs(got/want-1) > 0.35 {
		t.Errorf("the first key comes %.1f times as often as the hundredth; want %.1f", got, want)
	}
}

func TestEventsAreWhatTheySay(t *testing.T) {
	sc := found("roving-slow")
	for _, tt := range []struct {
		endpoint int
		at, want float64
	}{{0, 0.05, 1}, {0, 0.1, 10}, {0, 0.29, 10}, {0, 0.3, 1}, {3, 0.29, 1}, {3, 0.5, 10}} {
		if got := sc.slowness(tt.endpoint, tt.at); got != tt.want {
			t.Errorf("endpoint %d at %.2f: %g; want %g", tt.endpoint, tt.at, got, tt.want)
		}
	}
	if got := sc.changes(); !slices.Equal(got, []float64{0.1, 0.3, 0.4, 0.6, 0.7, 0.9}) {
		t.Errorf("changes at %v", got)
	}
	for _, sc := range Suite {
		for _, e := range sc.Events {
			if slices.Max(e.Endpoints) >= sc.number() || e.From >= e.To {
				t.Errorf("%s: %+v changes what is not there", sc.ID, e)
			}
		}
	}
}

func TestWhatSamplesSay(t *testing.T) {
	var in []sample
	for i := range 200 { // 1 to 200 ms
		in = append(in, sample{N: i, Due: warm, Latency: time.Duration(i+1) * time.Millisecond, Worker: i % 2, Late: i == 0})
	}
	in[199].Failed = true
	v := bench.Values(in)
	// 199 good ones with a mean of 100; the worst two of the loss are the failure and 199 ms.
	want := map[string]float64{"requests": 200, "failed": 0.5, "late": 0.5, "mean": 100, "p50": 100, "p99": 198, "loss": (199*100.0+2000)/200 + 0.1*(2000+199)/2}
	for k, w := range want {
		if math.Abs(v[k]-w) > 1e-9 {
			t.Errorf("%s: %g; want %g", k, v[k], w)
		}
	}
	if v := bench.Values(nil); v["p99"] != 0 || v["requests"] != 0 {
		t.Errorf("of nothing: %v", v)
	}
	all := bench.Seconds([]sample{{Due: 1100 * time.Millisecond, Latency: 4 * time.Millisecond, Worker: 1}, {Due: 10 * time.Millisecond, Worker: -1, Failed: true}}, 2)
	if len(all) != 2 || all[0].Failed != 1 || all[1].At != 1 || all[1].P50 != 4 || !slices.Equal(all[1].Shares, []int{0, 1}) {
		t.Errorf("seconds: %+v", all)
	}
}

func TestBusyIsTheShareOfTheSlots(t *testing.T) {
	sc := &Scenario{Classes: []Class{{Number: 1, Slots: 2, Slowness: 1}, {Number: 1, Slots: 1, Slowness: 4}}, Events: []Event{{From: 0.5, To: 1, Endpoints: []int{0}, Slower: 2}}}
	plan := []load.Job{{Work: time.Second}, {Work: time.Second}, {Work: time.Second}}
	in := []sample{{N: 0, Due: warm, Worker: 0}, {N: 1, Due: warm + 6*time.Second, Worker: 0}, {N: 2, Due: warm, Worker: 1}}
	if got := busy(in, plan, sc, 10*time.Second); !slices.Equal(got, []float64{0.15, 0.4}) {
		t.Errorf("%v; want (1 + 2) of 20 and 4 of 10 seconds", got)
	}
}

func TestEveryRoundBeginsWithAnother(t *testing.T) {
	c := Choice{Size: Quick, Scenarios: []string{"mixed", "affinity"}, Subjects: []string{"poise p2c", "haproxy hash", "nginx least_conn"}}
	keys, err := c.Plan()
	if err != nil {
		t.Fatal(err)
	}
	firsts := map[string]bool{}
	for i, k := range keys {
		if k.Scenario == "mixed" && k.Subject == "haproxy hash" {
			t.Error("there are no keys to hash")
		}
		if i == 0 || keys[i-1].Scenario != k.Scenario || keys[i-1].Round != k.Round {
			firsts[k.Subject] = true
		}
	}
	if len(keys) != 2*(2+3) || len(firsts) < 2 {
		t.Errorf("%d runs, begun by %v", len(keys), firsts)
	}
	for _, bad := range []Choice{{Size: "huge"}, {Size: Quick, Scenarios: []string{"x"}}, {Size: Quick, Subjects: []string{"x"}}} {
		if _, err := bad.Plan(); err == nil || !strings.Contains(err.Error(), "there are") {
			t.Errorf("%+v: %v; want an error that names what there is", bad, err)
		}
	}
	for _, size := range []string{Quick, Full} {
		for _, c := range Choices(size) {
			if _, err := c.Plan(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestNamesAreFoundAndTellApart(t *testing.T) {
	files := map[string]string{}
	for _, s := range Subjects {
		f := (Key{Quick, "mixed", s.Name, 1}).File()
		if other := files[f]; other != "" || strings.ContainsAny(f, " (),") {
			t.Errorf("%s and %s are kept in %s", s.Name, other, f)
		}
		files[f] = s.Name
	}
	for _, name := range slices.Concat(Peers, Keyed, []string{Adaptive, Scaled, byControl}) {
		if subject(name) == nil {
			t.Errorf("no subject %s", name)
		}
	}
	for _, id := range slices.Concat(Against, Predicted) {
		if found(id) == nil {
			t.Errorf("no scenario %s", id)
		}
	}
}

// filled is a runner with cells whose p99 a function says.
func filled(t *testing.T, size string, p99 func(k Key) float64) *Runner {
	t.Helper()
	s, err := cells.Open(t.TempDir(), func(Key) (string, error) { return "x", nil })
	if err != nil {
		t.Fatal(err)
	}
	r := &Runner{Store: s}
	for _, id := range Against {
		for _, name := range slices.Concat(Peers, []string{Adaptive, byControl}) {
			for round := 1; round <= Rounds[size]; round++ {
				k := Key{size, id, name, round}
				if err := s.Add(&Cell{Key: k, Values: map[string]float64{"p99": p99(k)}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return r
}

func verdicts(r *Runner) (map[string]figure.Verdict, map[string]string) {
	s := figure.NewSheet(4, Figures())
	r.Judge(s)
	of, why := map[string]figure.Verdict{}, map[string]string{}
	for i := range s.Figures {
		of[s.Figures[i].ID], why[s.Figures[i].ID] = s.Figures[i].Judge()
	}
	return of, why
}

func TestTheBestPeerIsTheBar(t *testing.T) {
	p99 := func(k Key) float64 {
		switch {
		case k.Subject == byControl:
			return 500
		case k.Subject == Adaptive && k.Scenario == "heavy-tail":
			return 102 + float64(k.Round)/10
		case k.Subject == Adaptive && k.Scenario == "brown-out":
			return 104
		case k.Subject == Adaptive:
			return 70
		case k.Subject == "nginx least_conn":
			return 100
		}
		return 150
	}
	of, why := verdicts(filled(t, Full, p99))
	for id, want := range map[string]figure.Verdict{"E7 heavy-tail": figure.Pass, "E7 brown-out": figure.Miss, "E7 mixed": figure.Pass, "E7 better": figure.Pass, "E5 predicted": figure.NotRun} {
		if of[id] != want {
			t.Errorf("%s: %s (%s); want %s", id, of[id], why[id], want)
		}
	}
	// Two scenarios where it is much better are not three.
	of, _ = verdicts(filled(t, Full, func(k Key) float64 {
		if k.Subject == Adaptive && k.Scenario != "mixed" && k.Scenario != "own" {
			return 99
		}
		return p99(k)
	}))
	if of["E7 better"] != figure.Miss {
		t.Errorf("two scenarios: %s", of["E7 better"])
	}
	of, why = verdicts(filled(t, Quick, p99))
	if of["E7 mixed"] != figure.NotRun || !strings.Contains(why["E7 mixed"], "x 0.70 of nginx least_conn in 2 rounds") {
		t.Errorf("quick cells give %s: %s", of["E7 mixed"], why["E7 mixed"])
	}
}

// page is what the API answers, with a judgement every two seconds.
func page(began time.Time, policy string, n int, measured func(i int) float64, losses map[string]float64) json.RawMessage {
	var all []map[string]any
	for i := range n {
		var candidates []map[string]any
		for p, l := range losses {
			candidates = append(candidates, map[string]any{"policy": p, "loss": l, "low": 0.9 * l, "high": 1.1 * l})
		}
		all = append(all, map[string]any{
			"time": began.Add(time.Duration(2*i+2) * time.Second), "policy": policy, "action": "hold", "candidates": candidates,
			"evidence": map[string]any{"window": 6.0, "measured": measured(i), "records": 900, "endpoints": []map[string]any{
				{"address": "a:1", "records": 400, "service": 0.0105, "capacity": 6}, {"address": "a:2", "records": 400, "service": 0.08, "capacity": 8},
			}},
		})
	}
	text, _ := json.Marshal(map[string]any{"decisions": all})
	return text
}

func TestForecastsAreComparedWithWhatCame(t *testing.T) {
	s, err := cells.Open(t.TempDir(), func(Key) (string, error) { return "x", nil })
	if err != nil {
		t.Fatal(err)
	}
	r := &Runner{Store: s}
	began := time.Now().UTC()
	truth := map[string]float64{"expected-delay": 0.020, "hot-cold": 0.024, "peak-ewma": 0.030, "least-request": 0.040, "p2c": 0.050, "round-robin": 0.4}
	said := map[string]float64{"expected-delay": 0.021, "hot-cold": 0.022, "peak-ewma": 0.032, "least-request": 0.041, "p2c": 0.049, "round-robin": 0.2}
	measured := func(p string) func(i int) float64 {
		return func(i int) float64 {
			if i == 9 {
				return 3 * truth[p] // outside of every interval
			}
			return truth[p]
		}
	}
	detail := func(p string) map[string]json.RawMessage {
		at, _ := json.Marshal(began)
		return map[string]json.RawMessage{
			"began": at, "decisions": page(began, p, 15, measured(p), said),
			"busy": json.RawMessage(`[0.8, 0.75, 0, 0, 0, 0, 0, 0]`), "workers": json.RawMessage(`["a:1", "a:2"]`),
		}
	}
	for _, p := range Advised {
		if err := s.Add(&Cell{Key: Key{Trial, "mixed", "poise advised " + p, 1}, Values: map[string]float64{"loss": 1000 * truth[p]}, Detail: detail(p)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(&Cell{Key: Key{Trial, "mixed", Scaled, 1}, Detail: detail("hot-cold")}); err != nil {
		t.Fatal(err)
	}
	v := r.trust(Trial)
	right, naive := v.close()
	if len(v.Forecasts) != 30 || right != 25 { // all but round-robin's
		t.Errorf("%d of %d forecasts; want 25 of 30", right, len(v.Forecasts))
	}
	if naive != 0 {
		t.Errorf("the incumbent's loss is right %d times; want never, as all are more than 15 %% apart", naive)
	}
	// Judgements 0 to 11 have one whose window began after them; the one of judgement 6 met the outlier, those of round-robin were never right.
	if v.Outcomes != 12*6 || v.Held != 11*5 {
		t.Errorf("%d of %d outcomes; want 55 of 72", v.Held, v.Outcomes)
	}
	if v.Busy != 2*6 || v.Fitted != 6 || len(v.Misfits) != 6 { // 6 × 10.5 ms is near 8 × 10 ms; 8 × 80 ms is not 8 × 10 ms
		t.Errorf("%d of %d endpoints fit: %v", v.Fitted, v.Busy, v.Misfits)
	}
	if v.Choices != 1 || v.Right != 0 { // hot-cold is a fifth above expected-delay
		t.Errorf("%d of %d choices: %v", v.Right, v.Choices, v.Chosen)
	}
}

func TestAReportNamesWhatThereIs(t *testing.T) {
	r := filled(t, Quick, func(k Key) float64 { return map[bool]float64{true: 50, false: 100}[k.Subject == Adaptive] })
	r.Versions = map[string]string{"haproxy": "2.6"}
	dir := t.TempDir()
	if err := r.Report(dir); err != nil {
		t.Fatal(err)
	}
	text := r.markdown()
	for _, want := range []string{"## mixed, quick: ", "| poise adaptive | ", "| × 0.5 | 2 |", "haproxy 2.6"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if n := len(r.summary()); n != len(Against)*(len(Peers)+2) {
		t.Errorf("%d summaries", n)
	}
	var svg strings.Builder
	if err := r.chart().Write(&svg); err != nil || strings.Count(svg.String(), "poise adaptive") != len(Against) {
		t.Errorf("%v, the chart names poise adaptive %d times", err, strings.Count(svg.String(), "poise adaptive"))
	}
}

func ExampleKey() {
	fmt.Println(Key{Quick, "mixed", "haproxy random(2)", 2}.File())
	// Output: quick/mixed-2-haproxy-random2.json
}
