// Package lab puts the pieces against each other: workers, a balancer and a
// load, under faults, with every policy.
package lab

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"poise/internal/worker"
)

// crew are test workers in this process, each on a port of its own that it
// gets back after it was gone.
type crew struct {
	members []*member
}

type member struct {
	name     string
	address  string
	settings worker.Settings // when nothing is wrong with it

	mu     sync.Mutex
	worker *worker.Worker
	stop   context.CancelFunc
	done   chan struct{}
}

// slots is what one worker of the crew serves at once.
const slots = 8

// newCrew starts n workers; the last two of five or more are three times as
// slow as the others.
func newCrew(n int) (*crew, error) {
	c := &crew{}
	for i := range n {
		s := worker.Defaults()
		s.Slots = slots
		if n >= 5 && i >= n-2 {
			s.Delay = worker.Duration(30 * time.Millisecond)
		}
		m := &member{name: fmt.Sprint(i + 1), address: "127.0.0.1:0", settings: s}
		if err := m.start(); err != nil {
			c.close()
			return nil, err
		}
		c.members = append(c.members, m)
	}
	return c, nil
}

func (c *crew) addresses() []string {
	var all []string
	for _, m := range c.members {
		all = append(all, m.address)
	}
	return all
}

func (c *crew) close() {
	for _, m := range c.members {
		m.kill()
	}
}

func (m *member) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	ln, err := net.Listen("tcp", m.address)
	if err != nil {
		return fmt.Errorf("worker %s: %w", m.name, err)
	}
	m.address = ln.Addr().String()
	m.worker = worker.New(m.name, m.settings, uint64(len(m.name))+1)
	ctx, cancel := context.WithCancel(context.Background())
	m.stop, m.done = cancel, make(chan struct{})
	w, done := m.worker, m.done
	go func() { defer close(done); _ = w.Run(ctx, ln) }()
	return nil
}

// kill ends the worker at once, requests and all, as a crash would.
func (m *member) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stop == nil {
		return
	}
	m.stop()
	<-m.done
	m.stop = nil
}

// set changes the worker from what it is when nothing is wrong.
func (m *member) set(change func(*worker.Settings)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.settings
	change(&s)
	m.worker.Set(s)
}
