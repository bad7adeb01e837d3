package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"poise/bench/rig"
)

// A scenario needs a Poise of its own. It returns what is wrong.
type scenario struct {
	name, ids string
	play      func(ctx context.Context, bin, dir string) error
}

var scenarios = []scenario{
	{"a balancer that is its own endpoint: the loop ends by itself", "9110-7.6-2", ownEndpoint},
}

// Scenarios plays them and returns what failed, by name.
func Scenarios(ctx context.Context, bin, dir string) (failed []string) {
	for _, s := range scenarios {
		if err := s.play(ctx, bin, dir); err != nil {
			failed = append(failed, s.name+": "+err.Error())
		}
	}
	return failed
}

// ownEndpoint sends Poise to itself. Each turn adds a Via field, so that the
// limit of fields ends the loop.
func ownEndpoint(ctx context.Context, bin, dir string) error {
	listen, err := rig.FreeAddress()
	if err != nil {
		return err
	}
	p, err := Poise(bin, "").start(dir, listen, listen)
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := p.Ready(ctx, listen); err != nil {
		return err
	}
	k, err := dial(listen, &Case{Send: say(get())})
	if err != nil {
		return err
	}
	defer k.close()
	began := time.Now()
	k.play()
	if len(k.Answers) != 1 || k.Answers[0].Status != 431 || !strings.Contains(string(k.Answers[0].Body), "fields") {
		return fmt.Errorf("the client got %s after %v; want 431", clip(string(k.Raw)), time.Since(began))
	}
	return nil
}
