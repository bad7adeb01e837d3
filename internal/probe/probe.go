// Package probe asks endpoints how they are: active health checks.
package probe

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Reporter is told what the checks say of an address. It is called for every
// verdict that changes, and for the first.
type Reporter interface {
	SetHealth(address string, healthy bool, reason string)
}

// Check asks one endpoint once. The error says in words why it is not well;
// ctx bounds it.
type Check func(ctx context.Context, address string) error

// Options are what a prober goes by.
type Options struct {
	Check    Check
	Interval time.Duration // between two checks of an endpoint
	Timeout  time.Duration // of one check
	Jitter   float64       // share by which an interval varies, so that checks spread out
	Thresholds
	Reporter Reporter
}

// Prober checks endpoints, each in a goroutine of its own: one that hangs
// delays nobody else's check.
type Prober struct {
	options Options
	mu      sync.Mutex
	targets map[string]*target
	running sync.WaitGroup
	closed  bool
}

type target struct {
	address        string
	stop           context.CancelFunc
	decided        chan struct{} // closed after the first verdict
	passed, failed atomic.Uint64
}

// New returns a prober that checks nobody yet.
func New(o Options) *Prober { return &Prober{options: o, targets: map[string]*target{}} }

// Set makes addresses the ones that are checked. The first check of a new one
// starts at once; one that stays keeps its state.
func (p *Prober) Set(addresses []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	kept := map[string]*target{}
	for _, a := range addresses {
		if t := p.targets[a]; t != nil {
			kept[a] = t
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		t := &target{address: a, stop: cancel, decided: make(chan struct{})}
		kept[a] = t
		p.running.Go(func() { p.watch(ctx, t) })
	}
	for a, t := range p.targets {
		if kept[a] == nil {
			t.stop()
		}
	}
	p.targets = kept
}

// Close ends all checks and waits for them.
func (p *Prober) Close() {
	p.mu.Lock()
	p.closed = true
	for _, t := range p.targets {
		t.stop()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// Decided is done when every endpoint that is checked now has had its first
// verdict, or when ctx is.
func (p *Prober) Decided(ctx context.Context) {
	p.mu.Lock()
	var all []*target
	for _, t := range p.targets {
		all = append(all, t)
	}
	p.mu.Unlock()
	for _, t := range all {
		select {
		case <-t.decided:
		case <-ctx.Done():
			return
		}
	}
}

// Counts returns how many checks of each address passed and failed.
func (p *Prober) Counts() map[string][2]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := map[string][2]uint64{}
	for a, t := range p.targets {
		counts[a] = [2]uint64{t.passed.Load(), t.failed.Load()}
	}
	return counts
}

// watch checks one endpoint until ctx is done.
func (p *Prober) watch(ctx context.Context, t *target) {
	verdict := NewVerdict(p.options.Thresholds)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := p.once(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if Unable(err) { // no verdict on the endpoint
			timer.Reset(p.pause())
			continue
		}
		if verdict.Take(err == nil) {
			reason := "its health check passes"
			if err != nil {
				reason = err.Error()
			}
			p.options.Reporter.SetHealth(t.address, verdict.Healthy(), reason)
			if verdict.First() {
				close(t.decided)
			}
		}
		timer.Reset(p.pause())
	}
}

func (p *Prober) once(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	err := p.options.Check(ctx, t.address)
	switch {
	case Unable(err):
	case err != nil:
		t.failed.Add(1)
	default:
		t.passed.Add(1)
	}
	return err
}

// Unable reports whether a check could not be made because this process has no
// descriptors left. That says nothing about the endpoint.
func Unable(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// pause is the interval, give or take the jitter.
func (p *Prober) pause() time.Duration {
	vary := p.options.Jitter * (2*rand.Float64() - 1)
	return time.Duration(float64(p.options.Interval) * (1 + vary))
}
