package load

import (
	"syscall"
	"time"
)

// nap sleeps as precisely as the kernel does, some 50 µs, at the cost of a
// thread. A signal may end it early.
func nap(d time.Duration) {
	until := time.Now().Add(d)
	for ; d > 0; d = time.Until(until) {
		t := syscall.NsecToTimespec(d.Nanoseconds())
		if err := syscall.Nanosleep(&t, nil); err != nil && err != syscall.EINTR {
			time.Sleep(d)
		}
	}
}
