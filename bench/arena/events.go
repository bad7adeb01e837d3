package arena

import (
	"context"
	"fmt"
	"time"

	"poise/internal/lab/bench"
)

// happen brings the events about when they are due. The span begins at a
// moment and lasts so long.
func (s *stage) happen(ctx context.Context, begin time.Time, span time.Duration) error {
	type state struct{ slowness, fails float64 }
	now := make([]state, len(s.workers))
	for i := range now {
		now[i].slowness = s.sc.class(i).Slowness
	}
	for _, at := range s.sc.changes() {
		t := time.NewTimer(time.Until(begin.Add(time.Duration(at * float64(span)))))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		for i, a := range s.workers {
			v := state{s.sc.slowness(i, at), s.sc.fails(i, at)}
			if v == now[i] {
				continue
			}
			now[i] = v
			if err := bench.Control(ctx, a, fmt.Sprintf(`{"slowness": %g, "errors": %g}`, v.slowness, v.fails)); err != nil {
				return err
			}
		}
	}
	return nil
}
