package app

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poise/internal/admin"
	"poise/internal/guard"
	"poise/internal/lb"
)

// socketed is document with a Unix socket for the API.
func socketed(path string) string {
	return strings.Replace(document("random", four...), "admin: {", "admin: {socket: "+path+", ", 1)
}

func TestTheSocketIsForItsOwnerAndAStaleOneIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "admin.sock")
	left, err := net.Listen("unix", path) // by a process that was killed
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	left.Close()
	h := newHouse(t, socketed(path))
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	r, err := (&http.Client{Transport: tr, Timeout: 5 * time.Second}).Get("http://localhost/healthz")
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("healthz over the socket: %v, %v", r, err)
	}
	r.Body.Close()

	other := &house{t: t, dir: t.TempDir(), log: &book{}}
	other.path = filepath.Join(other.dir, "poise.yaml")
	other.write(socketed(path))
	if _, err := other.build(); err == nil || !strings.Contains(err.Error(), "admin.socket: cannot listen on "+path+": another process already does") {
		t.Errorf("a second poise: %v", err)
	}
	h.stop()
	if _, err := os.Lstat(path); err == nil {
		t.Error("it left its socket behind")
	}
}

func TestAFileThatIsNoSocketIsNotRemoved(t *testing.T) {
	h := &house{t: t, dir: t.TempDir(), log: &book{}}
	h.path = filepath.Join(h.dir, "poise.yaml")
	h.write(socketed(h.path))
	if _, err := h.build(); err == nil || !strings.Contains(err.Error(), h.path+" is there and is no socket") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(h.path); err != nil {
		t.Errorf("the file: %v", err)
	}
}

func TestFiguresCoverTheLastSeconds(t *testing.T) {
	e := &lb.Endpoint{Address: "a:1", Stats: &lb.Stats{}}
	m := &meter{}
	at := time.Unix(0, 0)
	tick := func(ok, failed uint64, latency time.Duration) admin.Figures {
		e.Stats.Outcomes[lb.Success].Add(ok)
		e.Stats.Outcomes[lb.Reset].Add(failed)
		for range ok {
			e.Stats.Latency.Observe(latency)
		}
		m.tick(at, []*lb.Endpoint{e}, noStatus)
		at = at.Add(time.Second)
		return m.figures["a:1"]
	}
	if f := tick(1000, 0, time.Second); f.Rate != 0 || f.P99 != 0 {
		t.Errorf("first sample: %+v; what came before counts for nothing", f)
	}
	if f := tick(30, 10, 10*time.Millisecond); f.Rate != 40 || f.Failures != 0.25 || f.P50 < 0.0095 || f.P50 > 0.0105 {
		t.Errorf("after a second: %+v", f)
	}
	for range meterSamples {
		tick(20, 0, 20*time.Millisecond)
	}
	if f := m.figures["a:1"]; f.Rate != 20 || f.Failures != 0 || f.P50 < 0.019 || f.P50 > 0.021 {
		t.Errorf("after the failures have passed: %+v", f)
	}
	m.tick(at, nil, noStatus)
	if len(m.figures) != 0 || len(m.past) != 0 {
		t.Error("an endpoint that left is kept")
	}
}

func noStatus(*lb.Endpoint) guard.Status { return guard.Status{} }
