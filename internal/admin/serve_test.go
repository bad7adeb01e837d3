package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPIStaysOnThisMachineWithoutAToken(t *testing.T) {
	for _, tt := range []struct {
		name, address, token string
		refused              bool
	}{
		{"loopback", "127.0.0.1:0", "", false},
		{"localhost", "localhost:0", "", false},
		{"every address", "0.0.0.0:0", "", true},
		{"no host, which is every address", ":0", "", true},
		{"loopback, with a token", "127.0.0.1:0", token, false},
		{"every address, with a token", ":0", token, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", tt.address)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			err = CheckReach(ln.Addr(), tt.token)
			if (err != nil) != tt.refused || err != nil && !strings.Contains(err.Error(), "admin.token") {
				t.Errorf("error %v; refused is to be %t", err, tt.refused)
			}
		})
	}
}

func TestServeOverTheSocketUntilItsContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, ln, r.Handler(true)) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Get("http://any.name/debug/pprof/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("status %d", answer.StatusCode)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there")
	}
}

// A stream never ends by itself, and must not hold up the end of the process.
func TestServeEndsThoughAStreamIsOpen(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, ln, r.Handler(false)) }()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get("http://" + ln.Addr().String() + "/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	began := time.Now()
	cancel()
	select {
	case err := <-done:
		if err != nil || time.Since(began) > 4*time.Second {
			t.Errorf("it ended after %v with %v", time.Since(began), err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it did not end within 10 s")
	}
}

func TestServeTellsWhenItsListenerFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := Serve(t.Context(), ln, http.NotFoundHandler()); err == nil {
		t.Error("no error")
	}
}

// pipes is a listener of connections that live in memory, so that time can be
// made up.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// Whoever does not go on must not hold a connection for ever.
func TestWaitsAreBounded(t *testing.T) {
	const put = "PUT /api/v1/clusters/web/policy HTTP/1.1\r\nHost: localhost\r\n"
	for _, tt := range []struct {
		name, sent, answer string
		after              time.Duration
	}{
		{"a head that does not end", put, "", headTime},
		{"a body that does not end", put + "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{", "HTTP/1.1 400", bodyTime},
		{"a body that no call reads", "DELETE / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{", "HTTP/1.1 405", bodyTime},
		{"a body without a length", put + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "HTTP/1.1 400", bodyTime},
		{"a next request that does not come", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200", idleTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := &pipes{make(chan net.Conn), make(chan struct{})}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- Serve(ctx, ln, newRig().Handler(false)) }()
				ours, theirs := net.Pipe()
				ln.conns <- theirs
				began := time.Now()
				go func() { _, _ = io.WriteString(ours, tt.sent) }()
				b, err := io.ReadAll(ours)
				if err != nil || !strings.HasPrefix(string(b), tt.answer) || tt.answer == "" && len(b) > 0 {
					t.Errorf("%.80q, %v; want %q", b, err, tt.answer)
				}
				if took := time.Since(began).Round(time.Second); took != tt.after {
					t.Errorf("the connection ended after %v; want %v", took, tt.after)
				}
				ours.Close()
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A stream is no body: it goes on for as long as its listener stays.
func TestStreamOutlivesEveryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		done, run := make(chan error, 1), make(chan struct{})
		r := newRig()
		go func() { done <- Serve(ctx, ln, r.Handler(false)) }()
		go func() { defer close(run); r.Run(ctx) }()
		ours, theirs := net.Pipe()
		ln.conns <- theirs
		go func() { _, _ = io.WriteString(ours, "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n") }()
		time.AfterFunc(10*time.Minute+time.Millisecond, cancel)
		b, err := io.ReadAll(ours)
		if n := strings.Count(string(b), "event: state\n"); err != nil || n != 600 {
			t.Errorf("%d states in ten minutes, %v", n, err)
		}
		ours.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		<-run
	})
}
