package worker

import (
	"context"
	"errors"
	"sync"
)

// mostWaiting bounds the requests that wait for a slot.
const mostWaiting = 10_000

var errFull = errors.New("too many requests wait")

// gate lets a number of requests in at once; the rest wait in the order in
// which they came.
type gate struct {
	mu      sync.Mutex
	slots   int // 0 means no limit
	busy    int
	waiting []chan struct{}
}

// enter waits for a slot, or until ctx is done.
func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	if len(g.waiting) == 0 && (g.slots == 0 || g.busy < g.slots) {
		g.busy++
		g.mu.Unlock()
		return nil
	}
	if len(g.waiting) >= mostWaiting {
		g.mu.Unlock()
		return errFull
	}
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		g.giveUp(turn)
		return ctx.Err()
	}
}

// giveUp takes a request out of the queue, or passes its slot on when it was
// let in at the same moment.
func (g *gate) giveUp(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == turn {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
	g.busy--
	g.admit()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.admit()
}

// resize changes the number of slots; those inside stay.
func (g *gate) resize(slots int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slots = slots
	g.admit()
}

// admit lets in as many of those that wait as there is room for. The caller
// holds the lock.
func (g *gate) admit() {
	for len(g.waiting) > 0 && (g.slots == 0 || g.busy < g.slots) {
		g.busy++
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
	}
}
