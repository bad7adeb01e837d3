package cells

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Work is how the cells of a plan come about.
type Work[K Key] struct {
	Keys   []K
	Cost   func(K) time.Duration // about how long one takes
	Take   func(context.Context, K) (*Cell[K], error)
	Say    func(c *Cell[K], progress string)
	Budget time.Duration // no cell is begun that would end later; 0 means all
}

// ErrBudget says that cells are left since the time was over.
var ErrBudget = errors.New("the time is over; the same command goes on where it was")

// Run takes the cells that are missing, void ones and failed ones a second
// time.
func (s *Store[K]) Run(ctx context.Context, w Work[K]) error {
	began := time.Now()
	for range 2 {
		left := s.Left(w.Keys)
		total := time.Duration(0)
		for _, k := range left {
			total += w.Cost(k)
		}
		for i, k := range left {
			if w.Budget > 0 && time.Since(began)+w.Cost(k) > w.Budget {
				return ErrBudget
			}
			c, err := w.Take(ctx, k)
			if ctx.Err() != nil {
				return errors.New("interrupted; the same command goes on where it was")
			}
			if err != nil {
				c = &Cell[K]{Failed: err.Error()}
			}
			c.Key, c.When = k, time.Now().UTC().Truncate(time.Second)
			if err := s.Add(c); err != nil {
				return err
			}
			total -= w.Cost(k)
			w.Say(c, fmt.Sprintf("%d of %d, about %.0f min left", i+1, len(left), total.Minutes()))
		}
	}
	return nil
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
