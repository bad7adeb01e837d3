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
}

// saveAfter gathers changes that come together into one write.
const saveAfter = 200 * time.Millisecond

func openOverrides(dir string) (*overridesFile, error) {
	f := &overridesFile{dirty: make(chan struct{}, 1)}
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
		return nil, fmt.Errorf("state.dir: %s cannot be read (%w); mend it or move it away", f.path, err)
	}
	return f, nil
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
		select {
		case <-ctx.Done():
			_ = f.save(collect())
			return
		case <-f.dirty:
		}
		select {
		case <-ctx.Done():
		case <-time.After(saveAfter):
		}
		_ = f.save(collect())
	}
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
	if err := os.WriteFile(next, append(text, '\n'), 0o640); err != nil { //nolint:gosec // no secrets; the group may read it
		return err
	}
	return os.Rename(next, f.path)
}

// restore takes over what operators said before the restart.
func (a *App) restore() {
	for _, m := range *a.clusters.Load() {
		if o, ok := a.overrides.content[m.Name()]; ok {
			m.Restore(o)
		}
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
