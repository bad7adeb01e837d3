// Command soak runs mixed traffic with random faults against poise for a while
// and checks that it ends with the memory, the goroutines and the descriptors
// that it began with: go run ./test/soak -for 5m
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"poise/test/fleet"
)

func main() {
	long := flag.Duration("for", 5*time.Minute, "how long the traffic lasts, after a warm-up of a sixth of it, at most a minute")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "what the dice start from")
	out := flag.String("out", "docs/evidence", "directory for soak.json and soak.md; \"\" writes none")
	flag.Parse()
	fmt.Printf("seed %d\n", *seed)
	r, err := soak(*long, *seed)
	if err == nil && *out != "" {
		err = r.write(*out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	r.table(os.Stdout)
	if len(r.Wrong) > 0 {
		fmt.Fprintln(os.Stderr, "soak: "+strings.Join(r.Wrong, "\nsoak: "))
		os.Exit(1)
	}
}

const (
	sampleEvery = 10 * time.Second
	workers     = 4
	// rest is how long the balancer is left alone before it is measured:
	// longer than any of its waits, which the configuration below bounds.
	rest = 12 * time.Second
)

func document(addresses []string, dir, policy string, weight int) func(front, admin string) string {
	return func(front, admin string) string {
		return fmt.Sprintf(`listeners: [{address: %q, limits: {header_timeout: 3s, body_between: 3s, keepalive: 8s}}]
admin: %s
state: {dir: %s/state}
telemetry: {access_log: {path: %s/access.log}}
clusters:
- name: web
  policy: %s
  hash_key: header:x-key
  endpoints: [{address: %q, weight: %d}, %s]
  health: {path: /health, interval: 500ms, timeout: 500ms, rise: 2, fall: 2}
  timeouts: {connect: 500ms, head: 3s, between: 3s, tunnel_idle: 5s, keepalive: 5s}
`, front, admin, dir, dir, policy, addresses[0], weight, strings.Join(addresses[1:], ", "))
	}
}

// soak runs it all and returns what came of it.
func soak(long time.Duration, seed uint64) (*report, error) {
	dir, err := os.MkdirTemp("", "poise-soak")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := fleet.Build(dir)
	if err != nil {
		return nil, err
	}
	c := &chaos{binary: binary, dir: dir, dice: rand.New(rand.NewPCG(seed, 1))}
	defer c.end()
	for i := range workers {
		c.addresses = append(c.addresses, fleet.FreeAddress())
		c.workers = append(c.workers, nil)
		if err := c.revive(i); err != nil {
			return nil, err
		}
	}
	tunnels := newEchoer()
	defer tunnels.close()
	c.addresses = append(c.addresses, tunnels.address())
	if c.b, err = fleet.Serve(fleet.Setup{Binary: binary, Dir: dir, Document: document(c.addresses, dir, "least-request", 1)}); err != nil {
		return nil, err
	}
	t := newTraffic(c.b.Front, seed)
	r := &report{Seed: seed, Seconds: long.Seconds(), Began: time.Now().UTC().Truncate(time.Second)}

	warm := min(long/6, time.Minute)
	fmt.Printf("warm-up %v, then %v\n", warm, long)
	if err := r.round(c, t, warm, false); err != nil {
		return nil, err
	}
	if r.Begin, err = settled(c.b); err != nil {
		return nil, err
	}
	if err := r.round(c, t, long, true); err != nil {
		return nil, err
	}
	if r.End, err = settled(c.b); err != nil {
		return nil, err
	}
	r.Traffic, r.Faults = t.counts(), c.done
	r.judge()
	return r, nil
}

// round runs traffic and faults for a while, and then mends everything.
func (r *report) round(c *chaos, t *traffic, long time.Duration, sampled bool) error {
	stop := t.start()
	began := time.Now()
	sample := time.NewTicker(sampleEvery)
	defer sample.Stop()
	next := time.NewTimer(c.pause())
	defer next.Stop()
	for end := time.After(long); ; {
		select {
		case <-c.b.Ended():
			stop()
			return fmt.Errorf("poise ended; it says\n%s", c.b.Log)
		case <-end:
			stop()
			return c.mend()
		case <-next.C:
			if err := c.strike(); err != nil {
				stop()
				return err
			}
			next.Reset(c.pause())
		case <-sample.C:
			u, err := c.b.Usage()
			if err != nil {
				stop()
				return err
			}
			fmt.Printf("%6.0f s  %v\n", time.Since(began).Seconds(), u)
			if sampled {
				r.Samples = append(r.Samples, reading{Seconds: time.Since(began).Seconds(), Usage: u})
			}
		}
	}
}

// settled leaves the balancer alone and measures it.
func settled(b *fleet.Balancer) (fleet.Usage, error) {
	time.Sleep(rest)
	return b.Live()
}
