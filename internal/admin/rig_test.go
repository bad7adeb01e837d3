package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/balance/catalog"
	"poise/internal/cluster"
	"poise/internal/config"
	"poise/internal/decide"
	"poise/internal/stats"
	"poise/internal/whatif"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// document is a configuration that is valid, with a secret in it.
const document = `listeners: [{address: "127.0.0.1:8080"}]
clusters: [{name: web, endpoints: ["127.0.0.1:9001", "127.0.0.1:9002"]}]
admin: {token: a-long-and-secret-token}
`

const token = "a-long-and-secret-token"

// balancer has real clusters and figures that are made up.
type balancer struct {
	clusters []*cluster.Cluster
	ready    error
	hashKeys map[string]string
}

func (b *balancer) Clusters() []*cluster.Cluster { return b.clusters }
func (b *balancer) Ready() error                 { return b.ready }
func (b *balancer) HashKey(name string) string   { return b.hashKeys[name] }

func (b *balancer) SetEngine(c *cluster.Cluster, m cluster.Mode) { c.SetMode(m) }

func (b *balancer) EngineState(name string) EngineState {
	at := time.Unix(1000, 0)
	if name == "web" {
		return EngineState{JudgedAt: &at, Forecasts: &decide.Forecasts{Known: 57, Inside: 0.7, Distrusted: true}}
	}
	return EngineState{Fault: "the judgement failed: out of range"}
}

// entries are a hold with nothing in it, and a switch with everything.
var entries = []Decision{
	{ID: 1, Time: time.Unix(1000, 0), Decision: decide.Decision{
		Cluster: "web", Policy: "p2c", Action: decide.Hold, Gate: "no_data", Text: "too little is known",
		Conditions: []decide.Condition{}, Candidates: []decide.Candidate{}, Gates: []decide.Gate{},
	}},
	{ID: 2, Time: time.Unix(1010, 0), Decision: decide.Decision{
		Cluster: "web", Policy: "p2c", Action: decide.Switch, To: "hot-cold", Text: "p2c → hot-cold",
		Conditions: []decide.Condition{{Name: "slow_endpoint", Endpoint: "127.0.0.1:9001", Definition: "slow", Threshold: 2, Measured: 5, Unit: "times", Text: "slow"}},
		Candidates: []decide.Candidate{{Policy: "hot-cold", Loss: 0.01, Low: 0.009, High: 0.011, Mean: 0.01, P50: 0.01, P99: 0.02, Note: "likely"}},
		Gates:      []decide.Gate{{Name: "margin", Passed: true, Why: "20 %"}},
		Evidence:   decide.Evidence{Window: 10, Records: 1000, Rate: 100, Measured: 0.02, Predicted: 0.02, Model: "queues"},
		Outcome:    &decide.Outcome{After: 30, Before: 0.02, Measured: 0.01, Low: 0.009, High: 0.011, Predicted: 0.01, Verdict: decide.Kept, Text: "-50 %"},
	}},
}

func (b *balancer) Record(_ context.Context, cluster string, _ time.Duration, to io.Writer) error {
	if cluster == "users" {
		return errors.New("the engine is being recorded already")
	}
	_, err := io.WriteString(to, "poise-recording 1\n")
	return err
}

func (b *balancer) WhatIf(_ context.Context, cluster string, q whatif.Question) (*whatif.Answer, error) {
	f := whatif.Figures{P50: whatif.Figure{Value: 0.01, Low: 0.009, High: 0.011}, P99: whatif.Figure{Value: 0.04, Low: 0.03, High: 0.05}, Load: 0.5}
	a := &whatif.Answer{Cluster: cluster, Policy: "p2c", Scenario: q.String(), Window: 10, Requests: 3000, Rate: 300, Now: f, Text: "p99 40 ms"}
	switch {
	case cluster == "users":
		return nil, whatif.Refusal("too little data")
	case slices.Contains(q.Without, "127.0.0.1:1"):
		return nil, whatif.Unknown("no such endpoint")
	case q.Load == 2:
		return nil, errors.New("the engine is answering another question")
	case q.Load == 0:
		a.Why = "never so busy"
	default:
		a.Then, a.Headroom = &f, &whatif.Headroom{Times: 1.5, AtLeast: true, Why: "never so busy"}
	}
	return a, nil
}

