package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"poise/internal/stats"
)

// mind is what the engine knows of one cluster, on paper.
type mind struct {
	At      time.Time       `json:"at"`      // when it was saved
	Instant stats.Instant   `json:"instant"` // the same by the clock of that process
	Policy  string          `json:"policy"`  // that the engine had chosen; "" where it has no say
	Judge   json.RawMessage `json:"judge"`
	Learner []byte          `json:"learner"`
}

// mindsFile keeps what the engine knows over a restart. Without a directory it
// keeps nothing.
type mindsFile struct {
	path  string
	every time.Duration // between two writes

	mu      sync.Mutex
	read    map[string]mind // from the start, until they are taken
	latest  map[string]mind
	changed bool
	failing bool // the last write failed; only run touches it

	told func(error) // of every failure that begins, and with nil when it is over
}

const (
	mindsName    = "engine-state"
	mindsVersion = 1
	mindsEvery   = time.Minute
	// mindsOldest is how old a file may be: endpoints have been given other
	// machines meanwhile, other code, and other neighbours.
	mindsOldest = time.Hour
	mostMinds   = 256 << 20 // bytes that are read
)

// openMinds reads what was saved. What cannot be used is told of and left out:
// the engine begins without it, as it does the first time.
func openMinds(dir string, now time.Time, told func(error)) *mindsFile {
	f := &mindsFile{every: mindsEvery, latest: map[string]mind{}, told: told}
	if dir == "" {
		return f
	}
	f.path = filepath.Join(dir, mindsName)
	all, err := readMinds(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f
	case err != nil:
		told(fmt.Errorf("%s is refused, and the engine learns anew: %w", f.path, err))
		return f
	}
	for name, m := range all {
		if age := now.Sub(m.At); age > mindsOldest || age < -time.Minute {
			told(fmt.Errorf("%s is refused for cluster %s, and the engine learns anew: it was saved at %s, and %s is the most", f.path, name, m.At.Format(time.RFC3339), mindsOldest))
			delete(all, name)
		}
	}
	f.read = all
	return f
}

// The file is a line that names its version and the SHA-256 of what follows,
// and then JSON: what a disk or a hand has changed is not taken for knowledge.
func readMinds(path string) (map[string]mind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > mostMinds {
		return nil, fmt.Errorf("it has %d MiB", info.Size()>>20)
	}
	text, err := os.ReadFile(path) //nolint:gosec // in the operator's folder
	if err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(string(text), "\n")
	version, sum := 0, ""
	if _, err := fmt.Sscanf(head, "poise-engine-state %d %s", &version, &sum); err != nil {
		return nil, errors.New("its first line is not that of such a file")
	}
	if version != mindsVersion {
		return nil, fmt.Errorf("it is of version %d, this one reads %d", version, mindsVersion)
	}
	if sum != sumOf([]byte(body)) {
		return nil, errors.New("it is cut short, or was changed since it was written")
	}
	all := map[string]mind{}
	return all, json.Unmarshal([]byte(body), &all)
}

func sumOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// take returns what was saved of a cluster, once.
func (f *mindsFile) take(cluster string) (mind, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.read[cluster]
	delete(f.read, cluster)
	return m, ok && time.Since(m.At) <= mindsOldest // it may have come by a reload, later
}

// keep notes what is known of a cluster now; run writes it.
func (f *mindsFile) keep(cluster string, m mind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest[cluster], f.changed = m, true
}

// run writes now and then, and once more when no more comes.
func (f *mindsFile) run(over <-chan struct{}, names func() map[string]bool) {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.noted(f.save(names()))
		case <-over:
			f.noted(f.save(names()))
			return
		}
	}
}

func (f *mindsFile) noted(err error) {
	if (err != nil) != f.failing {
		f.told(err)
	}
	f.failing = err != nil
}

// save replaces the file, so that a reader sees the old one or the new one.
// Clusters that are no more are left out.
func (f *mindsFile) save(names map[string]bool) error {
	f.mu.Lock()
	maps.DeleteFunc(f.latest, func(name string, _ mind) bool { return !names[name] })
	all, changed := maps.Clone(f.latest), f.changed || f.failing
	f.changed = false
	f.mu.Unlock()
	if f.path == "" || !changed {
		return nil
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	next := f.path + ".new"
	if err := writeWhole(next, fmt.Appendf(nil, "poise-engine-state %d %s\n%s", mindsVersion, sumOf(body), body)); err != nil {
		return err
	}
	return os.Rename(next, f.path)
}
