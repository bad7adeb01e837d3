package probe

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A check that could not be made, because there are no descriptors, is no
// verdict: neither the first one nor a later one, and it is not counted.
func TestCheckThatCouldNotBeMadeIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var short atomic.Bool
		short.Store(true)
		var told verdicts
		p := New(Options{
			Interval: time.Second, Timeout: time.Second, Thresholds: Thresholds{Rise: 1, Fall: 1, Initial: 1}, Reporter: &told,
			Check: func(context.Context, string) error {
				if short.Load() {
					return &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
				}
				return nil
			},
		})
		p.Set([]string{"a"})
		time.Sleep(5 * time.Second)
		if n := told.n.Load(); n != 0 {
			t.Errorf("%d verdicts without a check", n)
		}
		short.Store(false)
		time.Sleep(2 * time.Second)
		short.Store(true)
		time.Sleep(5 * time.Second)
		p.Close()
		if n := told.n.Load(); n != 1 || told.ill.Load() != 0 {
			t.Errorf("%d verdicts, %d of them ill; want one, healthy", n, told.ill.Load())
		}
		if c := p.Counts()["a"]; c[1] != 0 || c[0] == 0 {
			t.Errorf("counted %d passed, %d failed; want none failed", c[0], c[1])
		}
	})
	if Unable(errors.New("too many open files")) {
		t.Error("a text is no errno")
	}
}

type verdicts struct{ n, ill atomic.Int32 }

func (v *verdicts) SetHealth(_ string, healthy bool, _ string) {
	v.n.Add(1)
	if !healthy {
		v.ill.Add(1)
	}
}
