package conformance

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Workers is how many cases are played at once, each at a process of its own.
const Workers = 4

// Play holds a proxy against cases and returns a verdict for each, in order.
func Play(ctx context.Context, p Proxy, dir string, cases []Case) ([]Verdict, error) {
	verdicts := make([]Verdict, len(cases))
	failures := make([]error, Workers)
	var next atomic.Int64
	var all sync.WaitGroup
	for w := range Workers {
		all.Go(func() {
			failures[w] = playAll(ctx, p, filepath.Join(dir, fmt.Sprintf("%s-%d", p.Name, w)), func() (*Case, *Verdict) {
				if n := int(next.Add(1)) - 1; n < len(cases) {
					return &cases[n], &verdicts[n]
				}
				return nil, nil
			})
		})
	}
	all.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return verdicts, nil
}

// playAll plays one case after the other until next has no more.
func playAll(ctx context.Context, p Proxy, dir string, next func() (*Case, *Verdict)) error {
	i, err := p.run(ctx, dir)
	if err != nil {
		return err
	}
	defer i.stop()
	for c, v := next(); c != nil; c, v = next() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if *v, err = i.play(c); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

// play plays one case.
func (i *instance) play(c *Case) (Verdict, error) {
	i.endpoint.begin(c)
	k, err := dial(i.address, c)
	if err != nil {
		i.endpoint.finish(0)
		return Verdict{}, err
	}
	k.play()
	talk := k.Talk
	follow := ""
	if c.Group != InPieces {
		follow = k.follow(i.address)
	}
	k.close()
	r := i.endpoint.finish(8 * time.Millisecond)
	time.Sleep(2 * time.Millisecond) // for the proxy to see that its connections ended
	return judge(c, &talk, r, follow), nil
}
