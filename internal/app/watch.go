package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"poise/internal/config"
)

// A file that was replaced is whole; one that is written in place may be half
// written for a while.
const (
	afterReplace = 50 * time.Millisecond
	afterWrite   = 2 * time.Second
	pollEvery    = 30 * time.Second // for file systems that tell nothing
)

// watch applies the file when it changes, and at once on SIGHUP, until ctx is
// done.
func (a *App) watch(ctx context.Context, hangup <-chan os.Signal) {
	if a.options.Path == "" {
		a.ignoreHangups(ctx, hangup)
		return
	}
	a.mu.Lock()
	a.seen = tagOf(a.options.Document.Text)
	_, err := a.readFile()
	a.mu.Unlock()
	if err != nil {
		a.log.Warn("the file is not watched", "error", err)
		a.ignoreHangups(ctx, hangup)
		return
	}
	w := a.fileEvents()
	defer w.close()
	due := time.NewTimer(pollEvery)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			if _, err := a.Reload(); err != nil {
				a.log.Error("reload failed", "error", err)
			}
		case err := <-w.errors: // events may have been lost with it
			a.log.Warn("watching the file failed for a moment", "error", err)
			due.Reset(afterReplace)
		case e := <-w.events:
			if wait, ours := a.concerns(e); ours {
				due.Reset(wait)
			}
		case <-due.C:
			a.lookAtFile()
			due.Reset(pollEvery)
		}
	}
}

func (a *App) ignoreHangups(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			a.log.Warn("SIGHUP: there is no file to reload")
		}
	}
}

// watcher is told of changes in a directory. One that could not be made is
// told of nothing.
type watcher struct {
	events <-chan fsnotify.Event
	errors <-chan error
	close  func()
}

// fileEvents watches the file's directory: editors and Kubernetes replace a
// file, and a watch on it would die with the old one.
func (a *App) fileEvents() watcher {
	w, err := fsnotify.NewWatcher()
	if err == nil {
		if err = w.Add(filepath.Dir(a.options.Path)); err != nil {
			_ = w.Close()
		}
	}
	if err != nil {
		a.log.Warn("the file is not watched, only looked at now and then", "every", pollEvery, "error", err)
		return watcher{close: func() {}}
	}
	return watcher{events: w.Events, errors: w.Errors, close: func() { _ = w.Close() }}
}

// concerns reports whether an event may be about the file, and how long to
// wait before looking.
func (a *App) concerns(e fsnotify.Event) (time.Duration, bool) {
	name := filepath.Base(e.Name)
	ours := name == filepath.Base(a.options.Path)
	if !ours && !strings.HasPrefix(name, "..") { // ..data is what Kubernetes swaps
		return 0, false
	}
	if e.Has(fsnotify.Write) {
		return afterWrite, true
	}
	return afterReplace, e.Has(fsnotify.Create) || e.Has(fsnotify.Rename)
}

// lookAtFile applies the file when its text is new. What would take a
// listener or most endpoints away is left to an operator's explicit word: a
// truncated file looks just like that.
func (a *App) lookAtFile() {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, err := a.readFile()
	a.fileFault(err)
	if err != nil || tagOf(text) == a.seen {
		return
	}
	a.seen = tagOf(text)
	doc := config.Document{Name: a.options.Path, Text: text}
	if c, problems := config.Parse(doc, a.options.Env); len(problems) == 0 {
		if reasons := config.Destructive(a.config, c); len(reasons) > 0 {
			a.log.Warn("the changed file was not applied; `poise reload` or SIGHUP will do it", "reasons", strings.Join(reasons, "; "))
			a.reloads.Refused++
			return
		}
	}
	if problems, err := a.take(doc); len(problems) == 0 && err == nil {
		a.byAPI = false
	}
}

// fileFault says once that the file is gone, and once that it is back.
func (a *App) fileFault(err error) {
	if (err != nil) == a.unread {
		return
	}
	a.unread = err != nil
	if err == nil {
		a.faults.set("file", "")
		a.log.Info("the configuration file can be read again")
		return
	}
	a.faults.set("file", "the configuration file cannot be read; what is in force stays")
	a.log.Warn("the configuration file cannot be read; what is in force stays", "error", err)
}
