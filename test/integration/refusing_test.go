//go:build integration

package integration

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// mortal is an endpoint that can be gone, so that connections to it are
// refused, and come back at the same address.
type mortal struct {
	address string
	server  *http.Server
	done    chan struct{}
}

func (m *mortal) live(t *testing.T) {
	t.Helper()
	if m.address == "" {
		m.address = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", m.address)
	if err != nil {
		t.Fatal(err)
	}
	m.address, m.done = ln.Addr().String(), make(chan struct{})
	m.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond)
		_, _ = io.WriteString(w, strings.Repeat("w", 1024))
	})}
	go func(s *http.Server, done chan struct{}) {
		defer close(done)
		_ = s.Serve(ln)
	}(m.server, m.done)
}

func (m *mortal) die() {
	_ = m.server.Close()
	<-m.done
}

func mortals(t *testing.T, r *rig) (*side, []*mortal) {
	t.Helper()
	var all []*mortal
	var addresses []string
	for range 4 {
		m := &mortal{}
		m.live(t)
		t.Cleanup(m.die)
		all, addresses = append(all, m), append(addresses, m.address)
	}
	s := r.start(t, fronts[0], addresses)
	s.drive(t, 300, time.Second) // warm
	return s, all
}

// TestAnEndpointThatRefusesCostsTheClientsNothing is the short form of G2.
func TestAnEndpointThatRefusesCostsTheClientsNothing(t *testing.T) {
	for _, policy := range []string{"round-robin", "least-request", "p2c"} {
		t.Run(policy, func(t *testing.T) {
			s, all := mortals(t, protected(policy))
			before := s.attempts()
			all[0].die()
			got := s.drive(t, 300, 2*time.Second)
			if n := s.attempts() - before; got.failed > 0 || float64(n) > 1.05*float64(got.requests) {
				t.Errorf("%d of %d failed, with %d attempts", got.failed, got.requests, n)
			}
		})
	}
	t.Run("without the guard", func(t *testing.T) {
		r := newRig()
		r.policy, r.upstream.Retry.Most, r.upstream.Retry.Connect = "round-robin", 0, false
		s, all := mortals(t, r)
		before := s.attempts()
		all[0].die()
		got := s.drive(t, 300, 2*time.Second)
		if n := s.attempts() - before; float64(n) < 1.1*float64(got.requests) && got.failed < got.requests/10 {
			t.Errorf("%d of %d failed, with %d attempts: the condition would show nothing", got.failed, got.requests, n)
		}
	})
}

// TestWhenAllRefuseTheClientsAreToldAtOnce is the short form of G7.
func TestWhenAllRefuseTheClientsAreToldAtOnce(t *testing.T) {
	s, all := mortals(t, protected("p2c"))
	for _, m := range all {
		m.die()
	}
	s.drive(t, 500, time.Second) // the reserve of retries is spent
	before := s.attempts()
	got := s.drive(t, 500, 2*time.Second)
	if n := s.attempts() - before; got.failed != got.requests || got.shed > 0 || float64(n) > 1.05*float64(got.requests) {
		t.Errorf("%d attempts for %d requests, of which %d failed and %d were shed; want 502 for each at once", n, got.requests, got.failed, got.shed)
	}
	if got.slowest > 500*time.Millisecond {
		t.Errorf("one was told after %v", got.slowest)
	}
	for _, m := range all {
		m.live(t)
	}
	time.Sleep(time.Second)
	if got := s.drive(t, 300, time.Second); got.failed > 0 {
		t.Errorf("%d of %d failed a second after they were back", got.failed, got.requests)
	}
}
