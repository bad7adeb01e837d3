package app

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// logging is document with an access log.
func logging(path, address string) string {
	return document("random", address) + "telemetry: {access_log: {path: " + path + "}}\n"
}

func (h *house) get(path string) {
	h.t.Helper()
	if status, text := call(h.t, "GET", "http://"+h.front(0)+path, ""); status != 200 {
		h.t.Errorf("%s: %d %q", path, status, text)
	}
}

func lines(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

func TestRotationByASignalLosesNoLine(t *testing.T) {
	var path string
	h := newHouse(t, "", func(h *house) {
		path = filepath.Join(h.dir, "access.log")
		h.write(logging(path, endpoint(t, "a")))
		h.linked = true
	})
	h.get("/one")
	h.eventually("written", func() bool { return strings.Contains(lines(path), `"path":"/one"`) })
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	h.logged("the access log was opened anew")
	h.get("/two")
	h.eventually("written", func() bool { return strings.Contains(lines(path), `"path":"/two"`) })
	if old := lines(path + ".1"); strings.Count(old, "\n") != 1 || strings.Contains(old, "/two") {
		t.Errorf("the old one holds %q", old)
	}
	if err := os.Rename(path, path+".2"); err != nil { // and without a signal
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	h.get("/three")
	h.eventually("written", func() bool { return strings.Contains(lines(path), `"path":"/three"`) })
}

func TestASignalWithoutALogFileDoesNoHarm(t *testing.T) {
	h := newHouse(t, document("random", endpoint(t, "a")))
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	h.logged("SIGUSR1: there is no access log in a file to open anew")
	h.get("/")
}

func TestAFullDiskCostsLinesAndNoRequest(t *testing.T) {
	h := newHouse(t, logging("/dev/full", endpoint(t, "a")))
	for range 30 {
		h.get("/")
	}
	h.eventually("counted", func() bool { return h.access.Dropped.Load() == 30 })
	if n := h.log.count("level=ERROR", "the access log cannot be written; requests are served"); n != 1 {
		t.Errorf("said %d times; want once", n)
	}
	if s := h.Source(); !strings.Contains(s.Note, "the access log cannot be written (write /dev/full: no space left on device)") {
		t.Errorf("status %q", s.Note)
	}
}

func TestAReaderThatTakesNothingHoldsNobodyUp(t *testing.T) {
	r, w := io.Pipe()
	h := newHouse(t, logging("stdout", endpoint(t, "a")), func(h *house) { h.stdout = w })
	for range 30 {
		h.get("/")
	}
	began := time.Now()
	h.stop()
	if took := time.Since(began); took > lastLines+3*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if h.log.count("nobody takes the last lines of the access log") != 1 {
		t.Errorf("the log says\n%s", h.log)
	}
	_ = r.Close() // ends the write that nobody waits for any more
}

func TestTheLastLinesAreWrittenBeforeItEnds(t *testing.T) {
	b := &book{}
	h := newHouse(t, logging("stdout", endpoint(t, "a")), func(h *house) { h.stdout = b })
	for range 10 {
		h.get("/")
	}
	h.stop()
	if n := b.count(`"status":200`); n != 10 {
		t.Errorf("%d lines; want 10", n)
	}
}

func TestALogThatCannotBeOpenedRefusesTheStart(t *testing.T) {
	h := &house{t: t, dir: t.TempDir(), log: &book{}}
	h.path = filepath.Join(h.dir, "poise.yaml")
	h.write(logging(filepath.Join(h.dir, "none", "access.log"), four[0]))
	if _, err := h.build(); err == nil || !strings.Contains(err.Error(), "the access log cannot be opened: open "+h.dir) {
		t.Errorf("error %v", err)
	}
}
