package rig

import (
	"testing"
	"time"
)

// What ends while it is read was in neither reading once, so that the sum fell.
func TestTheCPUUsedByAllOnlyGrows(t *testing.T) {
	var all []*Process
	for range 6 {
		p, err := Start("", "sh", "-c", "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Stop()
		all = append(all, p)
	}
	before := UsedByAll()
	for _, p := range all {
		for ended := false; !ended; {
			select {
			case <-p.done:
				ended = true
			default:
			}
			now := UsedByAll()
			if now < before-tick {
				t.Fatalf("%v were used, then %v", before, now)
			}
			before = now
		}
	}
	if before < 100*time.Millisecond {
		t.Errorf("%v were used; that is too little to tell", before)
	}
}
