//go:build race

package engine

// slower is by how much the race detector stretches what the engine does, so
// that it judges as often with it as without.
const slower = 10
