//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"poise/internal/admin"
	"poise/internal/load"
)

// knowledgeOutlivesARestart lets the engine learn that one worker is slow, and
// starts the balancer again: it knows so before a single request, and its first
// judgement does. A file that was changed is refused, and does no harm.
func knowledgeOutlivesARestart(t *testing.T, f *fleet) {
	_ = f.balancer.End(syscall.SIGTERM)
	dir := t.TempDir()
	text := fmt.Sprintf("listeners: [{address: %q}]\nadmin: {address: %q}\nstate: {dir: %q}\nengine: {evaluate: 2s, dwell: 12s}\nclusters:\n- name: web\n  endpoints: [%s]\n",
		f.front, f.admin, dir, strings.Join(f.workers, ", "))
	if err := os.WriteFile(f.file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, address := range f.workers {
		f.tell("http://"+address+"/control", fmt.Sprintf(`{"slots":4,"delay":"%dms","distribution":"exponential"}`, 10+30*(i/2)))
	}
	start := func() {
		f.balancer = f.start("serve", "-c", f.file)
		f.await("http://" + f.admin + "/readyz")
	}
	start()
	f.noneFailed(f.load(load.Options{Rate: 500, For: 7 * time.Second, Arrivals: "poisson"}, func() {}))
	before := f.endpoints()
	_ = f.balancer.End(syscall.SIGTERM)

	start()
	if f.balancer.Log.Count(0, "the engine goes on from what it knew") != 1 {
		t.Errorf("the balancer says\n%s", f.balancer.Log)
	}
	f.eventually("the workers' speed is known without a request", func() bool { return f.endpoints()[2].Service > 0 })
	for i, e := range f.endpoints() {
		t.Logf("%s: %.1f ms before, %.1f ms after, %.0f and %.0f at once", e.Address, 1e3*before[i].Service, 1e3*e.Service, before[i].Capacity, e.Capacity)
		if r := e.Service / before[i].Service; r < 0.6 || r > 1.7 { // of the slow one a few answers change much
			t.Errorf("%s took %.1f ms before the restart, and %.1f ms after", e.Address, 1e3*before[i].Service, 1e3*e.Service)
		}
	}
	if after := f.endpoints(); after[2].Service < 2*after[0].Service {
		t.Errorf("the slow worker is not told from a fast one: %.1f and %.1f ms", 1e3*after[2].Service, 1e3*after[0].Service)
	}
	restarted := time.Now()
	f.noneFailed(f.load(load.Options{Rate: 500, For: 4 * time.Second, Arrivals: "poisson"}, func() {}))
	first := f.firstJudgement(restarted)
	t.Log(first.Text)
	for _, e := range first.Evidence.Endpoints {
		t.Logf("%+v", e)
		if e.Address == f.workers[2] && e.Service < 0.02 {
			t.Errorf("the first judgement takes the slow worker for one that takes %.1f ms", 1e3*e.Service)
		}
	}
	_ = f.balancer.End(syscall.SIGTERM)

	path := filepath.Join(dir, "engine-state")
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept[len(kept)/2] ^= 1
	if err := os.WriteFile(path, kept, 0o640); err != nil {
		t.Fatal(err)
	}
	start()
	if f.balancer.Log.Count(0, "engine-state is refused", "learns anew") != 1 {
		t.Errorf("a state that was changed; the balancer says\n%s", f.balancer.Log)
	}
	if e := f.endpoints()[2]; e.Service != 0 {
		t.Errorf("a state that was changed is believed: %+v", e)
	}
	f.noneFailed(f.load(load.Options{Rate: 200, For: time.Second}, func() {}))
}

func (f *fleet) read(path string, v any) {
	f.t.Helper()
	r, err := oneShot.Get("http://" + f.admin + path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		f.t.Fatal(err)
	}
}

// endpoints are the balancer's, in the order of the workers.
func (f *fleet) endpoints() []admin.Endpoint {
	f.t.Helper()
	var c admin.Cluster
	f.read("/api/v1/clusters/web", &c)
	var all []admin.Endpoint
	for _, address := range f.workers {
		i := slices.IndexFunc(c.Endpoints, func(e admin.Endpoint) bool { return e.Address == address })
		if i < 0 {
			f.t.Fatalf("no endpoint %s in %+v", address, c.Endpoints)
		}
		all = append(all, c.Endpoints[i])
	}
	return all
}

// firstJudgement is the first entry since then that had enough to judge by.
func (f *fleet) firstJudgement(since time.Time) (first admin.Decision) {
	f.t.Helper()
	f.eventually("a judgement", func() bool {
		var v admin.Decisions
		f.read("/api/v1/decisions?limit=1000", &v)
		for _, d := range v.Decisions {
			if d.Time.After(since) && len(d.Candidates) > 0 {
				first = d
				return true
			}
		}
		return false
	})
	return first
}
