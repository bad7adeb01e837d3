// Package fleet runs poise and its workers as processes of their own, as an
// operator does, and measures what they hold: memory, descriptors, goroutines.
// The fault tests, the soak and the tests of the binary stand on it.
package fleet

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Build builds poise into dir and returns its path. It is built as users have
// it, without the race detector, which keeps memory of its own.
func Build(dir string) (string, error) {
	path := filepath.Join(dir, "poise")
	if out, err := exec.Command("go", "build", "-o", path, "poise/cmd/poise").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// Process is a running program.
type Process struct {
	Log  *Log // what it wrote, stdout and stderr
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Run starts a program.
func Run(command ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(command[0], command[1:]...), Log: &Log{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.Log, p.Log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { defer close(p.done); p.err = p.cmd.Wait() }()
	return p, nil
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed once the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// End sends a signal, waits until the process has ended, and returns what it
// ended with.
func (p *Process) End(s os.Signal) error {
	p.Signal(s)
	<-p.done
	return p.err
}

// Log keeps what a process writes.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Len returns how much there is, in bytes.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}

// Count returns how many lines after the first skip bytes hold all words.
func (l *Log) Count(skip int, words ...string) int {
	n := 0
	for line := range strings.Lines(l.String()[skip:]) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			n++
		}
	}
	return n
}

// FreeAddress is one on loopback that nobody listened on a moment ago.
func FreeAddress() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // a machine without loopback runs nothing of this
	}
	defer ln.Close()
	return ln.Addr().String()
}

// Within asks every 20 ms until ok says yes, and reports whether it did in
// time.
func Within(d time.Duration, ok func() bool) bool {
	for end := time.Now().Add(d); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
