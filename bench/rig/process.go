// Package rig starts what is measured, on loopback and on one core, loads it
// with wrk from the other, and reads what it used from /proc.
package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The cores: what is measured has one to itself.
const (
	ProxyCore = "0"
	LoadCore  = "1"
)

const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on

// A Process is a started program and its children.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  strings.Builder
}

// Start runs a program pinned to a core. It has a group of its own, so that
// Stop ends its children too.
func Start(core, name string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command("taskset", append([]string{"-c", core, name}, args...)...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	return p, nil
}

// Stop ends the process and its children and waits for it.
func (p *Process) Stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Ready waits until something accepts at address.
func (p *Process) Ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		if c, err := net.Dial("tcp", address); err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s", strings.Join(p.cmd.Args[3:], " "), p.log.String())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s", p.cmd.Args[3], address)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Usage is what a process and its children have used.
type Usage struct {
	CPU time.Duration // user and system, since its start
	RSS float64       // bytes, now
}

// Usage reads /proc.
func (p *Process) Usage() (Usage, error) {
	var sum Usage
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return sum, err
	}
	group := strconv.Itoa(p.cmd.Process.Pid)
	found := false
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		// The name stands in brackets and may hold anything; fields count
		// from the one after it, the state.
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(f) < 22 || f[2] != group {
			continue
		}
		found = true
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		pages, _ := strconv.Atoi(f[21])
		sum.CPU += time.Duration(user+system) * tick
		sum.RSS += float64(pages * os.Getpagesize())
	}
	if !found {
		return sum, errors.New(p.cmd.Args[3] + " has ended: " + p.log.String())
	}
	return sum, nil
}

// FreeAddress returns a loopback address that nothing listens on.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
