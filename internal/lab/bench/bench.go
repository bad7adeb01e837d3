// Package bench sets policies and whole proxies against each other over real
// sockets, under scenarios in the language of `poise sim`: the same jobs, drawn
// beforehand, for each of them, in turn or at once. Every run is a cell that is kept
// (lab/cells), so that a measurement of hours can be interrupted; what came of
// all of them goes into package report.
package bench

import (
	"fmt"
	"time"

	"poise/internal/scenario"
)

// Options are what is to be measured.
type Options struct {
	Scenarios []*scenario.Scenario
	Subjects  []Subject
	Size      Size
	Length    time.Duration // of a run, Warm included; 0: that of the size
	Rounds    int           // 0: as many as the size has, or as fit into it
	Seed      uint64        // of the first round
	Evaluate  time.Duration // how often the engine judges; 0: 2 s
	Dwell     time.Duration // least time between two changes of its; 0: 12 s
	Cells     string        // directory where finished runs are kept; "" keeps none
	Lanes     int           // usual runs that go on at once; 0: one
	WorkersAt string        // HOST:PORT of the first worker, the others follow; "": free ports
	Poise     string        // the binary that is measured and that runs the workers
	Version   string        // of it
	Command   string        // that makes this again
	Say       func(string)  // gets a line for what happens; never nil
}

// Warm is the beginning of a run that is in no figure: connections are opened,
// estimates begin.
const Warm = 3 * time.Second

// The times of the engine are a fifth of the usual, so that a run of half a
// minute sees what several minutes see.
const (
	usualEvaluate = 2 * time.Second
	usualDwell    = 12 * time.Second
)

// Size is how much is measured.
type Size struct {
	Name   string
	Length time.Duration // of a run
	Least  time.Duration // to which a run is shortened so that all fit
	Rounds int           // most
	Budget time.Duration // for everything; 0: none
}

// Sizes are all that there are.
var Sizes = []Size{
	{"quick", 12 * time.Second, 8 * time.Second, 1, 340 * time.Second},
	{"hour", 25 * time.Second, 12 * time.Second, 6, 58 * time.Minute},
	{"full", 33 * time.Second, 33 * time.Second, 6, 0},
}

// Conditions are the scenarios of sizes above quick, one for each condition that
// the engine knows and that can be brought about over sockets.
var Conditions = []string{
	"homog", "own", "slowone", "roving-slow", "brownout", "partial-errors", "silent-hang", "heavy-tail", "mmpp", "affinity", "far-zone", "homog-95", "trickle",
}

// SizeOf returns the size of a name.
func SizeOf(name string) (Size, error) {
	var names []string
	for _, s := range Sizes {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Size{}, fmt.Errorf("there is no size %q (%s)", name, scenario.Hint(name, names))
}

// overhead of a run beyond its length: start, stop, what is computed.
const overhead = 1500 * time.Millisecond

// beforehand is about what the checks before the first run take for each
// subject.
const beforehand = 2 * time.Second

func (o *Options) cost() time.Duration { return o.Length + overhead }

// settle fills in what was left open and makes everything fit into the size,
// or says why it does not.
func (o *Options) settle() error {
	if o.Evaluate == 0 {
		o.Evaluate = usualEvaluate
	}
	if o.Dwell == 0 {
		o.Dwell = max(usualDwell, o.Evaluate)
	}
	const shortest = Warm + 2*time.Second
	if o.Length != 0 && o.Length < shortest {
		return fmt.Errorf("a run of %v is too short: %v of it are warming up; give at least %v", o.Length, Warm, shortest)
	}
	if len(o.planOf(1)) == 0 {
		return fmt.Errorf("nothing to measure: no policy suits these scenarios")
	}
	fixed, left := o.Length != 0, o.Size.Budget-time.Duration(len(o.Subjects))*beforehand
	if !fixed {
		o.Length = o.Size.Length
	}
	if o.Size.Budget == 0 {
		if o.Rounds == 0 {
			o.Rounds = o.Size.Rounds
		}
		return nil
	}
	rounds := max(1, o.Rounds)
	if !fixed {
		o.Length = max(o.Size.Least, min(o.Length, (left/time.Duration(o.steps(rounds))-overhead).Truncate(time.Second)))
	}
	for o.Rounds == 0 && rounds < o.Size.Rounds && o.takes(rounds+1) <= left {
		rounds++
	}
	if whole := o.takes(rounds); whole > left {
		return fmt.Errorf("%d runs of %v take %v, and size %s has %v; leave out policies or scenarios, shorten runs with --seconds, or take another --size",
			len(o.planOf(rounds)), o.Length, whole.Round(time.Second), o.Size.Name, left.Round(time.Second))
	}
	o.Rounds = rounds
	return nil
}
