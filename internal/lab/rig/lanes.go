package rig

import "math"

// usualRate is that of the run by which room on a machine is counted in lanes:
// eight endpoints of eight slots and 20 ms at 60 % of what they can do. With its
// load, proxy and workers it takes a quarter of two cores. Three at once keep a
// core busy for 75 %, and four make each other void.
const usualRate = 1920

// leastShare bounds how many runs begin at once, whatever they ask for: the
// connections of their loads are in one process.
const leastShare = 0.75

// Share is how many such runs keep the cores as busy as one that has so many
// requests a second at its worst: one costs much the same in all.
func Share(rate float64) float64 { return max(leastShare, rate/usualRate) }

// AtOnce is how many runs there are at most in so many lanes.
func AtOnce(lanes int) int { return max(1, int(float64(lanes)/leastShare)) }

// Lanes is the same as Share in whole ones.
func Lanes(rate float64) int { return max(1, int(math.Ceil(rate/usualRate))) }
