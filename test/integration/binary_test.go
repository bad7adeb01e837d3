//go:build integration

package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/load"
	running "poise/test/fleet" // fleet is the one of these tests
)

// TestTheBinary builds poise once and runs it as an operator does: workers and
// the balancer are processes of their own.
func TestTheBinary(t *testing.T) {
	binary := buildPoise(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *fleet)
	}{
		{"round-robin gives each of three workers exactly a third", exactThirds},
		{"least-request spares a slow worker", slowWorkerSpared},
		{"a killed worker costs no request and comes back", killedWorker},
		{"policies change under load without a failed request", switchUnderLoad},
		{"SIGTERM lets what is under way finish", gracefulStop},
		{"SIGTERM under load cuts no answer", stopUnderLoad},
		{"SIGHUP puts a changed file in force under load", reloadUnderLoad},
		{"what the engine knows outlives a restart", knowledgeOutlivesARestart},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newFleet(t, binary)) })
	}
}

// fleet is a balancer in front of three workers.
type fleet struct {
	t        *testing.T
	binary   string
	file     string
	workers  []string // addresses
	running  []*running.Process
	balancer *running.Process
	front    string
	admin    string
}

func newFleet(t *testing.T, binary string) *fleet {
	f := &fleet{t: t, binary: binary, front: running.FreeAddress(), admin: running.FreeAddress(), file: filepath.Join(t.TempDir(), "poise.yaml")}
	for i := range 3 {
		f.workers = append(f.workers, running.FreeAddress())
		f.running = append(f.running, f.worker(i))
	}
	f.write("round-robin")
	f.balancer = f.start("serve", "-c", f.file)
	f.await("http://" + f.admin + "/readyz")
	return f
}

