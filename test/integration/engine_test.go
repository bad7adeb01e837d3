//go:build integration

package integration

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"poise/internal/admin"
	"poise/internal/app"
	"poise/internal/config"
	"poise/internal/load"
	"poise/internal/worker"
	running "poise/test/fleet"
)

// The engine's clock in these tests: a fifth of the usual.
const (
	judged = 2 * time.Second
	dwell  = 12 * time.Second
)

// engineRig is a balancer whose policy is adaptive, over workers in this
// process.
type engineRig struct {
	t         *testing.T
	workers   []*worker.Worker
	addresses []string // of them
	front     string
	admin     string
}

// engineSetup says what stands behind the balancer.
type engineSetup struct {
	workers int
	change  func(i int, s *worker.Settings) // from 20 ms exponential in 4 slots
	cluster string                          // more keys of the cluster
	mode    string                          // of the engine; "" is auto
}

func newEngineRig(t *testing.T, o engineSetup) *engineRig {
	t.Helper()
	r := &engineRig{t: t, front: running.FreeAddress(), admin: running.FreeAddress()}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	var addresses []string
	for i := range o.workers {
		s := worker.Defaults()
		s.Delay, s.Distribution, s.Slots = worker.Duration(20*time.Millisecond), "exponential", 4
		if o.change != nil {
			o.change(i, &s)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		w := worker.New(fmt.Sprint(i), s, uint64(i)+1)
		r.workers, addresses = append(r.workers, w), append(addresses, ln.Addr().String())
		all.Go(func() { _ = w.Run(ctx, ln) })
	}
	r.addresses = addresses
	text := fmt.Sprintf("listeners: [{address: %q}]\nadmin: {address: %q}\nengine: {evaluate: %v, dwell: %v, mode: %s}\nclusters:\n- name: web\n  endpoints: [%s]\n  %s\n",
		r.front, r.admin, judged, dwell, cmp.Or(o.mode, "auto"), strings.Join(addresses, ", "), o.cluster)
	doc := config.Document{Name: "test", Text: []byte(text)}
	c, problems := config.Parse(doc, config.Env{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a, err := app.New(app.Options{Config: c, Document: doc, Version: "test", Log: slog.New(slog.DiscardHandler), Stdout: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	all.Go(func() { _ = a.Run(ctx) })
	for a.Ready() != nil {
		time.Sleep(5 * time.Millisecond)
	}
	return r
}

// set changes a worker's settings.
func (r *engineRig) set(i int, change func(*worker.Settings)) {
	s := r.workers[i].Settings()
	change(&s)
	r.workers[i].Set(s)
}

// load sends requests until the test is over.
func (r *engineRig) load(o load.Options) {
	o.URL, o.For, o.Timeout = "http://"+r.front+"/work", time.Minute, 5*time.Second
	if o.Arrivals == "" {
		o.Arrivals = "poisson"
	}
	o.Seed = 1
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _, _ = load.Run(ctx, o) }()
	r.t.Cleanup(func() { cancel(); <-done })
}

// others sends to the workers past the balancer, as another one does.
func (r *engineRig) others() {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i, address := range r.addresses {
		all.Go(func() {
			_, _ = load.Run(ctx, load.Options{URL: "http://" + address + "/work", Rate: 200, For: time.Minute, Timeout: 5 * time.Second, Arrivals: "poisson", Seed: uint64(i)})
		})
	}
	r.t.Cleanup(func() { cancel(); all.Wait() })
}

// bursts sends n requests at once, again and again; work says how long each
// takes, nil for what the worker says.
func (r *engineRig) bursts(n int, every time.Duration, work func(i int) time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	client := &http.Client{Transport: transport}
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for range n {
				i++
				q, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.front+"/work", nil)
				if work != nil {
					q.Header.Set("X-Work-Us", strconv.FormatInt(work(i).Microseconds(), 10))
				}
				all.Go(func() {
					if answer, err := client.Do(q); err == nil {
						_, _ = io.Copy(io.Discard, answer.Body)
						_ = answer.Body.Close()
					}
				})
			}
		}
	})
	r.t.Cleanup(func() { cancel(); all.Wait(); transport.CloseIdleConnections() })
}

