package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"poise/internal/lb"
	"poise/test/fleet"
)

// chaos does things to the workers and to the balancer, one after the other,
// as its dice say.
type chaos struct {
	binary, dir string
	dice        *rand.Rand
	addresses   []string // of the workers, and the endpoint of tunnels
	workers     []*fleet.Process
	b           *fleet.Balancer
	done        map[string]int
}

// ill is what may be wrong with a worker.
var ill = map[string]string{
	"slow": `{"delay":"300ms"}`, "failing": `{"errors":"50%"}`, "hanging": `{"hang":"20%"}`, "resetting": `{"reset":"30%"}`,
	"cutting": `{"crash_mid_body":"30%"}`, "unhealthy": `{"health":"fail"}`, "silent": `{"health":"hang"}`,
}

const well = `{"delay":"5ms","errors":"0%","hang":"0%","reset":"0%","crash_mid_body":"0%","health":"ok"}`

var strikes = []string{"slow", "failing", "hanging", "resetting", "cutting", "unhealthy", "silent", "killed", "policy", "reload", "drain", "rotate"}

func (c *chaos) pause() time.Duration {
	return 2*time.Second + time.Duration(c.dice.IntN(3000))*time.Millisecond
}

// strike mends what was broken before and breaks something else.
func (c *chaos) strike() error {
	if err := c.mend(); err != nil {
		return err
	}
	i, what := c.dice.IntN(workers), strikes[c.dice.IntN(len(strikes))]
	if c.done == nil {
		c.done = map[string]int{}
	}
	c.done[what]++
	policy := lb.Policies[c.dice.IntN(len(lb.Policies))]
	switch what {
	case "killed":
		_ = c.workers[i].End(os.Kill)
		c.workers[i] = nil
	case "policy":
		return c.b.Put("/api/v1/clusters/web/policy", `{"policy":"`+policy+`"}`)
	case "reload":
		return c.reload(policy)
	case "drain":
		word := []string{"drain", "disable"}[c.dice.IntN(2)]
		return c.b.Put("/api/v1/clusters/web/endpoints/"+c.addresses[i]+"/state", `{"state":"`+word+`"}`)
	case "rotate":
		if err := os.Remove(c.dir + "/access.log"); err != nil {
			return err
		}
		c.b.Signal(syscall.SIGUSR1)
	default:
		return fleet.Tell(c.addresses[i], ill[what])
	}
	return nil
}

// reload writes the file anew, with another policy and weight, and has it
// applied.
func (c *chaos) reload(policy string) error {
	admin := fmt.Sprintf("{address: %q, socket: %q}", c.b.Admin, c.b.Socket)
	text := document(c.addresses, c.dir, policy, 1+c.dice.IntN(3))(c.b.Front, admin)
	if err := os.WriteFile(c.b.File, []byte(text), 0o644); err != nil {
		return err
	}
	skip := c.b.Log.Len()
	c.b.Signal(syscall.SIGHUP)
	if !fleet.Within(5*time.Second, func() bool { return c.b.Log.Count(skip, "configuration applied") > 0 }) {
		return fmt.Errorf("a reload was not applied within 5 s; poise says\n%s", c.b.Log.String()[skip:])
	}
	return nil
}

// mend makes every worker well and every endpoint enabled.
func (c *chaos) mend() error {
	for i := range workers {
		if c.workers[i] == nil {
			if err := c.revive(i); err != nil {
				return err
			}
		}
		if err := fleet.Tell(c.addresses[i], well); err != nil {
			return err
		}
		if err := c.b.Put("/api/v1/clusters/web/endpoints/"+c.addresses[i]+"/state", `{"state":"enable"}`); err != nil {
			return err
		}
	}
	return nil
}

func (c *chaos) revive(i int) (err error) {
	c.workers[i], err = fleet.Worker(c.binary, c.addresses[i], "--name", fmt.Sprint(i), "--delay", "5ms", "--body", "1000")
	return err
}

func (c *chaos) end() {
	for _, w := range c.workers {
		if w != nil {
			_ = w.End(os.Kill)
		}
	}
	if c.b != nil {
		_ = c.b.End(os.Kill)
	}
}
