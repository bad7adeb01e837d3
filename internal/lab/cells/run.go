package cells

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Work is how the cells of a plan come about.
type Work[K Key] struct {
	Keys   []K
	Cost   func(K) time.Duration                 // about how long one takes
	Take   func(context.Context, []K) []*Cell[K] // of a step, a cell a key; Each makes it of a function that takes one
	Say    func(c *Cell[K], progress string)
	Weight func(K) float64 // how much room one needs; nil: all
	Room   float64         // that there is in a step; 0: 1
	Budget time.Duration   // nothing is begun that would end later; 0 means all
}

// ErrBudget says that cells are left since the time was over.
var ErrBudget = errors.New("the time is over; the same command goes on where it was")

// Run takes the cells that are missing, step by step in their order, and void
// ones and failed ones a second time, then alone: beside others they may have
// had no room. What has ended when it is interrupted is kept.
func (s *Store[K]) Run(ctx context.Context, w Work[K]) error {
	began := time.Now()
	alone := w
	alone.Weight = nil
	for _, w := range []*Work[K]{&w, &alone} {
		if err := s.pass(ctx, w, began); err != nil {
			return err
		}
	}
	return nil
}

// pass takes all that are missing once.
func (s *Store[K]) pass(ctx context.Context, w *Work[K], began time.Time) error {
	steps, done := w.Steps(s.Left(w.Keys)), 0
	all := len(slices.Concat(steps...))
	for i, keys := range steps {
		if w.Budget > 0 && time.Since(began)+w.span(steps[i:i+1]) > w.Budget {
			return ErrBudget
		}
		for n, c := range w.Take(ctx, keys) {
			if ctx.Err() != nil && !c.Good() {
				continue // it was cut off
			}
			c.Key, c.When, c.Lanes = keys[n], time.Now().UTC().Truncate(time.Second), len(keys)
			if err := s.Add(c); err != nil {
				return err
			}
			done++
			w.Say(c, fmt.Sprintf("%d of %d, about %v left", done, all, w.span(steps[i+1:]).Round(time.Second)))
		}
		if ctx.Err() != nil {
			return errors.New("interrupted; the same command goes on where it was")
		}
	}
	return nil
}

// Steps are the keys that are taken beside each other: in order, as many as
// there is room for. What needs more than there is has a step to itself.
func (w *Work[K]) Steps(keys []K) (all [][]K) {
	room, used := cmp.Or(w.Room, 1), 0.0
	for i, k := range keys {
		need := math.Inf(1)
		if w.Weight != nil {
			need = w.Weight(k)
		}
		if i == 0 || used+need > room {
			all, used = append(all, nil), 0
		}
		last := len(all) - 1
		all[last] = append(all[last], k)
		used += need
	}
	return all
}

// Span is about how long keys take.
func (w *Work[K]) Span(keys []K) time.Duration { return w.span(w.Steps(keys)) }

func (w *Work[K]) span(steps [][]K) (sum time.Duration) {
	for _, keys := range steps {
		longest := time.Duration(0)
		for _, k := range keys {
			longest = max(longest, w.Cost(k))
		}
		sum += longest
	}
	return sum
}

// Each takes the cells of a step side by side, each by itself.
func Each[K Key](take func(context.Context, K) (*Cell[K], error)) func(context.Context, []K) []*Cell[K] {
	return func(ctx context.Context, keys []K) []*Cell[K] {
		taken := make([]*Cell[K], len(keys))
		var all sync.WaitGroup
		for i, k := range keys {
			all.Go(func() {
				c, err := take(ctx, k)
				if err != nil {
					c = &Cell[K]{Failed: err.Error()}
				}
				taken[i] = c
			})
		}
		all.Wait()
		return taken
	}
}

// Left returns the keys that have no good cell.
func (s *Store[K]) Left(keys []K) (left []K) {
	for _, k := range keys {
		if !s.cells[k].Good() {
			left = append(left, k)
		}
	}
	return left
}
