//go:build !race

package socket

import "testing"

// Under the race detector a sync.Pool forgets now and then.
func TestSendAndReadAllocateNothing(t *testing.T) {
	c, peer := pair(t)
	other, err := New(peer)
	if err != nil {
		t.Fatal(err)
	}
	head, body, got := make([]byte, 100), make([]byte, 1000), make([]byte, 4000)
	allocations := testing.AllocsPerRun(100, func() {
		_, _ = c.Send(head, body)
		for n := 0; n < len(head)+len(body); {
			m, err := other.Read(got)
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}
