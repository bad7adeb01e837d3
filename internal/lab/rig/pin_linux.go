package rig

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pin moves a thread to some cores.
func pin(thread int, cores []int) error {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	return unix.SchedSetaffinity(thread, &set)
}

// apart starts a process in a group of its own, which ends with this one.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