func (b *balancer) Decisions(q DecisionQuery) []Decision { return entries[:min(q.Limit, len(entries))] }

func (b *balancer) Decision(id uint64) (Decision, bool) {
	i := slices.IndexFunc(entries, func(d Decision) bool { return d.ID == id })
	if i < 0 {
		return Decision{}, false
	}
	return entries[i], true
}

func (b *balancer) Figures(string) map[string]Figures {
	return map[string]Figures{"127.0.0.1:9001": {Rate: 12.5, Failures: 0.25, P50: 0.01, P90: 0.02, P99: 0.03}}
}

// configurator parses what it is given for real and puts nothing in force but
// the text.
type configurator struct {
	mu      sync.Mutex
	text    string
	applied int
	fails   error // of Apply and Reload
	file    string
}

func (c *configurator) tag() string { return strconv.Quote("v" + strconv.Itoa(c.applied)) }

func (c *configurator) Document() ([]byte, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return config.Redact(config.Document{Name: "file", Text: []byte(c.text)}), c.tag()
}

func (c *configurator) Source() Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Source{From: "poise.yaml", Tag: c.tag(), Note: "the file says something else"}
}

func (c *configurator) Apply(text []byte, dry bool, tags ...string) (config.Problems, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(tags) > 0 && !slices.Contains(tags, c.tag()) {
		return nil, ErrStale
	}
	if _, problems := config.Parse(config.Document{Name: "api", Text: text}, config.Env{}); len(problems) > 0 {
		return problems, nil
	}
	if c.fails == nil && !dry {
		c.text, c.applied = string(text), c.applied+1
	}
	return nil, c.fails
}

func (c *configurator) Reload() (config.Problems, error) { return c.Apply([]byte(c.file), false) }

// rig is an API over two clusters: web is plain, users has a hash key and a
// second tier.
type rig struct {
	*API
	balancer *balancer
	config   *configurator
}

func newRig(change ...func(*Options)) *rig {
	build := func(name, policy string, specs ...cluster.Spec) *cluster.Cluster {
		return cluster.New(cluster.Options{Name: name, Policy: policy, Builders: catalog.Builders(), Panic: 0.5, Wall: time.Now}, specs)
	}
	b := &balancer{
		clusters: []*cluster.Cluster{
			build("web", "round-robin", cluster.Spec{Address: "127.0.0.1:9001", Zone: "a"}, cluster.Spec{Address: "127.0.0.1:9002", Weight: 2}, cluster.Spec{Address: "[::1]:9003"}),
			build("users", "maglev", cluster.Spec{Address: "127.0.0.1:9001"}, cluster.Spec{Address: "127.0.0.1:9002"}, cluster.Spec{Address: "127.0.0.1:9004", Priority: 1}),
		},
		hashKeys: map[string]string{"users": "header:x-user"},
	}
	c := &configurator{text: document, file: document}
	o := Options{
		Balancer: b, Guards: guardJournal{}, Config: c, Version: "test", Now: func() stats.Instant { return 1 }, Log: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, "poise_build_info 1\n")
		}),
	}
	for _, f := range change {
		f(&o)
	}
	return &rig{API: New(o), balancer: b, config: c}
}

func withToken(o *Options) { o.Token = token }

// ask makes a call as it comes over TCP from loopback. A body that begins
// with { is JSON, unless headers say otherwise; headers are "Name: value".
func (r *rig) ask(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	return ask(r.Handler(false), method, target, body, headers...)
}

func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, target, strings.NewReader(body))
	q.Host = "127.0.0.1:9900"
	if strings.HasPrefix(body, "{") {
		q.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			q.Host = value
			continue
		}
		q.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

// problemOf reads a problem and checks its form.
func problemOf(t *testing.T, w *httptest.ResponseRecorder) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("status %d with %q, which is no JSON: %v", w.Code, w.Body, err)
	}
	if media := w.Header().Get("Content-Type"); media != "application/problem+json" {
		t.Errorf("a problem of type %q", media)
	}
	if p.Type != "about:blank" || p.Title != http.StatusText(w.Code) || p.Status != w.Code || p.Detail == "" {
		t.Errorf("status %d with the problem %+v", w.Code, p)
	}
	return p
}

func answerOf[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%q: %v", w.Body, err)
	}
	return v
}

var errInjected = errors.New("cannot listen on 127.0.0.1:8080: another process already does")
