package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"poise/internal/lb"
	"poise/internal/load"
)

// Demo is one command to see it work.
type Demo struct {
	Workers  int
	Rate     float64
	For      time.Duration // of the whole tour
	Policies []string      // that the tour compares; some of Policies()
	Tour     bool          // break things; otherwise only balance
	Quiet    bool          // only the summary
	Colour   bool          // Out is a terminal that shows colours
	Live     bool          // Out is a terminal: the last line may be rewritten
	Out      io.Writer
	Target   string // URL of the balancer
	Admin    string // URL of its API
	// Start starts a balancer over the endpoints. stop ends it and waits.
	Start func(endpoints []string) (stop func() error, err error)

	screen *screen
}

// Policies are those that a tour knows what to expect of.
func Policies() []string {
	return []string{"round-robin", "random", "least-request", "p2c", "peak-ewma", "hot-cold", "expected-delay", lb.Adaptive}
}

// DefaultPolicies are those that the tour compares when it is told nothing.
func DefaultPolicies() []string {
	return []string{"round-robin", "least-request", "peak-ewma", "hot-cold", lb.Adaptive}
}

// leastStop is how long a stop of the tour lasts at least: the health checks
// need about a second to see that a worker hangs.
const leastStop = 2 * time.Second

// Shortest is how long a tour of so many policies takes at least.
func Shortest(policies int) time.Duration {
	return time.Duration(policies*len(conditions)) * leastStop
}

// Outcome is how a tour went.
type Outcome struct {
	Stops, Run int      // planned; gone through to their end
	Missing    []string // what was expected and not seen, or could not be done
}

// Good reports whether every stop had its expected effect.
func (o *Outcome) Good() bool { return o.Run == o.Stops && len(o.Missing) == 0 }

// requestTimeout is how long the load waits for an answer.
const requestTimeout = 5 * time.Second

// Run starts everything, runs until the time is over or ctx is done, stops
// everything, and prints the summary of what there was.
func (d *Demo) Run(ctx context.Context) (*Outcome, error) {
	d.screen = &screen{out: d.Out, colour: d.Colour, live: d.Live && !d.Quiet}
	crew, err := newCrew(d.Workers)
	if err != nil {
		return nil, err
	}
	defer crew.close()
	stop, err := d.Start(crew.addresses())
	if err != nil {
		return nil, err
	}
	d.screen.name(crew)
	d.introduce(crew)
	// Nothing takes longer than the tour and the last request's timeout.
	ctx, cancel := context.WithTimeout(ctx, d.For+2*requestTimeout)
	defer cancel()
	b := board{policies: d.Policies}
	if !d.Tour {
		b.begin(newScore("", "no fault", d.Workers), d.For)
	}
	var loading sync.WaitGroup
	loading.Go(func() { err = d.load(ctx, &b) })
	if d.Tour {
		d.tour(ctx, crew, &b)
	} else {
		d.balance(ctx)
	}
	loading.Wait()
	d.screen.close()
	var account []told
	if d.Tour && slices.Contains(d.Policies, lb.Adaptive) {
		var accountErr error
		if account, accountErr = d.account(context.WithoutCancel(ctx)); accountErr != nil && err == nil {
			err = accountErr
		}
	}
	if stopErr := stop(); err == nil {
		err = stopErr
	}
	if !d.Tour {
		b.printPlain(d.screen)
		return &Outcome{}, err
	}
	outcome := b.outcome()
	b.printTable(d.screen)
	if account != nil {
		d.printAccount(&b, account)
	}
	d.conclude(outcome)
	return outcome, err
}

// load sends the requests of the whole demo.
func (d *Demo) load(ctx context.Context, b *board) error {
	o := load.Options{
		URL: d.Target, Rate: d.Rate, For: d.For, Timeout: requestTimeout, Seed: 1,
		OnResult: b.add,
		OnSecond: func(s load.Second) {
			switch {
			case d.Quiet:
			case d.Tour:
				d.screen.second(b.label(), &s, d.Workers)
			default:
				d.screen.row(fmt.Sprintf("second %d", s.At), figuresOf(&s, d.Workers), unjudged)
			}
		},
	}
	_, err := load.Run(ctx, o)
	return err
}

