package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
)

// A Key names one measurement.
type Key struct {
	Case  string `json:"case"`
	Cores int    `json:"cores"`
	Phase string `json:"phase"` // peak, rate, and others of their own
	Proxy string `json:"proxy"`
	Round int    `json:"round"`
}

func (k Key) String() string {
	return fmt.Sprintf("%s, %d core(s), %s, %s, round %d", k.Case, k.Cores, k.Phase, k.Proxy, k.Round+1)
}

// A Cell is a measurement that was taken. One that is void or failed stays in
// the file, is not reported, and is taken again by the next run.
type Cell struct {
	Key
	Values map[string]float64 `json:"values,omitempty"`
	Void   string             `json:"void,omitempty"`
	Failed string             `json:"failed,omitempty"`
}

func (c *Cell) good() bool { return c.Void == "" && c.Failed == "" }

// identity is what cells must have in common to be put together.
type identity struct {
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Build    string            `json:"build"` // of Poise and the endpoint
	Seconds  int               `json:"seconds"`
}

// A store keeps cells in a file, a line each, so that a run that was
// interrupted goes on where it was.
type store struct {
	f     *os.File
	cells map[Key]*Cell
	order []Key
}

// openStore reads what there is at path. Cells of another identity are moved
// aside.
func openStore(path string, id identity) (s *store, kept int, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, 0, err
	}
	s = &store{cells: map[Key]*Cell{}}
	same, err := s.read(path, id)
	if err != nil {
		return nil, 0, err
	}
	if !same {
		if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
	}
	if s.f, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return nil, 0, err
	}
	if !same {
		return s, 0, s.line(id)
	}
	return s, len(s.order), nil
}

// read reports whether the file at path has that identity, and takes in its
// cells if so. A last line that was cut is dropped.
func (s *store) read(path string, id identity) (same bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var was identity
	for lines.Scan() && len(lines.Bytes()) == 0 {
	}
	if json.Unmarshal(lines.Bytes(), &was) != nil || !reflect.DeepEqual(was, id) {
		return false, lines.Err()
	}
	for lines.Scan() {
		var c Cell
		if json.Unmarshal(lines.Bytes(), &c) == nil && c.Case != "" {
			s.put(&c)
		}
	}
	return true, lines.Err()
}

func (s *store) put(c *Cell) {
	if s.cells[c.Key] == nil {
		s.order = append(s.order, c.Key)
	}
	s.cells[c.Key] = c
}

// add keeps a cell. A newer one of the same key takes the place of the older.
func (s *store) add(c *Cell) error {
	s.put(c)
	return s.line(c)
}

func (s *store) line(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	// The line before may have been cut; an empty one harms nobody.
	_, err = s.f.WriteString("\n" + string(text))
	return err
}

// has reports whether key needs no measuring.
func (s *store) has(k Key) bool { c := s.cells[k]; return c != nil && c.good() }

// values are those of the good cells of a key, whatever the round.
func (s *store) values(k Key, name string) (all []float64) {
	for _, at := range s.order {
		c := s.cells[at]
		if at.Round = k.Round; at != k || !c.good() {
			continue
		}
		if v, is := c.Values[name]; is {
			all = append(all, v)
		}
	}
	return all
}
