package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The sizes.
const (
	Full  = "full"
	Quick = "quick" // shorter runs of one seed, each figure under one policy
)

// A Key names one run.
type Key struct {
	Size   string `json:"size"`
	Figure string `json:"figure"`
	Policy string `json:"policy,omitempty"` // of Poise; the others have one configuration
	Arm    string `json:"arm"`
	Seed   int    `json:"seed"`
}

func (k Key) String() string {
	return fmt.Sprintf("%s %s %s, seed %d", k.Figure, k.Policy, k.Arm, k.Seed)
}

func (k Key) file() string {
	return filepath.Join(k.Size, fmt.Sprintf("%s-%s-%s-%d.json", k.Figure, k.Policy, k.Arm, k.Seed))
}

// A Cell is a run that was made. One that is void or failed stays in its file,
// is not judged, and is taken again.
type Cell struct {
	Key
	Identity string             `json:"identity"` // what was measured, and how
	When     time.Time          `json:"when"`
	Lanes    int                `json:"lanes,omitzero"` // how many runs went on at once at most, 0 is one
	Values   map[string]float64 `json:"values,omitempty"`
	Void     string             `json:"void,omitempty"`
	Failed   string             `json:"failed,omitempty"`
}

// Good reports whether the cell counts.
func (c *Cell) Good() bool { return c != nil && c.Void == "" && c.Failed == "" }

// A store keeps a file for each cell.
type store struct {
	dir   string
	of    func(Key) (string, error) // identity that a cell of this key must have
	cells map[Key]*Cell
}

// openStore reads the cells in dir. Those of another identity, as of another
// build, are left where they are until they are measured anew.
func openStore(dir string, identity func(Key) (string, error)) (*store, error) {
	s := &store{dir: dir, of: identity, cells: map[Key]*Cell{}}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var c Cell
		if json.Unmarshal(text, &c) != nil || scenario(c.Figure) == nil || filepath.Join(dir, c.file()) != file {
			continue
		}
		if id, err := identity(c.Key); err == nil && id == c.Identity {
			s.cells[c.Key] = &c
		}
	}
	return s, nil
}

// add keeps a cell. The file is whole or not there.
func (s *store) add(c *Cell) (err error) {
	if c.Identity, err = s.of(c.Key); err != nil {
		return err
	}
	s.cells[c.Key] = c
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, c.file())
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// identity is a hash of what a cell of this key depends on: the machine, the
// proxy, its configuration, the fault and the times. Bounds are not in it:
// a cell can be judged anew. Nor are lanes: a run that they disturbed is void,
// and the report says how many there were.
func (r *Runner) identity(machine string) func(Key) (string, error) {
	return func(k Key) (string, error) {
		sc := scenario(k.Figure)
		text, err := configurations.ReadFile(sc.configuration(k.Arm))
		if err != nil {
			return "", err
		}
		program := r.Versions[k.Arm]
		if own(k.Arm) {
			program = r.build
		}
		what, err := json.Marshal([]any{machine, program, string(text), sc.fault(k.Arm), sc.times(k.Size), sc.Rate, sc.Large, sc.Open, slots, large})
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(what)
		return hex.EncodeToString(sum[:8]), nil
	}
}