// balance breaks nothing.
func (d *Demo) balance(ctx context.Context) {
	if !d.Quiet {
		d.screen.heading(lb.Adaptive, d.Workers)
	}
	wait(ctx, d.For)
}

// wait reports whether ctx was good to the end.
func wait(ctx context.Context, lasts time.Duration) bool {
	t := time.NewTimer(lasts)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// tour goes through all conditions under each policy.
func (d *Demo) tour(ctx context.Context, c *crew, b *board) {
	lasts := d.For / time.Duration(len(d.Policies)*len(conditions))
	until := time.Now() // stops end when they should, however long things take
	for _, policy := range d.Policies {
		if !d.Quiet {
			d.screen.heading(policy, d.Workers)
		}
		problem := ""
		if err := d.pin(ctx, policy); err != nil && ctx.Err() == nil {
			problem = err.Error()
		}
		victim := c.members[0]
		for i := range conditions {
			k := &conditions[i]
			if !k.sameVictim {
				victim = c.busiest(b.last())
			}
			until = until.Add(lasts)
			if !d.stop(ctx, b, k, stop{policy: policy, victim: victim, until: until, problem: problem}) {
				return
			}
		}
	}
}

// stop is one condition under one policy.
type stop struct {
	policy  string
	victim  *member
	until   time.Time
	problem string // what is wrong already
}

// stop goes through one stop, and reports whether it came to its end.
func (d *Demo) stop(ctx context.Context, b *board, k *condition, p stop) bool {
	if ctx.Err() != nil {
		return false
	}
	s := newScore(p.policy, k.name, d.Workers)
	s.victim, s.missing = p.victim.name, p.problem
	s.label = k.label(p.victim.name)
	b.begin(s, time.Until(p.until))
	if err := k.begin(p.victim); err != nil {
		s.missing = err.Error()
	}
	if !wait(ctx, time.Until(p.until)) {
		heal(p.victim)
		return false
	}
	state := d.stateOf(ctx, p.victim.address)
	heal(p.victim)
	b.judge(s, state, k)
	if !d.Quiet {
		d.screen.row(s.label, b.figures(s), verdictOf(s))
		if s.missing != "" {
			d.screen.event("not as expected: " + s.missing)
		}
	}
	return true
}

// pin switches the policy as an operator would: through the API.
func (d *Demo) pin(ctx context.Context, policy string) error {
	body, err := json.Marshal(map[string]string{"policy": policy})
	if err != nil {
		return err
	}
	answer, err := d.call(ctx, http.MethodPut, "/policy", body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the policy could not be switched: %s", answer.Status)
	}
	return nil
}

func (d *Demo) call(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, method, d.Admin+"/api/v1/clusters/default"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	t := &http.Transport{DisableKeepAlives: true}
	return t.RoundTrip(q)
}

// stateOf asks the API for an endpoint's state.
func (d *Demo) stateOf(ctx context.Context, address string) string {
	answer, err := d.call(ctx, http.MethodGet, "", nil)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	var v struct {
		Endpoints []struct{ Address, State string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil {
		return err.Error()
	}
	for _, e := range v.Endpoints {
		if e.Address == address {
			return e.State
		}
	}
	return "not there"
}

// busiest returns the fast worker that answered most in the last part of a
// stop: a fault hurts there most. Where the turns are even it is the first.
func (c *crew) busiest(s *score) *member {
	best := c.members[0]
	if s == nil {
		return best
	}
	fast := slices.MinFunc(c.members, func(a, b *member) int { return int(a.settings.Delay - b.settings.Delay) }).settings.Delay
	for _, m := range c.members {
		const clearly = 1.1
		if m.settings.Delay == fast && float64(s.lateOf[m.name]) > clearly*float64(s.lateOf[best.name]) {
			best = m
		}
	}
	return best
}
