package main

import (
	"context"

	"poise/bench/figure"
)

// figuresOfSockets are those that need real sockets.
func figuresOfSockets() []figure.Figure {
	return []figure.Figure{
		{ID: "E5", What: "predictions over real sockets", AtMost: 0.15},
		{ID: "E6", What: "cost of the engine", AtMost: 0.01},
		{ID: "E7", What: "beside peers over real sockets", AtMost: 1.03},
	}
}

func measureSockets(_ context.Context, s *figure.Sheet, _ string) error {
	for _, f := range figuresOfSockets() {
		s.NotRun(f.ID, "not built yet")
	}
	return nil
}
