package admin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"poise/internal/balance/catalog"
	"poise/internal/cluster"
)

func TestReadiness(t *testing.T) {
	unchecked := cluster.New(cluster.Options{Name: "new", Policy: "random", Builders: catalog.Builders(), AwaitCheck: true, Wall: time.Now}, []cluster.Spec{{Address: "127.0.0.1:9009"}})
	ill := func(addresses ...string) func(*rig) {
		return func(r *rig) {
			for _, a := range addresses {
				r.balancer.clusters[0].SetHealth(a, false, "ill")
			}
		}
	}
	disabled := func(r *rig) {
		for _, a := range []string{"127.0.0.1:9001", "127.0.0.1:9002", "[::1]:9003"} {
			if err := r.balancer.clusters[0].SetOperator(a, cluster.Disable); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := ill("127.0.0.1:9001", "127.0.0.1:9002", "[::1]:9003")
	for _, tt := range []struct {
		name, query string
		before      func(*rig)
		status      int
		says        string
	}{
		{"a process that serves is ready", "", nil, 200, "ready"},
		{"one that drains is not", "", func(r *rig) { r.balancer.ready = errors.New("draining") }, 503, "draining"},
		{"one that drains is not, whatever its clusters", "?cluster=web", func(r *rig) { r.balancer.ready = errors.New("draining") }, 503, "draining"},
		{"the process stays ready with every endpoint ill", "", all, 200, "ready"},
		{"a cluster of well endpoints is ready", "?cluster=web", nil, 200, "ready"},
		{"a cluster with one ill endpoint is ready", "?cluster=web", ill("127.0.0.1:9001"), 200, "ready"},
		{"a cluster in panic with one well endpoint is ready", "?cluster=web", ill("127.0.0.1:9001", "127.0.0.1:9002"), 200, "ready"},
		{"a cluster with every endpoint ill is not", "?cluster=web", all, 503, "no usable endpoint"},
		{"a cluster with every endpoint disabled is not", "?cluster=web", disabled, 503, "no usable endpoint"},
		{"a cluster that was not checked yet is not", "?cluster=new", func(r *rig) { r.balancer.clusters = append(r.balancer.clusters, unchecked) }, 503, "no usable endpoint"},
		{"a cluster whose second tier serves is ready", "?cluster=users", func(r *rig) {
			r.balancer.clusters[1].SetHealth("127.0.0.1:9001", false, "ill")
			r.balancer.clusters[1].SetHealth("127.0.0.1:9002", false, "ill")
		}, 200, "ready"},
		{"a cluster that is none is not found", "?cluster=wbe", nil, 404, "did you mean web?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig()
			if tt.before != nil {
				tt.before(r)
			}
			w := r.ask("GET", "/readyz"+tt.query, "")
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("status %d, %q; want %d and %q", w.Code, w.Body, tt.status, tt.says)
			}
			if w.Code == 404 {
				problemOf(t, w)
			} else if kind := w.Header().Get("Content-Type"); kind != "text/plain; charset=utf-8" {
				t.Errorf("an answer of type %q", kind)
			}
			if w := r.ask("GET", "/healthz", ""); w.Code != 200 || w.Body.String() != "ok\n" {
				t.Errorf("healthz: status %d, %q", w.Code, w.Body)
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	h := newRig().Handler(true)
	for path, says := range map[string]string{
		"/debug/pprof/":                            "goroutine",
		"/debug/pprof/goroutine?debug=1":           "goroutine profile",
		"/debug/pprof/heap?debug=1":                "heap profile",
		"/debug/pprof/symbol":                      "num_symbols",
		"/debug/pprof/cmdline":                     "admin.test",
		"/debug/pprof/trace?seconds=0.01":          "go 1",
		"/debug/pprof/profile?seconds=1&debug=raw": "\x1f\x8b", // gzip
	} {
		w := ask(h, "GET", path, "")
		if w.Code != 200 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("GET %s: status %d, %.60q; want %q in it", path, w.Code, w.Body, says)
		}
	}
	if w := ask(h, "GET", "/debug/pprof/nothing", ""); w.Code != 404 || !strings.Contains(problemOf(t, w).Detail, "goroutine") {
		t.Errorf("a profile that is none: status %d, %s", w.Code, w.Body)
	}
}
