package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"poise/internal/load"
)

// Demo is one command to see it work.
type Demo struct {
	Workers int
	Rate    float64
	For     time.Duration // of the whole tour
	Tour    bool          // break things; otherwise only balance
	Quiet   bool          // no line a second
	Out     io.Writer
	Target  string // URL of the balancer
	Admin   string // URL of its API
	// Start starts a balancer over the endpoints. stop ends it and waits.
	Start func(endpoints []string) (stop func() error, err error)
}

// policies are the ones that the tour compares.
var policies = []string{"round-robin", "least-request", "peak-ewma", "hot-cold"}

// leastStop is how long a stop of the tour lasts at least: the health checks
// need about a second to see that a worker hangs.
const leastStop = 2 * time.Second

// Shortest is how long a tour takes at least.
func Shortest() time.Duration { return time.Duration(len(policies)*len(conditions)) * leastStop }

// Run starts everything, runs until the time is over or ctx is done, and
// stops everything. missing says what was expected on the tour and not seen.
func (d *Demo) Run(ctx context.Context) (missing []string, err error) {
	crew, err := newCrew(d.Workers)
	if err != nil {
		return nil, err
	}
	defer crew.close()
	stop, err := d.Start(crew.addresses())
	if err != nil {
		return nil, err
	}
	d.introduce(crew)
	ctx, cancel := context.WithTimeout(ctx, d.For+time.Second) // the last stop still asks how things stand
	defer cancel()
	var b board
	var loading sync.WaitGroup
	loading.Go(func() { err = d.load(ctx, &b) })
	if d.Tour {
		d.tour(ctx, crew, &b)
	} else {
		b.begin(newScore("", "steady", d.Workers), d.For)
		<-ctx.Done()
	}
	cancel()
	loading.Wait()
	if stopErr := stop(); err == nil {
		err = stopErr
	}
	return d.conclude(&b), err
}

func (d *Demo) introduce(c *crew) {
	fmt.Fprintf(d.Out, "poise demo: %d workers, %.0f requests a second to %s\n", d.Workers, d.Rate, d.Target)
	for _, m := range c.members {
		fmt.Fprintf(d.Out, "  worker %s on %s: %v a request, %d at once\n", m.name, m.address, m.settings.Delay, m.settings.Slots)
	}
	fmt.Fprintf(d.Out, "while it runs, from another terminal:\n")
	fmt.Fprintf(d.Out, "  curl -i %s\n", d.Target)
	fmt.Fprintf(d.Out, "  curl %s/api/v1/clusters/default\n", d.Admin)
	fmt.Fprintf(d.Out, "  curl -X PUT -H 'Content-Type: application/json' -d '{\"policy\":\"least-request\"}' %s/api/v1/clusters/default/policy\n", d.Admin)
	fmt.Fprintf(d.Out, "  curl -X PUT -d '{\"delay\":\"200ms\"}' http://%s/control\n\n", c.members[0].address)
}

// load sends the requests of the whole demo.
func (d *Demo) load(ctx context.Context, b *board) error {
	o := load.Options{
		URL: d.Target, Rate: d.Rate, For: d.For, Timeout: 5 * time.Second, Seed: 1,
		OnResult: b.add,
		OnSecond: func(s load.Second) {
			if !d.Quiet {
				fmt.Fprintln(d.Out, d.line(s))
			}
		},
	}
	_, err := load.Run(ctx, o)
	return err
}

// line is one second of the demo.
func (d *Demo) line(s load.Second) string {
	total := int64(0)
	for _, n := range s.Workers {
		total += n
	}
	var shares []string
	for i := range d.Workers {
		n := s.Workers[fmt.Sprint(i+1)]
		shares = append(shares, fmt.Sprintf("%3.0f%%", 100*float64(n)/float64(max(total, 1))))
	}
	return fmt.Sprintf("%4ds %5d req  p50 %7.1f ms  p99 %7.1f ms  %4d failed   workers %s",
		s.At, s.Requests, s.P50.Seconds()*1000, s.P99.Seconds()*1000, s.Failures, strings.Join(shares, " "))
}

// tour goes through all conditions under each policy.
func (d *Demo) tour(ctx context.Context, c *crew, b *board) {
	lasts := d.For / time.Duration(len(policies)*len(conditions))
	first := c.members[0]
	for _, policy := range policies {
		for _, k := range conditions {
			if ctx.Err() != nil {
				return
			}
			s := newScore(policy, k.name, d.Workers)
			if k.name == conditions[0].name {
				if err := d.pin(ctx, policy); err != nil {
					s.missing = err.Error()
				}
			}
			if !d.Quiet {
				fmt.Fprintf(d.Out, "--- %s: %s\n", policy, k.name)
			}
			b.begin(s, lasts)
			if err := k.begin(first); err != nil {
				s.missing = err.Error()
			}
			select {
			case <-ctx.Done():
			case <-time.After(lasts):
			}
			s.state = d.stateOf(ctx, first.address)
			heal(first)
		}
	}
}

// pin switches the policy as an operator would: through the API.
func (d *Demo) pin(ctx context.Context, policy string) error {
	body, err := json.Marshal(map[string]string{"policy": policy})
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPut, d.Admin+"/api/v1/clusters/default/policy", bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	t := &http.Transport{DisableKeepAlives: true}
	answer, err := t.RoundTrip(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the policy could not be switched: %s", answer.Status)
	}
	return nil
}

// stateOf asks the API for an endpoint's state.
func (d *Demo) stateOf(ctx context.Context, address string) string {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Admin+"/api/v1/clusters/default", nil)
	if err != nil {
		return err.Error()
	}
	t := &http.Transport{DisableKeepAlives: true}
	answer, err := t.RoundTrip(q)
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

// conclude prints what each policy did under each condition, and returns what
// was expected and not seen.
func (d *Demo) conclude(b *board) (missing []string) {
	if !d.Tour {
		return nil
	}
	fmt.Fprintf(d.Out, "\np50 / p99 in ms and share of failed requests, one of %d workers being what the column says\n", d.Workers)
	fmt.Fprintf(d.Out, "%-14s", "policy")
	for _, k := range conditions {
		fmt.Fprintf(d.Out, "%24s", k.name)
	}
	fmt.Fprintln(d.Out)
	for _, policy := range policies {
		fmt.Fprintf(d.Out, "%-14s", policy)
		for _, k := range conditions {
			i := slices.IndexFunc(b.scores, func(s *score) bool { return s.policy == policy && s.condition == k.name })
			if i < 0 {
				fmt.Fprintf(d.Out, "%24s", "not run")
				missing = append(missing, policy+", "+k.name+": not run")
				continue
			}
			s := b.scores[i]
			fmt.Fprintf(d.Out, "%24s", s.cell())
			if s.missing == "" {
				s.missing = k.expect(policy, s)
			}
			if s.missing != "" {
				missing = append(missing, policy+", "+k.name+": "+s.missing)
			}
		}
		fmt.Fprintln(d.Out)
	}
	return missing
}

func (s *score) cell() string {
	h := s.latency.Snapshot()
	return fmt.Sprintf("%.0f / %.0f  %.1f%%", h.Quantile(0.5).Seconds()*1000, h.Quantile(0.99).Seconds()*1000, 100*s.failed())
}
