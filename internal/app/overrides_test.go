package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"poise/internal/cluster"
)

// stateful is document with a state.dir below h.dir.
func stateful(h *house, policy string, endpoints ...string) string {
	return document(policy, endpoints...) + "state: {dir: " + h.stateDir() + "}\n"
}

func (h *house) stateDir() string { return filepath.Join(h.dir, "state") }

func (h *house) saved() map[string]cluster.Overrides {
	var all map[string]cluster.Overrides
	text, err := os.ReadFile(filepath.Join(h.stateDir(), "overrides.json"))
	if err == nil && json.Unmarshal(text, &all) != nil {
		h.t.Fatalf("saved: %q", text)
	}
	return all
}

// newStateful starts a house with a state.dir.
func newStateful(t *testing.T) *house {
	return newHouse(t, "", func(h *house) {
		h.write(stateful(h, "random", four...))
		h.linked = true
	})
}

func TestWhatAnOperatorSaidSurvivesARestart(t *testing.T) {
	h := newStateful(t)
	say(t, h.named("web"))
	before := h.cluster("web")
	h.stop()
	h.start()
	s := h.cluster("web")
	if s.Policy != "p2c" || !s.Pinned || !s.PinnedAt.Equal(before.PinnedAt) {
		t.Errorf("policy %s, pinned %v at %v; want p2c at %v", s.Policy, s.Pinned, s.PinnedAt, before.PinnedAt)
	}
	for i, want := range []string{"drain", "disabled", "healthy"} {
		if s.States[i].Word != want || want != "healthy" && !s.States[i].Since.Equal(before.States[i].Since) {
			t.Errorf("%s: %+v; want %s since %v", s.Members[i].Address, s.States[i], want, before.States[i].Since)
		}
	}
}

func TestItIsSavedBeforeAKillCanLoseIt(t *testing.T) {
	h := newStateful(t)
	if err := h.named("web").Pin("random"); err != nil { // what the file says anyway, which must hold when the file changes
		t.Fatal(err)
	}
	h.eventually("the pin is saved", func() bool { return h.saved()["web"].Policy == "random" })
	if err := h.named("web").SetOperator(four[0], cluster.Disable); err != nil {
		t.Fatal(err)
	}
	h.eventually("the word is saved", func() bool { return h.saved()["web"].Endpoints[four[0]] == "disable" })
	if err := h.named("web").SetOperator(four[0], cluster.Enable); err != nil {
		t.Fatal(err)
	}
	h.eventually("that it was taken back is saved", func() bool { return len(h.saved()["web"].Endpoints) == 0 })
}

func TestAFileThatChangedWhileItWasStoppedDropsThatKeyOnly(t *testing.T) {
	h := newStateful(t)
	say(t, h.named("web"))
	h.stop()
	h.write(stateful(h, "maglev, hash_key: ip", four[1:]...))
	h.start()
	if s := h.cluster("web"); s.Pinned || s.Policy != "maglev" || s.States[0].Word != "disabled" {
		t.Errorf("policy %s, pinned %v, states %+v", s.Policy, s.Pinned, s.States)
	}
}

func TestWithoutADirectoryItIsSaidThatNothingIsKept(t *testing.T) {
	h := newHouse(t, document("random", four...))
	h.logged("no state.dir: pins and endpoint states are kept in memory only")
}

