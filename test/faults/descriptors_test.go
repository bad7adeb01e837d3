//go:build faults

package faults

import (
	"bufio"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"poise/test/fleet"
)

const fewFiles = 256

// limited runs poise with few descriptors.
func limited(t *testing.T, p *plan) *rig {
	t.Helper()
	if _, err := exec.LookPath("prlimit"); err != nil {
		notRun(t, "prlimit is missing; install util-linux")
	}
	p.prefix = []string{"prlimit", "--nofile=256:256"}
	p.cluster += "  health: {path: /health, interval: 200ms, timeout: 1s, rise: 2, fall: 2}\n"
	return p.start(t)
}

// More clients than descriptors: those that are on it are served, the log says
// once why new ones wait, no endpoint is blamed, and all is well afterwards.
func TestDescriptorsExhaustedByClients(t *testing.T) {
	r := limited(t, &plan{})
	s := usual
	s.within = 15 * time.Second
	r.endure(s, func(during func() fleet.Usage) {
		var idle []*fleet.Client
		for range 2 * fewFiles { // the kernel connects more than are accepted
			idle = append(idle, r.dial())
		}
		if !fleet.Within(5*time.Second, func() bool { return r.Log.Count(0, "accept failed", "too many open files") > 0 }) {
			t.Error("the log does not say that accepts fail")
		}
		time.Sleep(3 * time.Second)
		for _, c := range idle {
			c.Close()
		}
		c := r.dial()
		defer c.Close()
		if a, _, err := c.Ask("GET /work HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil || a.StatusCode != 200 {
			t.Errorf("a client that came when the others had left: %v", err)
		}
		during()
	})
	if !fleet.Within(5*time.Second, func() bool { r.dial().Close(); return r.Log.Count(0, "clients are accepted again") == 1 }) {
		t.Error("the log does not say that clients are accepted again")
	}
	if n := r.Log.Count(0, "accept failed"); n > 2 {
		t.Errorf("the log says %d times within seconds that accepts fail", n)
	}
	if n := r.Log.Count(0, "to=unhealthy"); n > 0 {
		t.Errorf("endpoints were called unhealthy %d times for descriptors that poise did not have", n)
	}
}

// No descriptor is left for connections to endpoints: requests that need one
// are told so, and are not counted as the endpoint's failures.
func TestDescriptorsExhaustedTowardsEndpoints(t *testing.T) {
	release := make(chan struct{})
	odd := rawEndpointHeld(t, release)
	r := limited(t, &plan{odd: odd})
	r.endure(usual, func(during func() fleet.Usage) {
		const clients = 200
		served, refused := make(chan bool, clients), make(chan bool, clients)
		var all []*fleet.Client
		for range clients {
			all = append(all, r.dial())
		}
		done := make(chan struct{}, clients)
		for _, c := range all {
			go func() {
				defer func() { done <- struct{}{} }()
				a, _, err := c.Ask("GET /odd HTTP/1.1\r\nHost: x\r\n\r\n")
				switch {
				case err != nil:
					t.Errorf("no answer: %v", err)
				case a.StatusCode == 200:
					served <- true
				default:
					expect(t, a, err, 503, "no-descriptors")
					refused <- true
				}
				c.Close()
			}()
		}
		time.Sleep(500 * time.Millisecond)
		close(release)
		for range all {
			<-done
		}
		if len(served) == 0 || len(refused) == 0 {
			t.Errorf("%d served, %d refused; want some of both", len(served), len(refused))
		}
		during()
	})
	metrics, err := r.Get("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "poise_attempts_total") && strings.Contains(line, `outcome="connect"`) && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
			t.Errorf("an endpoint is blamed: %s", line)
		}
	}
}

// rawEndpointHeld answers once release is closed.
func rawEndpointHeld(t *testing.T, release chan struct{}) string {
	return startHTTP(t, func(w *bufio.Writer, _ *http.Request) {
		<-release
		_, _ = w.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
}
