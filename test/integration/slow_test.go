//go:build integration

package integration

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The waits of these tests: the client pauses for longer than the endpoint may
// ever take.
const (
	endpointsTime = 300 * time.Millisecond
	clientsPause  = 900 * time.Millisecond
)

func impatientRig() *rig {
	r := newRig()
	r.upstream.Timeouts.Head, r.upstream.Timeouts.Between = endpointsTime, endpointsTime
	return r
}

func TestClientThatSendsSlowlyIsNotTheEndpointsFault(t *testing.T) {
	reads := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		_, _ = w.Write(b)
	})
	over(t, impatientRig, []http.Handler{reads}, func(t *testing.T, s *side) {
		body, send := io.Pipe()
		go func() {
			for range 3 {
				_, _ = io.WriteString(send, "piece ")
				time.Sleep(clientsPause)
			}
			_ = send.Close()
		}()
		r, err := s.client.Post(s.url, "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if b, err := io.ReadAll(r.Body); r.StatusCode != 200 || string(b) != "piece piece piece " {
			t.Errorf("got %d %q %q, %v", r.StatusCode, r.Header.Get("Poise-Error"), b, err)
		}
	})
}

func TestClientThatReadsSlowlyIsNotTheEndpointsFault(t *testing.T) {
	const size = 16 << 20
	body := strings.Repeat("x", size) // before, for making it takes its time
	sends := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	over(t, impatientRig, []http.Handler{sends}, func(t *testing.T, s *side) {
		r, err := s.client.Get(s.url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		time.Sleep(clientsPause)
		if n, err := io.Copy(io.Discard, r.Body); n != size || err != nil {
			t.Errorf("got %d of %d bytes: %v", n, size, err)
		}
	})
}

// An endpoint that stops while the client waits is still given up on, once the
// client has sent all and taken all.
func TestEndpointThatStopsAfterASlowClientIsGivenUpOn(t *testing.T) {
	over(t, impatientRig, []http.Handler{http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.ReadAll(q.Body)
		<-q.Context().Done()
	})}, func(t *testing.T, s *side) {
		body, send := io.Pipe()
		go func() { time.Sleep(clientsPause); _, _ = io.WriteString(send, "all"); _ = send.Close() }()
		began := time.Now()
		r, err := s.client.Post(s.url, "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode != 504 || time.Since(began) > clientsPause+2*time.Second {
			t.Errorf("got %d after %v; want 504", r.StatusCode, time.Since(began))
		}
	})
}

// An endpoint that takes nothing of a body that is there is given up on.
func TestEndpointThatTakesNoBodyIsGivenUpOn(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			stop := make(chan struct{})
			address := rawEndpoint(t, func(net.Conn) { <-stop })
			defer close(stop)
			s := impatientRig().start(t, f, []string{address})
			began := time.Now()
			r, err := s.client.Post(s.url, "text/plain", io.LimitReader(endless{}, 64<<20))
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if err != nil {
				if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset") || strings.Contains(err.Error(), "broken pipe") {
					return // the answer came before the body was whole, and the client did not wait for it
				}
				t.Fatal(err)
			}
			defer r.Body.Close()
			if r.StatusCode != 504 {
				t.Errorf("got %d %s; want 504", r.StatusCode, r.Header.Get("Poise-Error"))
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