func (r *engineRig) decisions() []admin.Decision {
	t := &http.Transport{DisableKeepAlives: true}
	q, _ := http.NewRequest(http.MethodGet, "http://"+r.admin+"/api/v1/decisions?limit=1000", nil)
	answer, err := t.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	var v admin.Decisions
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil {
		r.t.Fatal(err)
	}
	return v.Decisions
}

// named waits for an entry since a moment that names a condition, and returns
// it. The time is that of one judgement whose window begins after the moment.
func (r *engineRig) named(condition string, since time.Time, within time.Duration) admin.Decision {
	r.t.Helper()
	const slack = 700 * time.Millisecond
	var all []admin.Decision
	for time.Since(since) < within+slack {
		time.Sleep(100 * time.Millisecond)
		all = r.decisions()
		for _, d := range all {
			for _, c := range d.Conditions {
				if c.Name == condition && d.Time.After(since) {
					r.t.Logf("%.1f s: %s (%s: %s; measured %.3g, threshold %.3g)", d.Time.Sub(since).Seconds(), d.Text, c.Name, c.Text, c.Measured, c.Threshold)
					return d
				}
			}
		}
	}
	for _, d := range all {
		r.t.Logf("%.1f s: %s %+v %+v", d.Time.Sub(since).Seconds(), d.Text, d.Conditions, d.Evidence.Statistics)
	}
	r.t.Fatalf("no entry within %v names %s", within, condition)
	return admin.Decision{}
}

// TestConditionsAreNamed provokes each condition over real sockets and finds
// it in the journal by name, within one judgement.
func TestConditionsAreNamed(t *testing.T) {
	steady := load.Options{Rate: 500}
	warm := 3 * judged
	for _, test := range []struct {
		condition string
		setup     engineSetup
		load      load.Options // none when there are bursts
		run       func(r *engineRig)
		within    time.Duration // 0 for one judgement whose window begins after the condition
	}{
		{"no_data", engineSetup{workers: 3}, load.Options{Rate: 20}, nil, 0},
		{"slow_endpoint", engineSetup{workers: 5}, steady, func(r *engineRig) {
			r.set(0, func(s *worker.Settings) { s.Delay *= 10 })
		}, 0},
		{"error_rate", engineSetup{workers: 5}, steady, func(r *engineRig) {
			for i := range r.workers {
				r.set(i, func(s *worker.Settings) { s.Errors = 0.2 })
			}
		}, 0},
		{"heterogeneous", engineSetup{workers: 5, change: func(i int, s *worker.Settings) {
			if i >= 3 {
				s.Delay *= 4
			}
		}}, steady, func(*engineRig) {}, 0},
		{
			"affinity",
			engineSetup{workers: 4, cluster: "hash_key: header:x-key", change: func(_ int, s *worker.Settings) { s.Cache = 400 }},
			load.Options{Rate: 500, Keys: 4000, Zipf: 1.05},
			func(*engineRig) {}, 0,
		},
		// Only advised: a switch begins the window anew, which here takes seconds to have requests enough.
		{"far_endpoint", engineSetup{workers: 5, mode: "advise", change: func(_ int, s *worker.Settings) { s.Delay, s.Slots = worker.Duration(5*time.Millisecond), 16 }}, load.Options{Rate: 200}, func(r *engineRig) {
			r.set(0, func(s *worker.Settings) { s.Distance = worker.Duration(30 * time.Millisecond) })
		}, 10 * time.Second}, // as long as a judgement usually takes: it rests on 12 answers of an endpoint that gets few requests any more
		{
			"hidden_load",
			engineSetup{workers: 3, cluster: "engine: {load_field: X-Inflight}", change: func(_ int, s *worker.Settings) { s.Slots, s.Report = 8, "X-Inflight" }},
			load.Options{Rate: 200},
			(*engineRig).others, 0,
		},
		{"overload", engineSetup{workers: 5, change: func(_ int, s *worker.Settings) { s.Slots = 1 }}, load.Options{Rate: 300}, func(*engineRig) {}, 0},
		{"bursty", engineSetup{workers: 5}, load.Options{}, func(r *engineRig) { r.bursts(120, 300*time.Millisecond, nil) }, 0},
		{"heavy_tail", engineSetup{workers: 5, change: func(_ int, s *worker.Settings) { s.Slots = 16 }}, load.Options{}, func(r *engineRig) {
			r.bursts(4, 10*time.Millisecond, func(i int) time.Duration {
				if i%50 == 0 {
					return 300 * time.Millisecond
				}
				return 5 * time.Millisecond
			})
		}, 0},
	} {
		t.Run(test.condition, func(t *testing.T) {
			r := newEngineRig(t, test.setup)
			since := time.Now()
			if test.load.Rate > 0 {
				r.load(test.load)
			}
			if test.run != nil {
				if test.load.Rate > 0 {
					time.Sleep(warm)
				}
				since = time.Now()
				test.run(r)
			}
			r.named(test.condition, since, cmp.Or(test.within, 2*judged))
		})
	}
}

