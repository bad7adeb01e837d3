package app

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// atOnce is well below the quiet time that a file written in place needs.
const atOnce = afterWrite - 500*time.Millisecond

func (h *house) within(d time.Duration, what string, f func() bool) {
	h.t.Helper()
	began := time.Now()
	h.eventually(what, f)
	if took := time.Since(began); took > d {
		h.t.Errorf("%s: took %v; want at most %v", what, took, d)
	}
}

func TestAReplacedFileAppliesAtOnce(t *testing.T) {
	h := newHouse(t, document("random", four...))
	h.replace(document("p2c", four...))
	h.within(atOnce, "applied", func() bool { return h.policy() == "p2c" })
}

func TestASwappedSymlinkAppliesAtOnce(t *testing.T) {
	for _, test := range []struct {
		name string
		swap func(t *testing.T, dir string)
	}{
		{"the file is the symlink", func(t *testing.T, dir string) { link(t, "new.yaml", filepath.Join(dir, "poise.yaml")) }},
		{"a directory on the way to it, as Kubernetes does", func(t *testing.T, dir string) { link(t, "..2", filepath.Join(dir, "..data")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, "", func(h *house) { layOut(t, h) })
			test.swap(t, h.dir)
			h.within(atOnce, "applied", func() bool { return h.policy() == "p2c" })
		})
	}
}

// layOut makes poise.yaml a symlink through ..data to the first of two
// versions.
func layOut(t *testing.T, h *house) {
	t.Helper()
	for dir, policy := range map[string]string{"..1": "random", "..2": "p2c"} {
		if err := os.Mkdir(filepath.Join(h.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(h.dir, dir, "poise.yaml"), []byte(document(policy, four...)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(h.dir, "new.yaml"), []byte(document("p2c", four...)), 0o644); err != nil {
		t.Fatal(err)
	}
	link(t, "..1", filepath.Join(h.dir, "..data"))
	link(t, "..data/poise.yaml", h.path)
	h.linked = true
}

// link makes a symlink, in the place of one that is there.
func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path+".tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

func TestAFileWrittenInPlaceWaitsUntilItIsQuiet(t *testing.T) {
	h := newHouse(t, document("random", four...))
	h.write(document("p2c", four...)[:60]) // a document of its own that is bad
	time.Sleep(afterWrite / 2)
	h.write(document("p2c", four...))
	written := time.Now()
	h.eventually("applied", func() bool { return h.policy() == "p2c" })
	if quiet := time.Since(written); quiet < afterWrite-100*time.Millisecond {
		t.Errorf("applied after %v of quiet; want %v", quiet, afterWrite)
	}
	if n := h.log.count("configuration refused"); n != 0 {
		t.Errorf("the half written file was looked at; the log says\n%s", h.log)
	}
}

func TestHangupAndReloadDoNotWaitForQuiet(t *testing.T) {
	h := newHouse(t, document("random", four...))
	h.write(document("p2c", four...))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	h.within(atOnce, "applied", func() bool { return h.policy() == "p2c" })
	h.write(document("random", four...))
	if status, text := call(t, "POST", h.admin()+"/api/v1/reload", ""); status != 204 || h.policy() != "random" {
		t.Errorf("reload: %d %q, policy %s", status, text, h.policy())
	}
}

func TestAFileThatIsGoneChangesNothingAndIsSaidOnce(t *testing.T) {
	h := newHouse(t, document("random", four...))
	if err := os.Remove(h.path); err != nil {
		t.Fatal(err)
	}
	h.lookAtFile()
	h.lookAtFile()
	if n := h.log.count("the configuration file cannot be read; what is in force stays"); n != 1 {
		t.Errorf("said %d times", n)
	}
	if _, err := h.Reload(); err == nil {
		t.Error("a reload without a file was no error")
	}
	if s := h.Source(); h.policy() != "random" || !strings.Contains(s.Note, "cannot be read") {
		t.Errorf("policy %s, status %q", h.policy(), s.Note)
	}
	h.replace(document("p2c", four...))
	h.eventually("applied", func() bool { return h.policy() == "p2c" })
	if s := h.Source(); s.Note != "" || h.log.count("can be read again") != 1 {
		t.Errorf("status %q", s.Note)
	}
}

func TestAPipeIsReadOnceAndNotWatched(t *testing.T) {
	h := newHouse(t, document("random", four...), func(h *house) { h.asPipe = true })
	h.logged("the file is not watched", "is no regular file and cannot be read again")
	if _, err := h.Reload(); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("reload: %v", err)
	}
}

func TestWhichEventsConcernTheFile(t *testing.T) {
	a := &App{options: Options{Path: "/etc/poise/poise.yaml"}}
	for _, test := range []struct {
		name string
		op   fsnotify.Op
		wait time.Duration // 0 when it does not
	}{
		{"poise.yaml", fsnotify.Create, afterReplace},
		{"poise.yaml", fsnotify.Write, afterWrite},
		{"poise.yaml", fsnotify.Create | fsnotify.Write, afterWrite},
		{"poise.yaml", fsnotify.Chmod, 0},
		{"poise.yaml", fsnotify.Remove, 0},
		{"..data", fsnotify.Create, afterReplace},
		{"poise.yaml.swp", fsnotify.Write, 0},
		{"other.yaml", fsnotify.Create, 0},
	} {
		wait, ours := a.concerns(fsnotify.Event{Name: "/etc/poise/" + test.name, Op: test.op})
		if ours != (test.wait > 0) || ours && wait != test.wait {
			t.Errorf("%s %v: waits %v, %v", test.name, test.op, wait, ours)
		}
	}
}
