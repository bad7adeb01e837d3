// Package rig builds and starts what is measured, loads it, and reads what it
// used. What it stands on is internal/lab/rig.
package rig

import "poise/internal/lab/rig"

// What is the same for the bench that comes with Poise stands there: processes,
// ports, cores, and the watch over them.
type (
	// Process is a program under way.
	Process = rig.Process
	// Usage is what a process has used.
	Usage = rig.Usage
	// Layout is what runs on which cores.
	Layout = rig.Layout
	// Watched is what all cores did while they were watched.
	Watched = rig.Watched
)

// See there.
const (
	MostBusy = rig.MostBusy
	Stretch  = rig.Stretch
)

// Start runs a program pinned to cores.
func Start(cores, name string, args ...string) (*Process, error) {
	return rig.Start(cores, name, args...)
}

// FreeAddress returns a loopback address that nothing listens on.
func FreeAddress() (string, error) { return rig.FreeAddress() }

// Layouts returns how a proxy on so many cores is measured on a machine of so
// many.
func Layouts(workers, cores int) Layout { return rig.Layouts(workers, cores) }

// Cores returns the layout on this machine.
func Cores(workers int) Layout { return rig.Cores(workers) }

// Watch looks at all cores once a second until stop is called.
func Watch() (stop func() Watched, err error) { return rig.Watch() }

// Lanes is how many usual runs keep the cores as busy as one that has so many
// requests a second at its worst.
func Lanes(rate float64) int { return rig.Lanes(rate) }

// Machine says what is measured on.
func Machine() string { return rig.Machine() }
