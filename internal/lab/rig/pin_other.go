//go:build unix && !linux

package rig

import (
	"errors"
	"syscall"
)

// pin fails: what is measured by cores is measured on Linux.
func pin(int, []int) error { return errors.ErrUnsupported }

// apart starts a process in a group of its own.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
