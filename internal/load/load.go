// Package load generates requests on an open timeline: each is due at a moment
// that does not depend on how the ones before it fared, and its latency counts
// from then (no coordinated omission).
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Options say what to send.
type Options struct {
	URL         string
	Rate        float64       // requests a second, for an open run
	For         time.Duration // of requests being due
	Closed      int           // connections that each send their next request when they have an answer, instead of Rate
	Arrivals    string        // constant or poisson; "" means constant
	Connections int           // most at once; 0 means 10000
	Timeout     time.Duration // of one request; 0 means 10s
	Method      string        // "" means GET
	Body        int           // bytes
	Header      []string      // "Name: value"
	Keys        int           // X-Key is one of so many; 0 means none
	Zipf        float64       // skew of the keys, above 1; 0 means all alike
	Seed        uint64
	AllowRemote bool
	OnResult    func(Result) // called by many goroutines
	OnSecond    func(Second)
}

// LateAfter is how long after it was due a request may leave before it counts
// as late. Beyond 1 % of them the run says more about the generator than about
// what it measured.
const LateAfter = 10 * time.Millisecond

// Fault is what went wrong with a request.
type Fault uint8

// The faults.
const (
	None    Fault = iota
	Status        // 500 to 599
	Connect       // no connection
	Reset         // no answer
	Cut           // an answer that broke off
	Timeout
	Malformed
	faults
)

var faultNames = [faults]string{"", "5xx", "connect", "reset", "cut", "timeout", "malformed"}

func (f Fault) String() string { return faultNames[f] }

// Result is one finished request.
type Result struct {
	Due     time.Time
	Latency time.Duration // from Due
	Status  int           // 0 when there was no answer
	Fault   Fault
	Late    bool
	Worker  string // X-Worker of the answer
}

// Validate says what is wrong with options.
func (o *Options) Validate() error {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%q is no URL; write it as in http://127.0.0.1:8080/work", o.URL)
	case u.Scheme != "http":
		return fmt.Errorf("%q: only http is spoken", o.URL)
	case !o.AllowRemote && !loopback(u.Hostname()):
		return fmt.Errorf("%s is not this machine; add --allow-remote if it is yours to load", u.Hostname())
	case o.Closed == 0 && !(o.Rate > 0 && o.Rate <= 1e6):
		return errors.New("the rate must be more than 0 and at most a million a second")
	case o.For <= 0:
		return errors.New("the duration must be more than 0")
	case o.Arrivals != "" && o.Arrivals != "constant" && o.Arrivals != "poisson":
		return fmt.Errorf("arrivals: %q is neither constant nor poisson", o.Arrivals)
	case o.Zipf != 0 && o.Zipf <= 1:
		return errors.New("zipf must be above 1")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

func (o Options) withDefaults() Options {
	if o.Connections == 0 {
		o.Connections = 10_000
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Method == "" {
		o.Method = "GET"
	}
	return o
}

// Run sends requests until their time is over, or ctx is, waits for the
// answers, and reports.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	u, _ := url.Parse(o.URL)
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "80")
	}
	g := &generator{options: o, address: address, request: newRequest(&o, u), tally: newTally(&o)}
	began := time.Now()
	seconds := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() { g.tally.everySecond(seconds, o.OnSecond) })
	if o.Closed > 0 {
		g.closed(ctx, began)
	} else {
		g.open(ctx, began)
	}
	close(seconds)
	reporting.Wait()
	return g.tally.report(time.Since(began)), nil
}

type generator struct {
	options Options
	address string
	request *request
	tally   *tally
}

// closed keeps so many connections busy.
func (g *generator) closed(ctx context.Context, began time.Time) {
	ctx, cancel := context.WithDeadline(ctx, began.Add(g.options.For))
	defer cancel()
	var all sync.WaitGroup
	for i := range g.options.Closed {
		all.Go(func() {
			c := g.newClient(uint64(i))
			defer c.close()
			for ctx.Err() == nil {
				g.tally.add(c.do(time.Now()))
			}
		})
	}
	all.Wait()
}

// open sends each request when it is due. A client that waits takes it; when
// none does there is another, up to the bound, and then it is late.
func (g *generator) open(ctx context.Context, began time.Time) {
	jobs := make(chan time.Time)
	var all sync.WaitGroup
	clients := 0
	for due := range g.timeline(began) {
		if !sleepUntil(ctx, due) {
			break
		}
		select {
		case jobs <- due:
			continue
		default:
		}
		if clients < g.options.Connections {
			clients++
			all.Go(func() { g.work(uint64(clients), jobs) })
		}
		select {
		case jobs <- due:
		case <-ctx.Done():
		}
	}
	close(jobs)
	all.Wait()
}

func (g *generator) work(number uint64, jobs <-chan time.Time) {
	c := g.newClient(number)
	defer c.close()
	for due := range jobs {
		g.tally.add(c.do(due))
	}
}

// timeline yields the moments at which requests are due. They depend on the
// seed alone, so that two runs can be compared pair by pair.
func (g *generator) timeline(began time.Time) func(yield func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		dice := rand.New(rand.NewPCG(g.options.Seed, 1))
		gap := 1 / g.options.Rate
		at := 0.0
		for n := 0; ; n++ {
			if g.options.Arrivals == "poisson" {
				at += dice.ExpFloat64() * gap
			} else {
				at = float64(n) * gap
			}
			d := time.Duration(at * float64(time.Second))
			if d >= g.options.For || !yield(began.Add(d)) {
				return
			}
		}
	}
}

// sleepUntil reports whether ctx is still good then.
func sleepUntil(ctx context.Context, due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
