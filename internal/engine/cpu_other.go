//go:build !linux

package engine

import "time"

var began = time.Now()

// threadTime is an upper bound where the CPU time of a thread is not known.
func threadTime() time.Duration { return time.Since(began) }
