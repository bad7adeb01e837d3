package transport

import (
	"net"
	"os"
	"syscall"
	"testing"

	"poise/internal/lb"
)

func TestNoDescriptorsIsNotTheEndpointsFailure(t *testing.T) {
	for _, test := range []struct {
		errno syscall.Errno
		local bool
		want  lb.Outcome
	}{{syscall.EMFILE, true, lb.Canceled}, {syscall.ENFILE, true, lb.Canceled}, {syscall.ECONNREFUSED, false, lb.Connect}} {
		e := connectError(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", test.errno)})
		if e.Local != test.local || e.Outcome != test.want || e.Outcome.Failed() == test.local {
			t.Errorf("%v: local %v, outcome %v", test.errno, e.Local, e.Outcome)
		}
	}
}
