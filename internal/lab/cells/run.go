package cells

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Work is how the cells of a plan come about.
type Work[K Key] struct {
	Keys   []K
	Cost   func(K) time.Duration // about how long one takes
	Take   func(context.Context, K) (*Cell[K], error)
	Say    func(c *Cell[K], progress string)
	Weight func(K) float64 // share of the machine that one needs; those that fit run side by side; nil: one after the other
	Budget time.Duration   // no cell is begun that would end later; 0 means all
}

// ErrBudget says that cells are left since the time was over.
var ErrBudget = errors.New("the time is over; the same command goes on where it was")

// Run takes the cells that are missing, void ones and failed ones a second
// time.
func (s *Store[K]) Run(ctx context.Context, w Work[K]) error {
	began := time.Now()
	for range 2 {
		left := s.Left(w.Keys)
		all := len(left)
		for len(left) > 0 {
			n := w.together(left)
			most := slices.Max(costs(w, left[:n]))
			if w.Budget > 0 && time.Since(began)+most > w.Budget {
				return ErrBudget
			}
			taken := w.take(ctx, left[:n])
			if ctx.Err() != nil {
				return errors.New("interrupted; the same command goes on where it was")
			}
			left = left[n:]
			for _, c := range taken {
				if err := s.Add(c); err != nil {
					return err
				}
				w.Say(c, fmt.Sprintf("%d of %d", all-len(left), all))
			}
		}
	}
	return nil
}

func costs[K Key](w Work[K], keys []K) (all []time.Duration) {
	for _, k := range keys {
		all = append(all, w.Cost(k))
	}
	return all
}

// together is how many of the first fit beside each other.
func (w *Work[K]) together(left []K) int {
	if w.Weight == nil {
		return 1
	}
	n := 0
	for sum := 0.0; n < len(left); n++ {
		if sum += w.Weight(left[n]); n > 0 && sum > 1 {
			break
		}
	}
	return n
}

// take takes cells side by side.
func (w *Work[K]) take(ctx context.Context, keys []K) []*Cell[K] {
	taken := make([]*Cell[K], len(keys))
	var all sync.WaitGroup
	for i, k := range keys {
		all.Go(func() {
			c, err := w.Take(ctx, k)
			if err != nil {
				c = &Cell[K]{Failed: err.Error()}
			}
			c.Key, c.When = k, time.Now().UTC().Truncate(time.Second)
			taken[i] = c
		})
	}
	all.Wait()
	return taken
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
