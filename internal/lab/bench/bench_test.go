package bench

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poise/internal/report"
	"poise/internal/scenario"
)

func parsed(t *testing.T, text string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("test.scenario", "test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const changing = `about x
run 100s warm 10s
endpoints fast 2 slots 4 service 20ms
endpoints slow 2 slots 4 service 80ms
arrivals 100/s
at 28s for 36s  slow slow x3
at 46s          fast[1] fails 30%
at 64s          arrivals 200/s
`

func TestMomentsMoveWithTheLengthOfARun(t *testing.T) {
	sc := stretched(parsed(t, changing), 21*time.Second) // 90 s become 18
	marks := marksOf(sc)
	want := []report.Mark{
		{From: 6.6, To: 13.8, Endpoints: []int{2, 3}, Text: "slow[0..1] slow x3"},
		{From: 10.2, To: 21, Endpoints: []int{1}, Text: "fast[1] fails 30%"},
		{From: 13.8, To: 13.8, Text: "arrivals 200/s"},
	}
	if len(marks) != len(want) {
		t.Fatalf("%+v", marks)
	}
	for i, m := range marks {
		if math.Abs(m.From-want[i].From) > 1e-6 || math.Abs(m.To-want[i].To) > 1e-6 || !slices.Equal(m.Endpoints, want[i].Endpoints) || m.Text != want[i].Text {
			t.Errorf("%+v; want %+v", m, want[i])
		}
	}
	if got := string(workerSettings(sc, &sc.Endpoints[2].Settings)); !strings.Contains(got, `"slowness":4`) {
		t.Errorf("%s; want slowness 4, since 80 ms are four times 20", got)
	}
}

func TestJobsAreThoseThatWereDrawn(t *testing.T) {
	sc := stretched(parsed(t, changing), 63*time.Second)
	drawn := scenario.Draw(sc, 1)
	plan := jobs(sc, drawn)
	sum, late := 0.0, 0
	for i, j := range plan {
		sum += j.Work.Seconds()
		if j.At != drawn[i].At || j.Key != 0 {
			t.Fatalf("job %d: %+v of %+v", i, j, drawn[i])
		}
		if j.At > 40*time.Second {
			late++
		}
	}
	if m := sum / float64(len(plan)); math.Abs(m/0.020-1) > 0.05 {
		t.Errorf("jobs take %.4f s in the mean; want 20 ms", m)
	}
	if late < 4000 || late > 5200 {
		t.Errorf("%d jobs in the last 23 s; want about 200 a second", late)
	}
}

func TestWhatSocketsCannotPlayIsNamed(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"endpoints a 2 cores 4 service 20ms", "share cores"},
		{"endpoints a 2 slots 4 service 20ms\nendpoints b 2 slots 4 service 20ms heavy", "exponential and heavy"},
		{"endpoints a 2 slots 4 service 20ms stalls 200ms every 4s", "stalls"},
		{"endpoints a 2 slots 4 service 20ms cache 10 hit 20ms miss 40ms\nkeys 100 zipf 0.7", "nine tenths"},
		{"balancers 8\nendpoints a 2 slots 4 service 20ms", "8 balancers"},
		{"endpoints a 2 slots 4 service 20ms\nat 10s a others 10/s", "at 10s"},
	} {
		err := Fits(parsed(t, "run 30s warm 5s\narrivals 10/s\n"+tt.text+"\n"))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v; want %q", tt.text, err, tt.want)
		}
	}
	if err := Fits(parsed(t, changing)); err != nil {
		t.Error(err)
	}
}

func TestPoliciesAndProxiesByName(t *testing.T) {
	for text, want := range map[string]string{"adaptiv": "did you mean adaptive?", "least-conn": "use one of round-robin", "peak-ewm": "did you mean peak-ewma?"} {
		if _, err := Own(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
	if s, err := Own("rules"); err != nil || s.Kind != report.Judge || s.Judge != "rules" || s.Policy != "adaptive" {
		t.Errorf("rules: %+v, %v", s, err)
	}
	dir := t.TempDir()
	good, plain, broken := filepath.Join(dir, "mine.conf"), filepath.Join(dir, "plain.conf"), filepath.Join(dir, "broken.conf")
	for name, text := range map[string]string{good: "listen {{.Listen}}{{range .Endpoints}} {{.}}{{end}}", plain: "listen 80", broken: "{{.Liste}}"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ text, name, err string }{
		{"nginx", "nginx least_conn", ""},
		{"haproxy/random(2)", "haproxy random(2)", ""},
		{"nginx=" + good, "nginx mine", ""},
		{"127.0.0.1:8080", "127.0.0.1:8080", ""},
		{":8080", "127.0.0.1:8080", ""},
		{"ngin", "", "did you mean nginx?"},
		{"nginx=" + plain, "", "{{.Listen}}"},
		{"nginx=" + broken, "", "Liste"},
		{"nginx=" + dir + "/none", "", "no such file"},
	} {
		s, err := Through(tt.text)
		switch {
		case tt.err == "" && (err != nil || s.Name != tt.name || s.Kind != report.Peer):
			t.Errorf("%s: %+v, %v", tt.text, s, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: %v; want %q", tt.text, err, tt.err)
		}
	}
	for _, p := range programs {
		s, err := Through(p.name)
		if err == nil {
			err = s.checkConf(p.name)
		}
		if err != nil {
			t.Errorf("the configuration of %s that comes with Poise: %v", p.name, err)
		}
	}
}

func options(t *testing.T, size string, policies ...string) Options {
	t.Helper()
	s, err := SizeOf(size)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Size: s, Scenarios: []*scenario.Scenario{parsed(t, changing)}, Say: func(string) {}}
	other := *o.Scenarios[0]
	other.Name = "other"
	o.Scenarios = append(o.Scenarios, &other)
	for _, p := range policies {
		of, err := Own(p)
		if err != nil {
			t.Fatal(err)
		}
		o.Subjects = append(o.Subjects, of)
	}
	return o
}

func TestEverythingFitsIntoItsSizeOrIsRefused(t *testing.T) {
	o := options(t, "hour", "p2c", "adaptive", "bounded-hash") // hashing does not suit these two
	if err := o.settle(); err != nil || o.Length != 25*time.Second || o.Rounds != 6 || len(o.plan()) != 2*2*6 {
		t.Errorf("%v, %v in %d rounds, %d runs", err, o.Length, o.Rounds, len(o.plan()))
	}
	o = options(t, "quick", "p2c", "adaptive", "random", "round-robin", "hot-cold", "peak-ewma", "least-request", "expected-delay", "rules")
	if err := o.settle(); err != nil || o.Rounds != 1 || o.Length >= 25*time.Second {
		t.Errorf("%v, %v", err, o.Length)
	}
	if _, takes := o.Plan(); takes > 6*time.Minute {
		t.Errorf("quick takes %v", takes)
	}
	o = options(t, "quick", "p2c", "adaptive")
	o.Length = 100 * time.Second
	if err := o.settle(); err == nil || !strings.Contains(err.Error(), "--seconds") {
		t.Errorf("4 runs of 100 s: %v; want an error", err)
	}
	o = options(t, "full", "p2c")
	o.Length = time.Second
	if err := o.settle(); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("%v", err)
	}
	o = options(t, "quick", "maglev")
	if err := o.settle(); err == nil {
		t.Error("hashing without keys is measured")
	}
	if _, err := SizeOf("huge"); err == nil || !strings.Contains(err.Error(), "quick") {
		t.Errorf("%v; want the sizes", err)
	}
}

func TestEveryRoundBeginsWithAnotherSubject(t *testing.T) {
	o := options(t, "full", "p2c", "adaptive", "random")
	if err := o.settle(); err != nil {
		t.Fatal(err)
	}
	firsts := map[string]bool{}
	files := map[string]bool{}
	for i, k := range o.plan() {
		if i%3 == 0 {
			firsts[k.Subject] = true
		}
		files[k.File()] = true
	}
	if len(firsts) != 3 || len(files) != len(o.plan()) {
		t.Errorf("rounds begin with %v; %d files for %d runs", firsts, len(files), len(o.plan()))
	}
}

func TestWhatIsNotThereIsSaidBefore(t *testing.T) {
	o := options(t, "quick", "p2c", "p2c")
	o.Subjects = append(o.Subjects, Subject{Name: "127.0.0.1:1", Address: "127.0.0.1:1"})
	o.Scenarios = append(o.Scenarios, o.Scenarios[0])
	err := o.check()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"p2c is named twice", "test is named twice", "--workers-at"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	o = options(t, "quick", "p2c")
	of, _ := Through("nginx")
	o.Subjects = append(o.Subjects, of)
	if err := o.check(); err == nil || !strings.Contains(err.Error(), "nginx is not installed") {
		t.Errorf("%v", err)
	}
}

func TestAScenarioBeyondTheMachineIsRefused(t *testing.T) {
	r := &Runner{options: options(t, "quick", "p2c")}
	if err := r.affords(&r.options.Subjects[0], 100*time.Microsecond); err != nil {
		t.Error(err)
	}
	if err := r.affords(&r.options.Subjects[0], 10*time.Second); err == nil || !strings.Contains(err.Error(), "asks for 200 requests a second") {
		t.Errorf("%v; want the rate of its busiest time", err)
	}
}

func TestIntervalsHoldWhatARunSays(t *testing.T) {
	var in []Sample
	for i := range 20_000 {
		l := time.Duration(1+i%100) * time.Millisecond
		in = append(in, Sample{N: i, Due: Warm + time.Duration(i)*time.Millisecond, Latency: l, Failed: i%1000 == 999})
	}
	v, s := Values(in), Spread(in)
	for _, name := range []string{"loss", "mean", "p50", "p99", "failed"} {
		if lo, hi := s[name][0], s[name][1]; lo > v[name]+0.01 || hi < v[name]-0.01 || hi-lo > 0.2*v[name] {
			t.Errorf("%s: %v to %v; the run has %v", name, lo, hi, v[name])
		}
	}
	if again := Spread(in); again["loss"] != s["loss"] {
		t.Error("the same samples have two intervals")
	}
	if Spread(nil) != nil {
		t.Error("there is an interval of nothing")
	}
}

func TestWhatIsUnderWayIsCountedAtItsEndpoint(t *testing.T) {
	all := []Sample{
		{Due: 500 * time.Millisecond, Latency: time.Second, Worker: 1},
		{Due: 0, Latency: 250 * time.Millisecond, Worker: 0},
		{Due: 0, Latency: time.Second, Worker: -1, Failed: true},
	}
	got := Seconds(all, 2)
	if len(got) != 1 || !slices.Equal(got[0].InFlight, []float64{0.25, 0.5}) || !slices.Equal(got[0].Shares, []int{1, 1}) || got[0].Failed != 1 {
		t.Errorf("%+v", got)
	}
}

func TestDecisionsAreReadWithTheirReasons(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	journal := `{"decisions": [
		{"time": "2026-01-02T03:04:10Z", "policy": "p2c", "action": "switch", "to": "hot-cold", "text": "b", "conditions": [{"text": "two speeds"}], "gates": [{"name": "dwell", "passed": true, "why": "y"}], "outcome": {"text": "kept"}},
		{"time": "2026-01-02T03:04:02Z", "policy": "p2c", "text": "a", "gates": [{"name": "margin", "passed": false, "why": "2 %"}]}]}`
	got := decisionsOf([]byte(journal), began)
	if len(got) != 2 || got[0].At != 2 || got[0].Action != "hold" || !slices.Equal(got[0].Reasons, []string{"margin: 2 %"}) {
		t.Fatalf("%+v", got)
	}
	if d := got[1]; !d.Changed() || d.To != "hot-cold" || d.Outcome != "kept" || !slices.Equal(d.Reasons, []string{"two speeds"}) {
		t.Errorf("%+v", d)
	}
	if decisionsOf([]byte("no"), began) != nil {
		t.Error("decisions of nothing")
	}
}
