package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"poise/internal/load"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s\n%s", got, file, want)
	}
}

// interrupted is a board of two policies that was left during a stop.
func interrupted() *board {
	b := &board{policies: []string{"round-robin", "hot-cold"}}
	add := func(policy string, k *condition, failures int, judged bool) {
		s := made("1", map[string]int{"1": 10, "2": 180}, func(s *score) { s.failures = failures; s.requests += failures })
		for range 10 {
			s.latency.Observe(time.Second)
		}
		s.policy, s.condition, s.label, s.judged = policy, k.name, k.label("1"), judged
		s.state = "healthy"
		b.scores = append(b.scores, s)
	}
	for i := range conditions {
		add("round-robin", &conditions[i], 0, true)
	}
	add("hot-cold", &conditions[0], 20, true)
	add("hot-cold", &conditions[1], 0, false)
	return b
}

func TestTheTableFitsAndReads(t *testing.T) {
	for file, colour := range map[string]bool{"testdata/table.txt": false, "testdata/table.ansi": true} {
		var out bytes.Buffer
		s := &screen{out: &out, colour: colour}
		b := interrupted()
		o := b.outcome()
		b.printTable(s)
		(&Demo{screen: s}).conclude(o)
		golden(t, file, out.String())
		if !colour {
			for line := range strings.Lines(out.String()) {
				if len(line) > 100 {
					t.Errorf("%d columns: %s", len(line), line)
				}
			}
		}
		if got := strings.Contains(out.String(), "\x1b"); got != colour {
			t.Errorf("%s: colours %v; want %v", file, got, colour)
		}
	}
}

func TestAnOutcomeIsGoodOnlyWhenEveryStopWasSeen(t *testing.T) {
	o := interrupted().outcome()
	if o.Stops != 12 || o.Run != 7 || o.Good() {
		t.Errorf("%d of %d stops, good %v; want 7 of 12, false", o.Run, o.Stops, o.Good())
	}
	want := []string{
		"round-robin, worker 1 hangs: the worker that hangs is healthy",
		"round-robin, worker 1 is killed: the worker that is gone is healthy",
		"hot-cold, steady: 20 requests failed; none should",
	}
	if strings.Join(o.Missing, "\n") != strings.Join(want, "\n") {
		t.Errorf("missing:\n%s\nwant\n%s", strings.Join(o.Missing, "\n"), strings.Join(want, "\n"))
	}
	if !(&Outcome{Stops: 6, Run: 6}).Good() || (&Outcome{Stops: 6, Run: 5}).Good() || (&Outcome{Stops: 6, Run: 6, Missing: want}).Good() {
		t.Error("good is all stops and nothing missing")
	}
}

func TestTheLiveLineIsTakenAway(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, live: true}
	second := load.Second{At: 1, Requests: 10, P50: time.Millisecond, P99: time.Millisecond, Workers: map[string]int64{"1": 10}}
	s.second("steady", &second, 1)
	s.event("worker 1: unhealthy")
	s.second("steady", &second, 1)
	s.close()
	s.second("steady", &second, 1) // nothing after the end
	lines := strings.Split(out.String(), "\r\x1b[K")
	if len(lines) != 3 || !strings.Contains(lines[0], "steady") || !strings.HasPrefix(lines[1], "  · worker 1: unhealthy\n") || lines[2] != "" {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	(&screen{out: &out}).second("steady", &second, 1)
	if out.Len() > 0 {
		t.Errorf("elsewhere than on a terminal a line was to be rewritten: %q", out.String())
	}
}

