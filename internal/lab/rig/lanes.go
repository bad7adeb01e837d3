package rig

import "math"

// usualRate is that of the run by which room on a machine is counted in lanes:
// eight endpoints of eight slots and 20 ms at 60 % of what they can do. With its
// load, proxy and workers it takes a quarter of two cores. Three at once keep a
// core busy for 75 %, and four make each other void.
const usualRate = 1920

// Lanes is how many such runs keep the cores as busy as one that has so many
// requests a second at its worst: one costs much the same in all.
func Lanes(rate float64) int { return max(1, int(math.Ceil(rate/usualRate))) }
