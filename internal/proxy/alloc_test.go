//go:build !race

package proxy

import (
	"testing"

	"poise/internal/guard"
)

// The race detector makes pools forget, so there is nothing to see under it.
func TestAGuardedRequestDoesNotAllocate(t *testing.T) {
	s := newStand(guard.Defaults(), &spot{}, &spot{}, &spot{})
	a := newAsker()
	s.handler.Serve(a)
	if n := testing.AllocsPerRun(500, func() { s.handler.Serve(a) }); n != 0 {
		t.Errorf("%g allocations a request; want none", n)
	}
}