// TestThePinWinsAndTheEngineGoesOnFromIt pins a policy under load, and hands
// the cluster back: the engine begins with what was pinned, leaves it for a
// better one at the first chance, and not twice within a dwell.
func TestThePinWinsAndTheEngineGoesOnFromIt(t *testing.T) {
	r := newEngineRig(t, engineSetup{workers: 5, change: func(i int, s *worker.Settings) {
		if i >= 3 {
			s.Delay *= 4
		}
	}})
	r.put("/policy", `{"policy":"round-robin"}`)
	r.load(load.Options{Rate: 350})
	time.Sleep(3 * judged)
	for _, d := range r.decisions() {
		if d.Policy == "round-robin" && (d.Action == "canary" || d.Action == "switch") {
			t.Fatalf("over a pin: %s", d.Text)
		}
	}
	r.put("/policy", `{"policy":"adaptive"}`)
	handed := time.Now()
	var last admin.Decision
	for time.Since(handed) < dwell+4*judged+5*time.Second {
		time.Sleep(200 * time.Millisecond)
		for _, d := range r.decisions() {
			if d.Action == "switch" {
				last = d
			}
		}
		if last.ID > 0 {
			break
		}
	}
	for _, d := range r.decisions() {
		t.Logf("%5.1f s: %s", d.Time.Sub(handed).Seconds(), d.Text)
	}
	if last.To == "" || last.To == "round-robin" {
		t.Fatalf("round-robin over unequal endpoints was not left; the last switch was %+v", last)
	}
	c := r.cluster()
	for until := time.Now().Add(3 * time.Second); c.Policy != last.To && time.Now().Before(until); c = r.cluster() { // by and by
		time.Sleep(100 * time.Millisecond)
	}
	if c.Policy != last.To || !c.Engine.Adaptive {
		t.Errorf("the journal says %s, and %s picks", last.To, c.Policy)
	}
}

func (r *engineRig) put(path, body string) {
	r.t.Helper()
	t := &http.Transport{DisableKeepAlives: true}
	q, _ := http.NewRequest(http.MethodPut, "http://"+r.admin+"/api/v1/clusters/web"+path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	answer, err := t.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		r.t.Fatalf("PUT %s: %s", path, answer.Status)
	}
}

func (r *engineRig) cluster() (c admin.Cluster) {
	t := &http.Transport{DisableKeepAlives: true}
	q, _ := http.NewRequest(http.MethodGet, "http://"+r.admin+"/api/v1/clusters/web", nil)
	answer, err := t.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	_ = json.NewDecoder(answer.Body).Decode(&c)
	return c
}
