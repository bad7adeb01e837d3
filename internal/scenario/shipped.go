package scenario

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed standard sockets adversarial fresh
var files embed.FS

// Groups are the directories of the shipped scenarios, in the order in which
// tables list them: those of the design, those that were tried over sockets
// first, those made to do harm, and those that were written before anything
// was tuned and are reported apart.
var Groups = []string{"standard", "sockets", "adversarial", "fresh"}

// Shipped returns the scenarios that come with Poise, by group and name.
func Shipped() []*Scenario { return slices.Clone(shipped()) }

var shipped = sync.OnceValue(func() (all []*Scenario) {
	for _, g := range Groups {
		entries, err := fs.ReadDir(files, g)
		if err != nil {
			panic(err) // it is part of the binary
		}
		for _, e := range entries {
			file := path.Join(g, e.Name())
			text, err := files.ReadFile(file)
			if err != nil {
				panic(err)
			}
			s, err := Parse(file, strings.TrimSuffix(e.Name(), ".scenario"), text)
			if err != nil {
				panic(err) // the test of this package parses them all
			}
			s.Group = g
			all = append(all, s)
		}
	}
	return all
})

// Names are those of the shipped scenarios.
func Names() (names []string) {
	for _, s := range shipped() {
		names = append(names, s.Name)
	}
	return names
}

// Find returns a shipped scenario by its name. The hint says what was probably
// meant when there is none.
func Find(name string) (s *Scenario, hint string) {
	for _, s := range shipped() {
		if s.Name == name {
			return s, ""
		}
	}
	return nil, oneOf(name, Names())
}