func TestTheLogIsToldInTheWordsOfTheDemo(t *testing.T) {
	for quiet, want := range map[bool]string{
		false: "  · worker 1: unhealthy, because no answer in time\n" +
			"  · worker 1: ejected for 500ms, because 24% of 25 attempts failed\n  · worker 1: taken back, its trials went well\nwarn: cannot write path=/x\n",
		true: "warn: cannot write path=/x\n",
	} {
		var out bytes.Buffer
		d := &Demo{Quiet: quiet, screen: &screen{out: &out, workers: map[string]string{"127.0.0.1:1": "1"}}}
		log := slog.New(d.Log())
		log.Info("policy", "cluster", "default", "to", "p2c")
		log.Warn("state", "cluster", "default", "endpoint", "127.0.0.1:1", "from", "healthy", "to", "unhealthy", "reason", "no answer in time")
		log.Warn("guard", "cluster", "default", "endpoint", "127.0.0.1:1", "action", "eject", "for", "500ms", "evidence", "24% of 25 attempts failed; surely over 10%")
		log.Warn("guard", "cluster", "default", "endpoint", "127.0.0.1:1", "action", "trial-lost", "for", "1s")
		log.Info("guard", "cluster", "default", "endpoint", "127.0.0.1:1", "action", "readmit")
		log.Warn("request failed", "error", "endpoint-timeout")
		log.Warn("cannot write", "path", "/x")
		if out.String() != want {
			t.Errorf("quiet %v: %q; want %q", quiet, out.String(), want)
		}
	}
}

// buffer may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// demo is one whose balancer is the first worker itself.
func demo(pin int) (*Demo, *buffer) {
	out := &buffer{}
	d := &Demo{Workers: 2, Rate: 100, For: time.Hour, Policies: []string{"round-robin"}, Tour: true, Out: out}
	d.Start = func(endpoints []string) (func() error, error) {
		api := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				a.WriteHeader(pin)
			}
			_ = json.NewEncoder(a).Encode(map[string]any{"endpoints": []map[string]string{{"address": endpoints[0], "state": "healthy"}}})
		}))
		d.Target, d.Admin = "http://"+endpoints[0]+"/work", api.URL
		return func() error { api.Close(); return nil }, nil
	}
	return d, out
}

func TestAnInterruptedTourPrintsTheTableSoFar(t *testing.T) {
	t.Parallel()
	d, out := demo(200)
	ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel()
	o, err := d.Run(ctx)
	if err != nil || o.Run != 0 || o.Stops != 6 || o.Good() {
		t.Fatalf("%+v, %v; want none of 6 stops", o, err)
	}
	text := out.b.String()
	for _, want := range []string{"poise demo", "round-robin", "not run", "interrupted after 0 of 6 stops"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	_, table, _ := strings.Cut(text, "What clients saw")
	if strings.Count(table, "not run") != 5 {
		t.Errorf("the stop under way is not in the table:\n%s", table)
	}
}

func TestATourJudgesWhatItSaw(t *testing.T) {
	t.Parallel()
	d, out := demo(500)
	d.For = 6 * 300 * time.Millisecond
	o, err := d.Run(context.Background())
	if err != nil || o.Run != 6 || len(o.Missing) == 0 || o.Good() {
		t.Fatalf("%+v, %v; want six stops and something missing: one worker answers everything, and nothing is switched", o, err)
	}
	if !strings.Contains(o.Missing[0], "the policy could not be switched: 500") {
		t.Errorf("missing first: %s", o.Missing[0])
	}
	if n := strings.Count(out.b.String(), "✗"); n == 0 {
		t.Errorf("no stop is marked as missed:\n%s", out.b.String())
	}
}

func TestWithoutATourNothingBreaks(t *testing.T) {
	t.Parallel()
	d, out := demo(200)
	d.Tour, d.For = false, 1200*time.Millisecond
	o, err := d.Run(context.Background())
	if err != nil || !o.Good() {
		t.Fatalf("%+v, %v", o, err)
	}
	if text := out.b.String(); !strings.Contains(text, "120 requests: p50") || !strings.Contains(text, "second 1") {
		t.Errorf("summary or second is missing:\n%s", text)
	}
}

func TestABalancerThatDoesNotStartEndsTheDemo(t *testing.T) {
	want := errors.New("port taken")
	d := &Demo{Workers: 2, Out: &buffer{}, Start: func([]string) (func() error, error) { return nil, want }}
	if _, err := d.Run(context.Background()); !errors.Is(err, want) {
		t.Errorf("%v; want %v", err, want)
	}
}
