package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"poise/internal/cluster"
)

// overridesFile keeps what operators said over a restart: pins and endpoint
// states. Without a directory it keeps nothing.
type overridesFile struct {
	path    string
	dirty   chan struct{}
	content map[string]cluster.Overrides // as read at the start
	failing bool                         // the last save failed; only run touches it

	// told is told of every failure that begins, and with nil when it is over.
	told func(error)
}

const (
	// saveAfter gathers changes that come together into one write.
	saveAfter = 200 * time.Millisecond
	// saveAgain is the pause before a save that failed is tried again.
	saveAgain = 10 * time.Second
)

// openOverrides reads what was saved. What cannot be read is moved aside and
// told of, and the start goes on without it.
func openOverrides(dir string, told func(error)) (*overridesFile, error) {
	f := &overridesFile{dirty: make(chan struct{}, 1), told: told}
	if dir == "" {
		return f, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("state.dir: %w", err)
	}
	f.path = filepath.Join(dir, "overrides.json")
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f.content)
	}
	if err != nil {
		f.content = nil
		f.moveAside(err)
	}
	return f, nil
}

// moveAside keeps a file that cannot be read from being overwritten.
func (f *overridesFile) moveAside(cause error) {
	aside := f.path + ".unreadable"
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s.unreadable-%d", f.path, n)
	}
	if err := os.Rename(f.path, aside); err != nil {
		f.told(fmt.Errorf("%s cannot be read (%w) nor moved away (%w), so nothing is saved; move it away and start poise again", f.path, cause, err))
		f.path = ""
		return
	}
	f.told(fmt.Errorf("%s cannot be read (%w); it is %s now, and pins and endpoint states begin empty", f.path, cause, filepath.Base(aside)))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// touch says that something may have changed.
func (f *overridesFile) touch() {
	if f.path == "" {
		return
	}
	select {
	case f.dirty <- struct{}{}:
	default:
	}
}

// run saves what collect returns, soon after it was touched, until ctx is
// done, and then once more.
func (f *overridesFile) run(ctx context.Context, collect func() map[string]cluster.Overrides) {
	for {
		var again <-chan time.Time
		if f.failing {
			again = time.After(saveAgain)
		}
		select {
		case <-ctx.Done():
			f.noted(f.save(collect()))
			return
		case <-again:
		case <-f.dirty:
			select {
			case <-ctx.Done():
			case <-time.After(saveAfter):
			}
		}
		f.noted(f.save(collect()))
	}
}

// noted tells of a failure once when it begins and once when it is over.
func (f *overridesFile) noted(err error) {
	if (err != nil) != f.failing {
		f.told(err)
	}
	f.failing = err != nil
}

// save replaces the file, so that a reader sees the old one or the new one.
func (f *overridesFile) save(all map[string]cluster.Overrides) error {
	if f.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	next := f.path + ".new"
	if err := writeWhole(next, append(text, '\n')); err != nil {
		return err
	}
	return os.Rename(next, f.path)
}

// writeWhole writes a file and has the disk take it, so that a rename never
// puts an empty file in the place of a good one.
func writeWhole(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640) //nolint:gosec // the operator names the folder; no secrets; the group may read it
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// stateFault is told when state.dir does not do its work, and when it does
// again.
func (a *App) stateFault(err error) {
	if err != nil {
		a.faults.set("state.dir", "state.dir: "+err.Error())
		a.log.Error("state.dir: pins and endpoint states may be lost at a restart", "error", err)
		return
	}
	a.faults.set("state.dir", "")
	a.log.Info("state.dir: pins and endpoint states are saved again")
}

// restore takes over what operators said before the restart.
func (a *App) restore() {
	for _, m := range *a.clusters.Load() {
		if o, ok := a.overrides.content[m.Name()]; ok {
			m.Restore(o)
		}
		a.goOn(m)
	}
	if a.options.Config.State.Dir == "" {
		a.log.Info("no state.dir: pins and endpoint states are kept in memory only")
	}
}

func (a *App) collectOverrides() map[string]cluster.Overrides {
	all := map[string]cluster.Overrides{}
	for _, m := range *a.clusters.Load() {
		all[m.Name()] = m.Overrides()
	}
	return all
}
