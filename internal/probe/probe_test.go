package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVerdictWaitsForEnoughResults(t *testing.T) {
	for _, test := range []struct {
		name    string
		results string // + passed, - failed
		want    string // + or - where the verdict changed, . where it did not
	}{
		{"first check decides", "+", "+"},
		{"first failure decides", "-", "-"},
		{"one failure is no verdict", "+-+--+---", "+.......-"},
		{"two successes bring it back", "-+-++", "-...+"},
		{"nothing new, nothing said", "++++", "+..."},
	} {
		v := NewVerdict(Thresholds{Rise: 2, Fall: 3, Initial: 1})
		got := ""
		for _, r := range test.results {
			switch {
			case !v.Take(r == '+'):
				got += "."
			case v.Healthy():
				got += "+"
			default:
				got += "-"
			}
		}
		if got != test.want {
			t.Errorf("%s: %s gave %s; want %s", test.name, test.results, got, test.want)
		}
	}
}

func TestInitialMayAskForMore(t *testing.T) {
	v := NewVerdict(Thresholds{Rise: 1, Fall: 1, Initial: 2})
	if v.Take(true) || v.Take(false) || !v.Take(false) || v.Healthy() {
		t.Error("two of the same result decide, not any two")
	}
}

// told collects what a prober reports.
type told struct {
	mu  sync.Mutex
	all []string
}

func (r *told) SetHealth(address string, healthy bool, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	word := " sick: "
	if healthy {
		word = " well: "
	}
	r.all = append(r.all, address+word+reason)
}

func (r *told) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.all...)
}

func TestHangingTargetDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r told
		p := New(Options{
			Interval: time.Second, Timeout: 10 * time.Second, Thresholds: Thresholds{1, 1, 1}, Reporter: &r,
			Check: func(ctx context.Context, address string) error {
				if address == "hangs" {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			},
		})
		defer p.Close()
		p.Set([]string{"hangs", "well"})
		time.Sleep(9500 * time.Millisecond)
		if counts := p.Counts(); counts["well"][0] != 10 || counts["hangs"][1] != 0 {
			t.Errorf("checks: %v; want ten of the one that is well", counts)
		}
		time.Sleep(time.Second)
		if got := r.list(); len(got) != 2 || !strings.HasPrefix(got[1], "hangs sick") {
			t.Errorf("told %q", got)
		}
	})
}

func TestFlappingBelowTheThresholdSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r told
		n := 0
		p := New(Options{
			Interval: time.Second, Timeout: time.Second, Thresholds: Thresholds{2, 3, 1}, Reporter: &r,
			Check: func(context.Context, string) error {
				if n++; n%3 == 0 {
					return errors.New("hiccup")
				}
				return nil
			},
		})
		defer p.Close()
		p.Set([]string{"a"})
		time.Sleep(time.Minute)
		if got := r.list(); len(got) != 1 || !strings.HasPrefix(got[0], "a well") {
			t.Errorf("told %q; want the first verdict only", got)
		}
	})
}

func TestTargetsThatStayKeepTheirState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r told
		p := New(Options{
			Interval: time.Second, Timeout: time.Second, Thresholds: Thresholds{1, 1, 1}, Reporter: &r,
			Check: func(context.Context, string) error { return nil },
		})
		defer p.Close()
		p.Set([]string{"a", "b"})
		time.Sleep(1500 * time.Millisecond)
		p.Set([]string{"b", "c"})
		time.Sleep(900 * time.Millisecond)
		counts := p.Counts()
		if _, ok := counts["a"]; ok || counts["b"][0] != 3 || counts["c"][0] != 1 {
			t.Errorf("checks: %v", counts)
		}
		if n := len(r.list()); n != 3 {
			t.Errorf("%d verdicts told; want one each", n)
		}
	})
}

func TestPauseStaysWithinTheJitter(t *testing.T) {
	p := New(Options{Interval: time.Second, Jitter: 0.1})
	low, high := time.Hour, time.Duration(0)
	for range 1000 {
		d := p.pause()
		low, high = min(low, d), max(high, d)
	}
	if low < 900*time.Millisecond || high > 1100*time.Millisecond || high-low < 100*time.Millisecond {
		t.Errorf("pauses from %v to %v", low, high)
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func listen(t *testing.T, serve func(net.Conn)) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer c.Close(); serve(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return ln.Addr().String()
}

func TestHTTPCheck(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sick" {
			w.WriteHeader(503)
		}
	}))
	defer s.Close()
	address := s.Listener.Addr().String()
	ok := Statuses{{200, 299}}
	if err := HTTP("/well", ok)(within(t), address); err != nil {
		t.Errorf("well: %v", err)
	}
	if err := HTTP("/sick", ok)(within(t), address); err == nil || err.Error() != "status 503" {
		t.Errorf("sick: %v", err)
	}
	if err := HTTP("/sick", Statuses{{503, 503}})(within(t), address); err != nil {
		t.Errorf("503 expected: %v", err)
	}
	hangs := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	if err := HTTP("/", ok)(within(t), hangs); err == nil || err.Error() != "no answer in time" {
		t.Errorf("hangs: %v", err)
	}
	closes := listen(t, func(net.Conn) {})
	if err := HTTP("/", ok)(within(t), closes); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("closes: %v", err)
	}
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	ln.Close()
	if err := HTTP("/", ok)(within(t), ln.Addr().String()); err == nil || err.Error() != "connection refused" {
		t.Errorf("refused: %v", err)
	}
	if err := TCP()(within(t), ln.Addr().String()); err == nil {
		t.Error("TCP: nobody listens and the check passes")
	}
	if err := TCP()(within(t), hangs); err != nil {
		t.Errorf("TCP: %v", err)
	}
}

func TestGRPCCheckAgainstTheRealServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := health.NewServer()
	h.SetServingStatus("sick", healthpb.HealthCheckResponse_NOT_SERVING)
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, h)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	defer func() { s.Stop(); <-done }()
	address := ln.Addr().String()
	if err := GRPC("*")(within(t), address); err != nil {
		t.Errorf("server: %v", err)
	}
	if err := GRPC("sick")(within(t), address); err == nil || err.Error() != "grpc: NOT_SERVING" {
		t.Errorf("sick service: %v", err)
	}
	if err := GRPC("unknown")(within(t), address); err == nil || !strings.Contains(err.Error(), "grpc status 5") {
		t.Errorf("unknown service: %v", err)
	}
}
