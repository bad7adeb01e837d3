//go:build faults

package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"poise/test/fleet"
)

// TestFullDisk has a disk of 64 KiB for the access log and for what operators
// said. When it is full, requests go on, the log says so once for each, and
// both are written again when there is room.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		notRun(t, "a tmpfs cannot be mounted: %v; run this as root", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	access := filepath.Join(disk, "access.log")
	r := (&plan{document: fmt.Sprintf("state: {dir: %s/state}\ntelemetry: {access_log: {path: %s}}\n", disk, access)}).start(t)
	s := usual
	s.within = 15 * time.Second
	r.endure(s, func(during func() fleet.Usage) {
		more := fleet.Behave(r.Front, "/work", 8, 5*time.Millisecond)
		if !fleet.Within(10*time.Second, func() bool { return r.Log.Count(0, "access log cannot be written", "no space left") == 1 }) {
			t.Error("the log does not say that the access log cannot be written")
		}
		if err := r.Put("/api/v1/clusters/web/policy", `{"policy":"p2c"}`); err != nil {
			t.Errorf("a pin on a full disk: %v", err)
		}
		if !fleet.Within(5*time.Second, func() bool { return r.Log.Count(0, "level=ERROR", "state.dir") == 1 }) {
			t.Error("the log does not say that the pin was not saved")
		}
		time.Sleep(2 * time.Second)
		during()
		if err := os.Truncate(access, 0); err != nil {
			t.Fatal(err)
		}
		if !fleet.Within(3*time.Second, func() bool { return r.Log.Count(0, "access log is written again") == 1 }) {
			t.Error("the log does not say that the access log is written again")
		}
		if err := more.Stop(); err != nil {
			t.Errorf("while the disk was full: %v", err)
		}
		saved := func() bool {
			if err := os.Truncate(access, 0); err != nil { // what is written meanwhile
				t.Error(err)
			}
			return r.Log.Count(0, "are saved again") == 1
		}
		if !fleet.Within(12*time.Second, saved) { // it is tried every 10 s
			t.Error("the log does not say that pins are saved again")
		}
	})
	if n := r.Log.Count(0, "level=ERROR"); n != 2 {
		t.Errorf("%d errors in the log; want one for the access log and one for the state", n)
	}
	text, err := os.ReadFile(filepath.Join(disk, "state", "overrides.json"))
	if err != nil || !strings.Contains(string(text), "p2c") {
		t.Errorf("the pin was not saved: %q, %v", text, err)
	}
	lines, err := os.ReadFile(access)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.TrimLeft(string(lines), "\x00\n")) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a torn line in the access log: %q", line)
			break
		}
	}
}
