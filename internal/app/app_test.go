package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/cluster"
	"poise/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book keeps what is logged.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// count says how many lines hold all of the words.
func (b *book) count(words ...string) int {
	n := 0
	for line := range strings.Lines(b.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			n++
		}
	}
	return n
}

// house is a balancer over a file, run in this process.
type house struct {
	*App
	t      *testing.T
	dir    string
	path   string // of the file
	log    *book
	stdout io.Writer
	linked bool // the file is there already, as a symlink
	asPipe bool // when it starts the file is a pipe
	end    context.CancelFunc
	ended  chan error
}

// newHouse starts a balancer over a file with this text. It waits until it is
// ready.
func newHouse(t *testing.T, text string, also ...func(*house)) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), stdout: io.Discard}
	h.path = filepath.Join(h.dir, "poise.yaml")
	for _, f := range also {
		f(h)
	}
	if !h.linked {
		h.write(text)
	}
	h.start()
	return h
}

func (h *house) start() {
	h.t.Helper()
	h.log = &book{}
	a, err := h.build()
	if err != nil {
		h.t.Fatal(err)
	}
	h.App = a
	ctx, cancel := context.WithCancel(context.Background())
	h.end, h.ended = cancel, make(chan error, 1)
	ended := h.ended
	go func() { ended <- a.Run(ctx) }()
	h.t.Cleanup(func() { h.stop() })
	h.eventually("ready", func() bool { return a.Ready() == nil })
	if a.options.Path != "" {
		h.eventually("watching", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.seen != "" })
	}
}

func (h *house) build() (*App, error) {
	text, err := os.ReadFile(h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	doc := config.Document{Name: h.path, Text: text}
	c, problems := config.Parse(doc, config.Env{})
	if len(problems) > 0 {
		h.t.Fatal(problems)
	}
	path := h.path
	if h.asPipe {
		path = filepath.Join(h.dir, "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
	return New(Options{
		Config: c, Document: doc, Path: path, Version: "test", Stdout: h.stdout,
		Log: slog.New(slog.NewTextHandler(h.log, nil)),
	})
}

// stop ends it as a signal would, once.
func (h *house) stop() {
	if h.end == nil {
		return
	}
	h.end()
	h.end = nil
	if err := <-h.ended; err != nil {
		h.t.Errorf("Run: %v", err)
	}
}

// write writes the file in place.
func (h *house) write(text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// replace puts another file in the place of the file.
func (h *house) replace(text string) {
	h.t.Helper()
	next := filepath.Join(h.dir, "next")
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(next, h.path); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) eventually(what string, f func() bool) {
	h.t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("not within 10 s: %s; the log says\n%s", what, h.log)
		}
	}
}

// logged waits for a line with these words.
func (h *house) logged(words ...string) {
	h.t.Helper()
	h.eventually("logged "+strings.Join(words, " … "), func() bool { return h.log.count(words...) > 0 })
}

func (h *house) cluster(name string) *cluster.Snapshot {
	h.t.Helper()
	for _, c := range h.Clusters() {
		if c.Name() == name {
			return c.Snapshot()
		}
	}
	h.t.Fatalf("there is no cluster %s", name)
	return nil
}

// policy is the policy that cluster web picks by.
func (h *house) policy() string { return h.cluster("web").Policy }

func (h *house) named(name string) *cluster.Cluster {
	for _, c := range h.Clusters() {
		if c.Name() == name {
			return c
		}
	}
	h.t.Fatalf("there is no cluster %s", name)
	return nil
}

// front is the address of a listener.
func (h *house) front(i int) string { return (*h.listeners.Load())[i].Addr().String() }

func (h *house) admin() string { return "http://" + h.adminLns[0].Addr().String() }

var noKeepAlive = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	q, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	r, err := noKeepAlive.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// endpoint answers every request with its name.
func endpoint(t *testing.T, name string) string {
	return endpointOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

func endpointOf(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: f}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return ln.Addr().String()
}

// document is a file with one listener, and cluster web with a policy and
// endpoints.
func document(policy string, endpoints ...string) string {
	return fmt.Sprintf("listeners: [{address: 127.0.0.1:0}]\nadmin: {address: 127.0.0.1:0}\nclusters:\n- {name: web, policy: %s, endpoints: [%s]}\n",
		policy, strings.Join(endpoints, ", "))
}

// four are addresses that nobody sends anything to.
var four = []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"}

func TestItServesUntilItIsStopped(t *testing.T) {
	in, out := make(chan struct{}), make(chan struct{})
	address := endpointOf(t, func(w http.ResponseWriter, _ *http.Request) {
		in <- struct{}{}
		<-out
		_, _ = io.WriteString(w, "late")
	})
	h := newHouse(t, document("random", address))
	got := make(chan string, 1)
	go func() {
		r, err := noKeepAlive.Get("http://" + h.front(0))
		if err != nil {
			got <- err.Error()
			return
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	}()
	<-in
	front, admin := h.front(0), h.admin()
	h.end()
	h.eventually("draining", func() bool { return h.Ready() != nil })
	if status, text := call(t, "GET", admin+"/readyz", ""); status != 503 || text != "draining\n" {
		t.Errorf("readyz: %d %q", status, text)
	}
	if _, err := h.Apply([]byte(document("p2c", address)), false); err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("a document sent while it stops: %v", err)
	}
	h.eventually("no new connection is taken", func() bool {
		c, err := net.Dial("tcp", front)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(out)
	if text := <-got; text != "late" {
		t.Errorf("the request under way got %q", text)
	}
	h.stop()
}

func TestNothingStaysBoundWhenItCannotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	h := &house{t: t, dir: t.TempDir(), log: &book{}}
	h.path = filepath.Join(h.dir, "poise.yaml")
	for _, text := range []string{
		strings.Replace(document("random", four...), "admin: {address: 127.0.0.1:0}", "admin: {address: "+taken.Addr().String()+"}", 1),
		strings.Replace(document("random", four...), "listeners: [", "listeners: [{address: localhost:0}, {address: "+taken.Addr().String()+"}, ", 1),
	} {
		h.write(text)
		_, err := h.build()
		if err == nil || !strings.Contains(err.Error(), taken.Addr().String()+": another process already does; stop it or choose another port") {
			t.Errorf("error %v", err)
		}
	}
}

func TestReadinessWaitsForTheFirstChecks(t *testing.T) {
	out := make(chan struct{})
	address := endpointOf(t, func(http.ResponseWriter, *http.Request) { <-out })
	h := &house{t: t, dir: t.TempDir(), log: &book{}}
	h.path = filepath.Join(h.dir, "poise.yaml")
	h.write(strings.Replace(document("random", address), "policy:", "health: {path: /, timeout: 4s}, policy:", 1))
	a, err := h.build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	h.App = a
	h.eventually("the API answers", func() bool {
		r, err := noKeepAlive.Get(h.admin() + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode == 503 && string(b) == "the first health checks are not done yet\n"
	})
	close(out)
	h.eventually("ready", func() bool { return a.Ready() == nil })
	if status, _ := call(t, "GET", "http://"+h.front(0), ""); status != 200 {
		t.Errorf("the first request got %d", status)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
