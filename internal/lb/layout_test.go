package lb

import (
	"testing"
	"unsafe"
)

// What a pick reads of an endpoint is on two cache lines: one that every
// attempt writes, and one that is written when something was learnt.
func TestLiveKeepsItsCacheLinesApart(t *testing.T) {
	const line = 64
	var l Live
	base := uintptr(unsafe.Pointer(&l))
	of := func(p unsafe.Pointer) uintptr { return (uintptr(p) - base) / line }
	busy, read, written := of(unsafe.Pointer(&l.inflight)), of(unsafe.Pointer(&l.learnt.work)), of(unsafe.Pointer(&l.peak))
	if busy == 0 {
		t.Error("what every attempt writes shares a line with what lies before the endpoint's state")
	}
	if of(unsafe.Pointer(&l.chosen)) != busy {
		t.Error("chosen is not beside inflight, which the same pick reads")
	}
	if busy == read || read == written || written == busy {
		t.Errorf("lines %d, %d and %d; want three", busy, read, written)
	}
	if h, f := of(unsafe.Pointer(&l.learnt.health)), of(unsafe.Pointer(&l.failing)); h != read || f != read {
		t.Errorf("what expected-delay reads is on lines %d, %d and %d; want one", read, h, f)
	}
	if of(unsafe.Pointer(&l.served)) == read {
		t.Error("served, which every record writes, is beside what picks read")
	}
}
