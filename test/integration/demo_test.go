//go:build integration

package integration

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	running "poise/test/fleet"
)

func demoCommand(t *testing.T, poise string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	args = append([]string{"demo", "--listen", running.FreeAddress(), "--admin", running.FreeAddress(), "--rate", "200"}, args...)
	c := exec.Command(poise, args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	return c, &out
}

// TestDemo goes through the tour under one policy: exit 0 says that every stop
// had its effect.
func TestDemo(t *testing.T) {
	t.Parallel()
	c, out := demoCommand(t, buildPoise(t), "--policies", "least-request", "--for", "15s")
	if err := c.Run(); err != nil {
		t.Fatalf("poise demo: %v\n%s", err, out)
	}
	text := out.String()
	for _, want := range []string{
		"✓ steady", "takes 200 ms", "answers 503", "hangs", "is killed", "is back",
		"unhealthy, because no answer in time", "unhealthy, because connection refused", "healthy, because its health check passes",
		"What clients saw", "All 6 stops had their expected effect.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if strings.Contains(text, "\x1b") || strings.Contains(text, "\r") {
		t.Error("colours or rewritten lines where there is no terminal")
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// TestDemoInterrupted sends the signal of Ctrl-C during the second stop.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	c, out := demoCommand(t, buildPoise(t), "--policies", "round-robin", "--for", "18s")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4500 * time.Millisecond)
	began := time.Now()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit %d; want 1", code)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it ended %v after the signal", took)
	}
	if text := out.String(); !strings.Contains(text, "What clients saw") || !strings.Contains(text, "interrupted after 1 of 6 stops") {
		t.Errorf("no summary so far:\n%s", text)
	}
}
