// Package scenario is the language in which a situation is described: which
// endpoints there are and how they behave, what arrives, and what changes
// meanwhile. The simulator runs it in virtual time, a bench over sockets.
//
// A scenario is a text of one statement a line:
//
//	about     half of the endpoints are four times slower, and one of them fails for a while
//	run       100s warm 10s
//	endpoints fast 5 slots 4 service 20ms exponential
//	endpoints slow 5 slots 4 service 80ms exponential
//	arrivals  750/s poisson
//	at 40s for 20s  slow[2] fails 30% after 1ms
//	expect    heterogeneous
//
// docs/guide/scenarios.md lists every statement.
package scenario

import (
	"math"
	"time"
)

// Scenario is one situation, checked and with every default filled in.
type Scenario struct {
	Name      string // of the file, without its ending
	Group     string // the directory of a shipped one; "own" otherwise
	About     string
	Run       time.Duration // until the last arrival
	Warm      time.Duration // of Run, at its beginning, that is not measured
	Timeout   time.Duration // of a request with its retries
	Retries   int           // most attempts after the first
	Guard     bool          // endpoints that fail, lag or hang are ejected
	Balancers int           // that know nothing of each other; each request comes to one at random
	Endpoints []Endpoint
	Arrivals  Arrivals // at the start
	Keys      Keys     // at the start
	Events    []Event  // in order of time
	Expect    []Expect
}

// Endpoint is one endpoint and how it behaves at the start.
type Endpoint struct {
	Group string
	Index int // in its group
	Settings
}

// Settings are how an endpoint behaves.
type Settings struct {
	Slots        int           // requests worked on at once; with Sharing, cores
	Sharing      bool          // all requests are worked on at once and share the cores; otherwise the rest wait in order
	Service      time.Duration // mean time of one that does not wait
	Distribution Distribution
	Weight       int           // configured share
	Queue        int           // requests that may wait; one more is answered 503
	Network      time.Duration // there and back
	Cache        Cache
	Slow         float64       // times slower than Service says
	Fading       time.Duration // in which Slow goes back to 1; 0 means that it stays
	Fails        float64       // share answered 503 ...
	FailsAfter   time.Duration // ... after this, without work
	Refuses      float64       // share refused before anything was sent
	Hangs        float64       // share never answered
	Stall        time.Duration // nothing moves for so long ...
	StallEvery   time.Duration // ... each time in this
	Others       float64       // requests a second that come from elsewhere, unseen by the balancers
	Reports      bool          // every answer says how many requests are here, whoever sent them
}

// Cache is what an endpoint remembers of the keys that it worked on last.
type Cache struct {
	Keys      int           // 0 means no cache
	Hit, Miss time.Duration // mean service time; they replace Service for a request with a key
}

// Arrivals are how requests come in.
type Arrivals struct {
	Rate    float64 // requests a second on average
	Process Process
	Batch   float64       // mean number that come together, geometric; with Batches
	High    float64       // rate in a burst over the mean rate; with Bursts
	HighFor time.Duration // mean length of a burst
	Low     float64       // the same between bursts
	LowFor  time.Duration
}

// Process is the kind of arrivals.
type Process uint8

// The kinds.
const (
	Poisson Process = iota
	Steady          // evenly spaced
	Batches
	Bursts // Poisson at a rate that jumps between two: a Markov modulated process
)

// Keys are what the requests ask for. Without them no request has a key.
type Keys struct {
	Count int
	Zipf  float64 // exponent of their popularity; 0 means that all are equal
}

// Event is a change at a moment. Of its three parts exactly one is set.
type Event struct {
	At       time.Duration
	Endpoint int // whose settings change
	Settings *Settings
	Arrivals *Arrivals
	Keys     *Keys
}

// Expect says that a condition must be named by the engine after a moment.
type Expect struct {
	Condition string
	At        time.Duration
	Line, Col int
}

// Distribution is the shape of service times.
type Distribution string

// The shapes, by their names in a scenario.
const (
	Constant    Distribution = "constant"
	Exponential Distribution = "exponential"
	Heavy       Distribution = "heavy"     // 95 of 100 take half of the mean, 5 ten times it; that of `poise worker`
	LogNormal   Distribution = "lognormal" // coefficient of variation 1
	Pareto      Distribution = "pareto"    // bounded, exponent 1.3, largest 500 times the smallest
)

// Distributions are the shapes that there are.
var Distributions = []string{string(Constant), string(Exponential), string(Heavy), string(LogNormal), string(Pareto)}

// Scale returns how many times the mean a service time is that lies at
// quantile u, in [0, 1). A request keeps its quantile wherever it goes, so
// that every policy has the same requests.
func (d Distribution) Scale(u float64) float64 {
	switch d {
	case Constant:
		return 1
	case Heavy:
		const short = 1 / (0.95 + 0.05*20)
		if u >= 0.95 {
			return 20 * short
		}
		return short
	case LogNormal:
		sigma := math.Sqrt(math.Ln2)
		return math.Exp(math.Sqrt2*math.Erfinv(2*u-1)*sigma - sigma*sigma/2)
	case Pareto:
		return math.Pow(1-u*(1-math.Pow(paretoMost, -paretoShape)), -1/paretoShape) / paretoMean
	}
	return -math.Log(1 - u)
}

const (
	paretoShape = 1.3
	paretoMost  = 500.0
)

var paretoMean = 1 / (1 - math.Pow(paretoMost, -paretoShape)) * paretoShape / (paretoShape - 1) * (1 - math.Pow(paretoMost, 1-paretoShape))

// Defaults are the settings of an endpoint that was told nothing but its
// slots and service time.
func Defaults() Settings {
	return Settings{Distribution: Exponential, Weight: 1, Queue: 1000, Slow: 1, FailsAfter: time.Millisecond}
}

// Capacity returns how many requests a second all endpoints can finish at the
// start, when every key is in the cache that can be.
func (s *Scenario) Capacity() (perSecond float64) {
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		service := e.Service
		if e.Cache.Keys > 0 && s.Keys.Count > 0 {
			service = e.Cache.Hit
		}
		perSecond += float64(e.Slots) / (service.Seconds() * e.Slow)
	}
	return perSecond
}
