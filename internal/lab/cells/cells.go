// Package cells keeps measurements that were made, a file each, so that a plan
// of hours can be interrupted and goes on where it was. It knows nothing of
// what is measured.
package cells

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Key names one measurement. Its members stand in the cell's file.
type Key interface {
	comparable
	File() string // of the cell, below the store's directory, ending in .json
	String() string
}

// A Cell is a measurement that was made. One that is void or failed stays in
// its file, is not reported, and is taken again.
type Cell[K Key] struct {
	Key      K                          `json:"-"`
	Identity string                     `json:"identity"` // what was measured, and how
	When     time.Time                  `json:"when"`
	Lanes    int                        `json:"lanes,omitzero"` // how many were taken at once at most, this one included; 0 is one
	Values   map[string]float64         `json:"values,omitempty"`
	Detail   map[string]json.RawMessage `json:"detail,omitempty"` // what is no number
	Void     string                     `json:"void,omitempty"`   // why it says nothing about what was measured
	Failed   string                     `json:"failed,omitempty"`
}

// Good reports whether the cell counts.
func (c *Cell[K]) Good() bool { return c != nil && c.Void == "" && c.Failed == "" }

// text is the file's: the members of the key beside those of the cell.
func (c *Cell[K]) text() ([]byte, error) {
	all := map[string]json.RawMessage{}
	for _, part := range []any{c.Key, c} {
		text, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, err
		}
		maps.Copy(all, members)
	}
	text, err := json.MarshalIndent(all, "", " ")
	return append(text, '\n'), err
}

// parse reads a cell, or returns nil when the text is none.
func parse[K Key](text []byte) *Cell[K] {
	c := &Cell[K]{}
	if json.Unmarshal(text, c) != nil || json.Unmarshal(text, &c.Key) != nil {
		return nil
	}
	return c
}

// A Store keeps a file for each cell.
type Store[K Key] struct {
	dir      string
	identity func(K) (string, error)
	cells    map[K]*Cell[K]
}

// Open reads the cells below dir. identity says what a cell of a key must have
// been measured with; cells of another, as of another build, are left where
// they are until they are measured anew. It returns an error for a key that
// is not of this store.
func Open[K Key](dir string, identity func(K) (string, error)) (*Store[K], error) {
	s := &Store[K]{dir: dir, identity: identity, cells: map[K]*Cell[K]{}}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // in the project's own folder
		if err != nil {
			return err
		}
		if c := parse[K](text); c != nil && filepath.Join(dir, c.Key.File()) == path {
			if id, err := identity(c.Key); err == nil && id == c.Identity {
				s.cells[c.Key] = c
			}
		}
		return nil
	})
	return s, err
}

// Of returns the cell of a key, nil when there is none.
func (s *Store[K]) Of(k K) *Cell[K] { return s.cells[k] }

// Keys are those that have a cell, in no order.
func (s *Store[K]) Keys() []K { return slices.Collect(maps.Keys(s.cells)) }

// AtOnce says of how many good cells how many were taken at once, a condition
// of what they found: as in "1 (2 runs), 3 (57 runs)".
func (s *Store[K]) AtOnce(keys []K) string {
	by := map[int]int{}
	for _, k := range keys {
		if c := s.cells[k]; c.Good() {
			by[max(1, c.Lanes)]++
		}
	}
	var all []string
	for _, lanes := range slices.Sorted(maps.Keys(by)) {
		all = append(all, fmt.Sprintf("%d (%d runs)", lanes, by[lanes]))
	}
	return cmp.Or(strings.Join(all, ", "), "no runs")
}

// Add keeps a cell. The file is whole or not there.
func (s *Store[K]) Add(c *Cell[K]) (err error) {
	if c.Identity, err = s.identity(c.Key); err != nil {
		return err
	}
	s.cells[c.Key] = c
	text, err := c.text()
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, c.Key.File())
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
