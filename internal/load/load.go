// Package load generates requests on an open timeline: each is due at a moment
// that does not depend on how the ones before it fared, and its latency counts
// from then (no coordinated omission).
package load

import (
	"context"
	"math"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"
)

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
	N       int // which of the run it is, from 0; of a closed run always 0
	Due     time.Time
	Latency time.Duration // from Due
	Status  int           // 0 when there was no answer
	Fault   Fault
	Late    bool
	Worker  string // X-Worker of the answer
}

// Run sends requests until their time is over, waits for the answers, and
// reports. When ctx is done it stops at once: requests under way are given up,
// count as unfinished, and the report covers the others.
func Run(ctx context.Context, o Options) (*Report, error) {
	return run(ctx, o, world{dial: (&net.Dialer{}).DialContext, nap: nap})
}

// world is the network and the clock; tests put their own in its place.
type world struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	nap  func(time.Duration) // sleeps for less than fine
}

func run(ctx context.Context, o Options, w world) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "80")
	}
	g := &generator{options: o, world: w, address: address, request: newRequest(&o, u), tally: newTally(&o)}
	began := time.Now()
	seconds := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() { g.tally.everySecond(seconds, o.OnSecond) })
	if o.Closed > 0 {
		g.closed(ctx, began)
	} else {
		g.open(ctx, began)
	}
	took := time.Since(began)
	close(seconds)
	reporting.Wait()
	return g.tally.report(took), nil
}

type generator struct {
	options Options
	world   world
	address string
	request *request
	tally   *tally
}

// job is one request to be made.
type job struct {
	n    int
	due  time.Time
	key  uint64
	work time.Duration
}

// closed keeps so many connections busy.
func (g *generator) closed(ctx context.Context, began time.Time) {
	until := began.Add(g.options.For)
	var all sync.WaitGroup
	for i := range g.options.Closed {
		all.Go(func() {
			c := g.newClient(ctx)
			defer c.end()
			key := g.options.keys(uint64(i))
			for now := time.Now(); now.Before(until) && ctx.Err() == nil; now = time.Now() {
				g.finish(ctx, c.do(job{due: now, key: key()}))
			}
		})
	}
	all.Wait()
}

// open sends each request when it is due. A client that waits takes it; when
// none does there is another, up to the bound, and then it is late.
func (g *generator) open(ctx context.Context, began time.Time) {
	jobs := make(chan job)
	var all sync.WaitGroup
	clients := 0
	for j := range g.jobs(began) {
		if !g.sleepUntil(ctx, j.due) {
			break
		}
		select {
		case jobs <- j:
			continue
		default:
		}
		if clients < g.options.Connections {
			clients++
			all.Go(func() { g.work(ctx, jobs) })
		}
		select {
		case jobs <- j:
		case <-ctx.Done():
		}
	}
	close(jobs)
	all.Wait()
}

func (g *generator) work(ctx context.Context, jobs <-chan job) {
	c := g.newClient(ctx)
	defer c.end()
	for j := range jobs {
		g.finish(ctx, c.do(j))
	}
}

// finish counts a result. One that failed because the run was given up says
// nothing about what is measured.
func (g *generator) finish(ctx context.Context, r Result) {
	if ctx.Err() != nil && r.Fault != None && r.Fault != Status {
		g.tally.giveUp()
		return
	}
	g.tally.add(r)
}

// jobs yields what is sent: the plan, or what the seed draws.
func (g *generator) jobs(began time.Time) func(yield func(job) bool) {
	return func(yield func(job) bool) {
		for n, j := range g.options.Plan {
			if !yield(job{n, began.Add(j.At), j.Key, j.Work}) {
				return
			}
		}
		if len(g.options.Plan) > 0 {
			return
		}
		key, n := g.options.keys(0), 0
		for due := range g.timeline(began) {
			if !yield(job{n: n, due: due, key: key()}) {
				return
			}
			n++
		}
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
			d := time.Duration(math.Round(at * float64(time.Second)))
			if d >= g.options.For || !yield(began.Add(d)) {
				return
			}
		}
	}
}

// fine is how long before a request is due the runtime's timers are left: they
// wake up to a millisecond late when the process is idle, which would count as
// latency.
const fine = 2 * time.Millisecond

// sleepUntil reports whether ctx is still good then.
func (g *generator) sleepUntil(ctx context.Context, due time.Time) bool {
	if d := time.Until(due) - fine; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return false
		}
	}
	if d := time.Until(due); d > 0 {
		g.world.nap(d)
	}
	return ctx.Err() == nil
}
