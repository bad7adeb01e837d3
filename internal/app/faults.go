package app

import (
	"maps"
	"slices"
	"sync"
)

// faults are what does not work while requests still are served. The status
// shows them as long as they last.
type faults struct {
	mu  sync.Mutex
	all map[string]string // by what it is about
}

// set notes a fault, or with "" that it is over.
func (f *faults) set(about, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[string]string{}
	}
	f.all[about] = what
	if what == "" {
		delete(f.all, about)
	}
}

// list returns them in one order.
func (f *faults) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, about := range slices.Sorted(maps.Keys(f.all)) {
		all = append(all, f.all[about])
	}
	return all
}
