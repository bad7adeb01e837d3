package engine

import (
	"syscall"
	"time"
)

// rusageThread asks for what the calling thread has used; package syscall has
// no name for it.
const rusageThread = 1

// threadTime is the CPU time that the calling thread has used.
func threadTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(rusageThread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
