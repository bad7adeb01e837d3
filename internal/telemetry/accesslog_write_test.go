package telemetry

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"poise/internal/record"
)

// plainLine is an encoder whose lines are easy to count.
func plainLine(dst []byte, _ time.Time, r *record.Request) []byte {
	return append(append(dst, r.ID...), '\n')
}

func newPlainLog(t *testing.T) *AccessLog {
	t.Helper()
	l, err := NewAccessLog("json", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l.encode = plainLine
	return l
}

// runLog runs a log until the returned function is called.
func runLog(l *AccessLog, w interface{ Write([]byte) (int, error) }) (end func() error) {
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- l.Run(w, stop) }()
	return func() error { close(stop); return <-done }
}

func requestOf(text string) *record.Request { return &record.Request{ID: []byte(text)} }

// faultyWriter fails its writes while it has an error, after the first bytes of
// them.
type faultyWriter struct {
	bytes.Buffer
	err   error
	takes int
}

func (f *faultyWriter) Write(p []byte) (int, error) {
	if f.err != nil {
		n, _ := f.Buffer.Write(p[:min(f.takes, len(p))])
		return n, f.err
	}
	return f.Buffer.Write(p)
}

func TestFailedWritesAreSaidOnceAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPlainLog(t)
		var said []error
		l.OnChange = func(err error) { said = append(said, err) }
		w := &faultyWriter{}
		end := runLog(l, w)
		l.Log(requestOf("one"))
		synctest.Wait()
		w.err, w.takes = syscall.ENOSPC, 0
		for range 5 {
			l.Log(requestOf("lost"))
			synctest.Wait()
		}
		w.err = nil
		l.Log(requestOf("two"))
		synctest.Wait()
		if err := end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := w.String(); got != "one\ntwo\n" {
			t.Errorf("written: %q", got)
		}
		if len(said) != 2 || !errors.Is(said[0], syscall.ENOSPC) || said[1] != nil {
			t.Errorf("said %v; want the failure once and its end once", said)
		}
		if l.Failed.Load() != 5 || l.Dropped.Load() != 5 {
			t.Errorf("%d writes failed, %d lines were dropped; want 5 and 5", l.Failed.Load(), l.Dropped.Load())
		}
	})
}

func TestALineThatWasCutIsEndedBeforeTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPlainLog(t)
		w := &faultyWriter{err: syscall.ENOSPC, takes: 6}
		end := runLog(l, w)
		l.Log(requestOf("1234"))
		l.Log(requestOf("5678"))
		l.Log(requestOf("9"))
		synctest.Wait()
		w.takes = 0
		l.Log(requestOf("lost"))
		synctest.Wait()
		w.err = nil
		l.Log(requestOf("next"))
		_ = end()
		if got := w.String(); got != "1234\n5\nnext\n" {
			t.Errorf("written: %q; want the cut line on a line of its own", got)
		}
		if l.Dropped.Load() != 3 {
			t.Errorf("%d lines dropped; want the cut one, the one behind it and the one after", l.Dropped.Load())
		}
	})
}

// stuckWriter takes nothing until it is released.
type stuckWriter struct{ release chan struct{} }

func (s stuckWriter) Write(p []byte) (int, error) { <-s.release; return len(p), nil }

func TestAWriterThatHangsHoldsNoRequestUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPlainLog(t)
		w := stuckWriter{make(chan struct{})}
		end := runLog(l, w)
		text := strings.Repeat("x", 1000)
		const lines = 3000
		for range lines {
			l.Log(requestOf(text)) // would deadlock the bubble if it waited
		}
		held, dropped := uint64(accessBuffer/1001), l.Dropped.Load()
		if dropped == 0 || dropped > lines-held {
			t.Errorf("%d of %d lines dropped; want those beyond the buffer of %d", dropped, lines, held)
		}
		if l.Failed.Load() != 0 {
			t.Error("a slow write counts as a failed one")
		}
		close(w.release)
		_ = end()
	})
}

func TestManyRequestsLogAtOnceAndNoLineIsLostOrMixed(t *testing.T) {
	l := newPlainLog(t)
	var w bytes.Buffer
	end := runLog(l, &w)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				l.Log(requestOf("0123456789"))
			}
		})
	}
	all.Wait()
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if got := w.String(); got != strings.Repeat("0123456789\n", 4000) {
		t.Errorf("%d bytes were written; want 4000 whole lines", len(got))
	}
}

func TestAFullDeviceIsAnErrorAndNoMore(t *testing.T) {
	f, err := OpenLogFile("/dev/full", time.Now)
	if err != nil {
		t.Fatalf("/dev/full: %v", err)
	}
	l := newPlainLog(t)
	said := make(chan error, 2)
	l.OnChange = func(err error) { said <- err }
	end := runLog(l, f)
	l.Log(requestOf("lost"))
	if err := <-said; !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("said %v", err)
	}
	if err := end(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Run: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func openLogFile(t *testing.T) (f *LogFile, path string, clock *time.Time) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "access.log")
	at := time.Unix(0, 0)
	f, err := OpenLogFile(path, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, path, &at
}

func writeTo(t *testing.T, f *LogFile, text string) {
	t.Helper()
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func fileHolds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v); want %q", filepath.Base(path), got, err, want)
	}
}

func TestALogFileThatWasMovedIsFollowedByItsName(t *testing.T) {
	f, path, at := openLogFile(t)
	writeTo(t, f, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	writeTo(t, f, "b") // within the second: nobody has looked yet
	*at = at.Add(lookEvery)
	writeTo(t, f, "c")
	fileHolds(t, path+".1", "ab")
	fileHolds(t, path, "c")
}

func TestReopenTakesTheNewFileAtOnce(t *testing.T) {
	f, path, _ := openLogFile(t)
	writeTo(t, f, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	fileHolds(t, path, "") // rotation scripts expect it there before any request
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	writeTo(t, f, "b")
	fileHolds(t, path+".1", "a")
	fileHolds(t, path, "b")
}

func TestALogFileThatCannotBeOpenedAnewIsKept(t *testing.T) {
	f, path, at := openLogFile(t)
	writeTo(t, f, "a")
	moved := filepath.Dir(path) + ".gone"
	if err := os.Rename(filepath.Dir(path), moved); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(moved) })
	if err := f.Reopen(); err == nil || !strings.Contains(err.Error(), "the access log cannot be opened") {
		t.Errorf("Reopen: %v", err)
	}
	*at = at.Add(time.Minute)
	writeTo(t, f, "b")
	fileHolds(t, filepath.Join(moved, "access.log"), "ab")
}

func TestReopenAfterCloseLeavesNothingOpen(t *testing.T) {
	f, _, _ := openLogFile(t)
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); err != nil || f.next != nil {
		t.Errorf("Reopen: %v, holds %v", err, f.next)
	}
}