func TestAFileThatCannotBeReadIsKeptAndTheStartGoesOn(t *testing.T) {
	for name, text := range map[string]string{"cut": `{"web": {"pol`, "of another kind": `{"web": 7}`, "binary": "\x00\x01"} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, "", func(h *house) {
				h.write(stateful(h, "random", four...))
				h.linked = true
				lay(t, h, text)
			})
			h.logged("level=ERROR", "pins and endpoint states may be lost", "overrides.json cannot be read", "overrides.json.unreadable now")
			if s := h.Source(); !strings.Contains(s.Note, "state.dir") || !strings.Contains(s.Note, "begin empty") {
				t.Errorf("status %q", s.Note)
			}
			aside := filepath.Join(h.stateDir(), "overrides.json.unreadable")
			if kept, err := os.ReadFile(aside); err != nil || string(kept) != text {
				t.Errorf("kept %q, %v", kept, err)
			}
			say(t, h.named("web"))
			h.eventually("a new one is saved", func() bool { return h.saved()["web"].Policy == "p2c" })
			h.stop()

			lay(t, h, "again") // a second one must not take the place of the first
			h.start()
			if kept, err := os.ReadFile(aside); err != nil || string(kept) != text {
				t.Errorf("then kept %q, %v", kept, err)
			}
			if kept, err := os.ReadFile(aside + "-2"); err != nil || string(kept) != "again" {
				t.Errorf("and %q, %v", kept, err)
			}
		})
	}
}

// lay puts a text where the saved overrides are.
func lay(t *testing.T, h *house, text string) {
	t.Helper()
	if err := os.MkdirAll(h.stateDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.stateDir(), "overrides.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestADirectoryThatCannotBeMadeRefusesTheStart(t *testing.T) {
	h := &house{t: t, dir: t.TempDir(), log: &book{}}
	h.path = filepath.Join(h.dir, "poise.yaml")
	if err := os.WriteFile(h.stateDir(), nil, 0o644); err != nil { // a file is there
		t.Fatal(err)
	}
	h.write(stateful(h, "random", four...))
	if _, err := h.build(); err == nil || !strings.Contains(err.Error(), "state.dir: mkdir "+h.stateDir()) {
		t.Errorf("error %v", err)
	}
}

func TestASaveThatFailsIsSaidOnceAndShownUntilItWorks(t *testing.T) {
	h := newStateful(t)
	h.eventually("saved", func() bool { return h.saved() != nil })
	moved := h.stateDir() + ".moved"
	if err := os.Rename(h.stateDir(), moved); err != nil {
		t.Fatal(err)
	}
	failed := func() int { return h.log.count("level=ERROR", "state.dir: pins and endpoint states may be lost") }
	for _, policy := range []string{"p2c", "random", "p2c"} {
		if err := h.named("web").Pin(policy); err != nil {
			t.Fatal(err)
		}
		h.eventually("said", func() bool { return failed() > 0 })
		time.Sleep(2 * saveAfter)
	}
	if s := h.Source(); failed() != 1 || !strings.Contains(s.Note, "state.dir: open "+h.stateDir()) {
		t.Errorf("said %d times; status %q", failed(), s.Note)
	}
	if err := os.Rename(moved, h.stateDir()); err != nil {
		t.Fatal(err)
	}
	if err := h.named("web").Pin("maglev"); err != nil {
		t.Fatal(err)
	}
	h.logged("state.dir: pins and endpoint states are saved again")
	if s := h.Source(); s.Note != "" || h.saved()["web"].Policy != "maglev" {
		t.Errorf("status %q, saved %+v", s.Note, h.saved())
	}
}

func TestAFailedSaveIsTriedAgainWithoutANewWord(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		told := make(chan error, 10)
		f, err := openOverrides(filepath.Join(dir, "state"), func(err error) { told <- err })
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "state")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			f.run(ctx, func() map[string]cluster.Overrides { return map[string]cluster.Overrides{"web": {Policy: "p2c"}} })
		})
		f.touch()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(told); n != 1 {
			t.Fatalf("told %d times within a minute; want once", n)
		}
		if err := <-told; !errors.Is(err, os.ErrNotExist) {
			t.Errorf("told %v", err)
		}
		if err := os.Mkdir(filepath.Join(dir, "state"), 0o755); err != nil {
			t.Fatal(err)
		}
		time.Sleep(saveAgain)
		synctest.Wait()
		if len(told) != 1 || <-told != nil {
			t.Error("it was not told that it is over")
		}
		if text, err := os.ReadFile(f.path); err != nil || !strings.Contains(string(text), `"p2c"`) {
			t.Errorf("saved %q, %v", text, err)
		}
		cancel()
		running.Wait()
	})
}
