package main

import (
	"context"
	"fmt"
	"os"

	"poise/bench/figure"
	"poise/bench/guard"
	"poise/bench/simulated"
)

// figuresOf4 are those of the decision engine: E1 to E4 in the simulator, E5
// to E7 over sockets.
func figuresOf4() []figure.Figure { return append(simulated.Figures(), figuresOfSockets()...) }

// measure4 takes the simulated figures first: they do not mind what else the
// machine does.
func measure4(ctx context.Context, s *figure.Sheet, size string) error {
	if err := simulated.Measure(ctx, s, size == guard.Quick, func(text string) { fmt.Fprintf(os.Stderr, "\r\x1b[K%s", text) }); err != nil {
		return err
	}
	fmt.Fprint(os.Stderr, "\r\x1b[K")
	return measureSockets(ctx, s, size)
}
