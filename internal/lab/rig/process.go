// Package rig starts programs, on loopback and on cores of their own, reads what
// they used from /proc, and watches whether the machine was busy with anything
// else.
package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on

// A Process is a started program and its children.
type Process struct {
	cmd  *exec.Cmd
	name string // with its arguments, as it was started
	done chan struct{}
	log  tail
}

// Start runs a program pinned to cores, a list as taskset takes it; "" leaves it
// where it is. It has a group of its own, so that Stop ends its children too.
func Start(cores, name string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(name, args...), name: strings.Join(append([]string{name}, args...), " "), done: make(chan struct{})}
	if cores != "" {
		p.cmd = exec.Command("taskset", append([]string{"-c", cores, name}, args...)...)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = apart()
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
			return fmt.Errorf("%s ended: %s", p.name, p.Log())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s; it says: %s", p.name, address, p.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Log is the end of what the process has printed.
func (p *Process) Log() string { return strings.TrimSpace(p.log.String()) }

// Usage is what a process and its children have used.
type Usage struct {
	CPU time.Duration // user and system, since its start
	RSS float64       // bytes, now
}

// Stat is a line of /proc/PID/stat: the fields after the name, which stands in
// brackets and may hold anything, from the state on.
type Stat []string

func (s Stat) parent() string { return s[1] }
func (s Stat) group() string  { return s[2] }

func (s Stat) cpu() time.Duration {
	user, _ := strconv.Atoi(s[11])
	system, _ := strconv.Atoi(s[12])
	return time.Duration(user+system) * tick
}

func (s Stat) rss() float64 {
	pages, _ := strconv.Atoi(s[21])
	return float64(pages * os.Getpagesize())
}

// Stats reads those of all processes.
func Stats() (all []Stat, err error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		if s := Stat(strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))); len(s) >= 22 {
			all = append(all, s)
		}
	}
	return all, nil
}

// Usage reads /proc.
func (p *Process) Usage() (Usage, error) {
	all, err := Stats()
	if err != nil {
		return Usage{}, err
	}
	return p.UsageIn(all)
}

// UsageIn is the same of what Stats has read.
func (p *Process) UsageIn(all []Stat) (sum Usage, err error) {
	group := strconv.Itoa(p.cmd.Process.Pid)
	found := false
	for _, s := range all {
		if s.group() == group {
			found = true
			sum.CPU += s.cpu()
			sum.RSS += s.rss()
		}
	}
	if !found {
		return sum, errors.New(p.name + " has ended: " + p.Log())
	}
	return sum, nil
}

// Kernel is what the kernel's own threads have used: work for whoever it was.
func Kernel(all []Stat) (sum time.Duration) {
	const kthreadd = "2"
	for _, s := range all {
		if s.parent() == kthreadd {
			sum += s.cpu()
		}
	}
	return sum
}

// Ports that FreeAddress gives out lie below those that the kernel gives to
// clients: else a connection of the load may take one before who it is for
// listens on it.
const (
	firstPort = 12_000
	lastPort  = 31_999
)

var nextPort = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(rand.Uint32N(lastPort - firstPort))
	return &n
}()

// FreeAddress returns a loopback address that nothing listens on. It gives out
// none twice before it has gone through all.
func FreeAddress() (string, error) {
	var failed error
	for range lastPort - firstPort {
		port := firstPort + nextPort.Add(1)%(lastPort-firstPort)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			failed = err
			continue
		}
		return l.Addr().String(), l.Close()
	}
	return "", failed
}