func (f *fleet) write(policy string) {
	text := fmt.Sprintf("listeners: [{address: %q}]\nadmin: {address: %q}\nclusters:\n- name: web\n  policy: %s\n  endpoints: [%s]\n"+
		"  health: {path: /health, interval: 200ms, timeout: 1s, rise: 2, fall: 2}\n  outliers: {base: 500ms, max: 2s}\n  slow_start: 1s\n", f.front, f.admin, policy, strings.Join(f.workers, ", "))
	if err := os.WriteFile(f.file, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// worker starts worker i and waits until it answers.
func (f *fleet) worker(i int) *running.Process {
	p := f.start("worker", "--listen", f.workers[i], "--name", fmt.Sprint(i), "--delay", "5ms")
	f.await("http://" + f.workers[i] + "/health")
	return p
}

func (f *fleet) start(args ...string) *running.Process {
	p, err := running.Run(append([]string{f.binary}, args...)...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = p.End(syscall.SIGKILL) })
	return p
}

// endedWell expects that the balancer has ended with exit status 0.
func (f *fleet) endedWell() {
	f.t.Helper()
	if err := f.balancer.End(syscall.SIGKILL); err != nil { // too late to change anything
		f.t.Errorf("it ended with %v; want exit status 0", err)
	}
}

func (f *fleet) eventually(what string, ok func() bool) {
	f.t.Helper()
	if !running.Within(15*time.Second, ok) {
		f.t.Fatalf("not within 15 s: %s; the balancer says\n%s", what, f.balancer.Log)
	}
}

func (f *fleet) await(url string) {
	f.t.Helper()
	f.eventually(url, func() bool {
		r, err := oneShot.Get(url)
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == 200
	})
}

// oneShot makes each request on a connection of its own.
var oneShot = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

// tell sends a PUT and expects that it is taken.
func (f *fleet) tell(url, body string) {
	f.t.Helper()
	q, err := http.NewRequest(http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := oneShot.Do(q)
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Body.Close()
	if text, _ := io.ReadAll(r.Body); r.StatusCode/100 != 2 {
		f.t.Fatalf("PUT %s: %d %s", url, r.StatusCode, text)
	}
}

func (f *fleet) pin(policy string) {
	f.t.Helper()
	f.tell("http://"+f.admin+"/api/v1/clusters/web/policy", `{"policy":"`+policy+`"}`)
}

// load runs a load while during runs, and reports.
func (f *fleet) load(o load.Options, during func()) *load.Report {
	f.t.Helper()
	o.URL = "http://" + f.front + "/work"
	var r *load.Report
	var err error
	var all sync.WaitGroup
	all.Go(func() { r, err = load.Run(context.Background(), o) })
	during()
	all.Wait()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Logf("%d requests, %d failed %v, by worker %v", r.Requests, r.Failures, r.Faults, r.Workers)
	return r
}

func (f *fleet) noneFailed(r *load.Report) {
	f.t.Helper()
	if r.Failures != 0 || r.Requests == 0 {
		f.t.Errorf("%d of %d requests failed: %v; the balancer says\n%s", r.Failures, r.Requests, r.Faults, f.balancer.Log)
	}
}

func exactThirds(t *testing.T, f *fleet) {
	got := map[string]int{}
	for range 300 {
		r, err := oneShot.Get("http://" + f.front + "/work")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if r.StatusCode != 200 {
			t.Fatalf("status %d", r.StatusCode)
		}
		got[r.Header.Get("X-Worker")]++
	}
	if len(got) != 3 || got["0"] != 100 || got["1"] != 100 || got["2"] != 100 {
		t.Errorf("%v; want 100 each", got)
	}
}

func slowWorkerSpared(t *testing.T, f *fleet) {
	f.tell("http://"+f.workers[0]+"/control", `{"delay":"200ms"}`)
	f.pin("least-request")
	r := f.load(load.Options{Closed: 12, For: 3 * time.Second}, func() {})
	f.noneFailed(r)
	if share := float64(r.Workers["0"]) / float64(r.Requests); share >= 0.2 || r.Workers["0"] == 0 {
		t.Errorf("the slow worker got %.1f %% of the requests; want some, and less than 20 %%", 100*share)
	}
}

func killedWorker(t *testing.T, f *fleet) {
	r := f.load(load.Options{Rate: 300, For: 6 * time.Second}, func() {
		time.Sleep(time.Second)
		_ = f.running[1].End(syscall.SIGKILL)
		f.eventually("the log says that it is out", func() bool {
			return f.balancer.Log.Count(0, "endpoint="+f.workers[1], "to=unhealthy", "connection refused") > 0
		})
		killed := len(f.balancer.Log.String())
		time.Sleep(500 * time.Millisecond)
		f.running[1] = f.worker(1)
		f.eventually("the log says that it is back", func() bool {
			return f.balancer.Log.Count(killed, "endpoint="+f.workers[1], "to=healthy") > 0
		})
	})
	f.noneFailed(r)
	again := f.load(load.Options{Rate: 300, For: time.Second}, func() {})
	f.noneFailed(again)
	if share := float64(again.Workers["1"]) / float64(again.Requests); share < 0.2 {
		t.Errorf("the worker that is back gets %.0f %% of the requests", 100*share)
	}
}

func switchUnderLoad(t *testing.T, f *fleet) {
	r := f.load(load.Options{Rate: 300, For: 4 * time.Second, Keys: 100}, func() {
		for range 2 {
			for _, policy := range append([]string{lb.Adaptive}, lb.Policies...) {
				f.pin(policy)
				time.Sleep(150 * time.Millisecond)
			}
		}
	})
	f.noneFailed(r)
	if n := strings.Count(f.balancer.Log.String(), "msg=policy"); n < 2*len(lb.Policies) {
		t.Errorf("the log tells of %d changes", n)
	}
}

func reloadUnderLoad(t *testing.T, f *fleet) {
	r := f.load(load.Options{Rate: 300, For: 3 * time.Second}, func() {
		for i, policy := range []string{"p2c", "least-request", "random", "hot-cold"} {
			f.write(policy)
			f.balancer.Signal(syscall.SIGHUP)
			f.eventually("applied", func() bool {
				return strings.Count(f.balancer.Log.String(), `msg="configuration applied"`) == i+1
			})
			time.Sleep(300 * time.Millisecond)
		}
	})
	f.noneFailed(r)
	if f.balancer.Log.Count(0, "msg=policy", "from=random", "to=hot-cold") == 0 {
		t.Errorf("the balancer says\n%s", f.balancer.Log)
	}
}

func gracefulStop(t *testing.T, f *fleet) {
	for _, address := range f.workers {
		f.tell("http://"+address+"/control", `{"delay":"1s"}`)
	}
	const clients = 30
	var all sync.WaitGroup
	began := time.Now()
	for range clients {
		all.Go(func() {
			r, err := oneShot.Get("http://" + f.front + "/work")
			if err != nil {
				t.Errorf("a request that was under way: %v", err)
				return
			}
			defer r.Body.Close()
			if _, err := io.ReadAll(r.Body); err != nil || r.StatusCode != 200 {
				t.Errorf("a request that was under way: %d, %v", r.StatusCode, err)
			}
		})
	}
	f.eventually("all are under way", func() bool { return f.inflight() == clients })
	if under := time.Since(began); under > 900*time.Millisecond {
		t.Logf("it took %v until all were under way", under)
	}
	f.balancer.Signal(syscall.SIGTERM)
	all.Wait()
	<-f.balancer.Ended()
	f.endedWell()
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
	if answer, err := oneShot.Get("http://" + f.front + "/work"); err == nil {
		answer.Body.Close()
		t.Error("it still answers")
	}
}

// stopUnderLoad keeps connections busy while the balancer stops. Each request
// that it took gets its answer, which says that the connection closes; only
// then are new connections refused.
func stopUnderLoad(t *testing.T, f *fleet) {
	r := f.load(load.Options{Closed: 12, For: 700 * time.Millisecond}, func() {
		time.Sleep(400 * time.Millisecond)
		_ = f.balancer.End(syscall.SIGTERM)
	})
	f.endedWell()
	for fault, n := range r.Faults {
		if fault != "connect" && n > 0 {
			t.Errorf("%d requests failed by %s; want none but those that could not connect any more", n, fault)
		}
	}
	if r.Statuses["200"] < 100 || r.Faults["connect"] == 0 {
		t.Errorf("answers %v, faults %v: the stop was not under load", r.Statuses, r.Faults)
	}
}

// inflight sums what the metrics say is under way at the endpoints.
func (f *fleet) inflight() int {
	r, err := oneShot.Get("http://" + f.admin + "/metrics")
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	sum := 0
	for line := range strings.Lines(string(text)) {
		var n int
		if _, value, ok := strings.Cut(line, "} "); ok && strings.HasPrefix(line, "poise_inflight{") {
			if _, err := fmt.Sscan(value, &n); err == nil {
				sum += n
			}
		}
	}
	return sum
}
