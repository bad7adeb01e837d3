//go:build faults

package faults

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"poise/test/fleet"
)

// poise is the binary that all tests run.
var poise string

func TestMain(m *testing.M) {
	if holding() {
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "poise-faults")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		poise, err = fleet.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	fmt.Print(results.String())
	return code
}

// rig is a balancer with two workers and, where a test brings one, a raw
// endpoint below /odd.
type rig struct {
	*fleet.Balancer
	t       *testing.T
	workers []string
	before  fleet.Usage
}

// plan is what a test may change before its rig starts.
type plan struct {
	odd      string   // address of the raw endpoint
	limits   string   // of the listener, added to the short ones
	cluster  string   // lines of the cluster web
	document string   // lines at the end of the configuration
	prefix   []string // of the command
	front    string
	worker   []string // flags of the workers
}

// Waits are short, so that what they end ends within a test.
const (
	patience    = 2 * time.Second // every wait of the listener and for endpoints
	shortLimits = "header_timeout: 2s, body_between: 2s, keepalive: 40s"
	shortWaits  = "  timeouts: {connect: 1s, head: 2s, between: 2s, tunnel_idle: 60s, keepalive: 1s}\n"
)

func (p *plan) text(workers []string) func(front, admin string) string {
	return func(front, admin string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "listeners: [{address: %q, limits: {%s%s}}]\nadmin: %s\n", front, shortLimits, p.limits, admin)
		if p.odd != "" {
			fmt.Fprintf(&b, "routes: [{match: {path: /odd}, cluster: odd}, {cluster: web}]\n")
		}
		fmt.Fprintf(&b, "clusters:\n- name: web\n  policy: round-robin\n  endpoints: [%s]\n%s%s", strings.Join(workers, ", "), shortWaits, p.cluster)
		if p.odd != "" {
			fmt.Fprintf(&b, "- name: odd\n  policy: round-robin\n  endpoints: [%q]\n%s", p.odd, shortWaits)
		}
		return b.String() + p.document
	}
}

func (p *plan) start(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t}
	for i := range 2 {
		address := fleet.FreeAddress()
		w, err := fleet.Worker(poise, address, append([]string{"--name", fmt.Sprint(i), "--delay", "2ms"}, p.worker...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.End(os.Kill) })
		r.workers = append(r.workers, address)
	}
	var err error
	r.Balancer, err = fleet.Serve(fleet.Setup{Binary: poise, Dir: t.TempDir(), Front: p.front, Document: p.text(r.workers), Prefix: p.prefix})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.End(os.Kill)
		if t.Failed() {
			t.Logf("the balancer says\n%s", clip(r.Log.String()))
		}
	})
	return r
}

// clip keeps the end of a long text.
func clip(s string) string {
	const most = 8 << 10
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// slack is by how much a balancer may hold more after a fault than before it.
// A few goroutines and descriptors are the measuring call's own, which the
// kernel and the runtime take a moment to let go of. The heap is compared
// after a collection, so that what is left is what something still holds on
// to. The kernel counts what the heap has let go of until the runtime gives it
// back, minutes later; so resident memory gets as much as an ordinary burst of
// traffic leaves behind.
type slack struct {
	goroutines, files int
	heap, rss         int64         // bytes
	within            time.Duration // after the fault ended
}

var usual = slack{goroutines: 2, files: 2, heap: 1 << 20, rss: 12 << 20, within: 10 * time.Second}

// endure measures, makes clients behave while fault happens, and checks that
// the balancer then returns to where it was. fault calls during at its height.
func (r *rig) endure(s slack, fault func(during func() fleet.Usage)) {
	r.t.Helper()
	r.warm()
	r.before = r.quiet()
	steady := fleet.Behave(r.Front, "/health", 4, 50*time.Millisecond)
	var height fleet.Usage
	fault(func() fleet.Usage {
		u := r.usage(r.Usage)
		height = fleet.Usage{
			RSS: max(height.RSS, u.RSS), Heap: max(height.Heap, u.Heap),
			Goroutines: max(height.Goroutines, u.Goroutines), Files: max(height.Files, u.Files),
		}
		return u
	})
	if err := steady.Stop(); err != nil {
		r.t.Errorf("%v", err)
	}
	after, back := r.back(s)
	results.add(r.t.Name(), r.before, height, after)
	r.t.Logf("%d requests of clients that behave\nbefore %v\nduring %v\nafter  %v", steady.Asked.Load(), r.before, height, after)
	if !back {
		r.t.Errorf("%v after the fault it does not hold what it held before it; allowed are %d goroutines, %d descriptors, %d KiB of heap and %d KiB of RSS more",
			s.within, s.goroutines, s.files, s.heap>>10, s.rss>>10)
	}
}

// warm has every part used once: pools, buffers, counters.
func (r *rig) warm() {
	r.t.Helper()
	s := fleet.Behave(r.Front, "/health", 8, 5*time.Millisecond)
	time.Sleep(300 * time.Millisecond)
	if err := s.Stop(); err != nil {
		r.t.Fatalf("before the fault: %v", err)
	}
}

// quiet returns what the balancer holds once the connections to endpoints that
// wait are given up, and two readings agree.
func (r *rig) quiet() fleet.Usage {
	r.t.Helper()
	time.Sleep(1300 * time.Millisecond)
	last := r.usage(r.Live)
	for range 20 {
		time.Sleep(300 * time.Millisecond)
		u := r.usage(r.Live)
		if u.Files == last.Files && u.Goroutines == last.Goroutines {
			return u
		}
		last = u
	}
	r.t.Fatalf("it does not come to rest: %v", last)
	return last
}

func (r *rig) usage(read func() (fleet.Usage, error)) fleet.Usage {
	r.t.Helper()
	u, err := read()
	if err != nil {
		r.t.Fatal(err)
	}
	return u
}

// back waits until the balancer holds what it held before.
func (r *rig) back(s slack) (u fleet.Usage, ok bool) {
	ok = fleet.Within(s.within, func() bool {
		u = r.usage(r.Live)
		b := &r.before
		return u.Goroutines <= b.Goroutines+s.goroutines && u.Files <= b.Files+s.files && u.Heap <= b.Heap+s.heap && u.RSS <= b.RSS+s.rss
	})
	return u, ok
}

// notRun says loudly that a test could not run, and why.
func notRun(t *testing.T, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	fmt.Fprintf(os.Stderr, "NOT-RUN: %s: %s\n", t.Name(), why)
	results.note(t.Name() + ": NOT-RUN: " + why)
	t.Skip("NOT-RUN: " + why)
}
