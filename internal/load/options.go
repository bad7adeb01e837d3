package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
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
	Timeout     time.Duration // of one request, from when it leaves; 0 means 10s
	Method      string        // "" means GET
	Body        int           // bytes
	Header      []string      // "Name: value"
	Keys        int           // X-Key is one of so many; 0 means none
	Zipf        float64       // skew of the keys, above 1; 0 means all alike
	Seed        uint64
	Plan        []Job // instead of Rate, Arrivals and Keys: what is sent and when, in this order
	AllowRemote bool
	OnResult    func(Result) // called by many goroutines
	OnSecond    func(Second)
}

// A Job is a request that was drawn beforehand, so that others can be given
// the very same.
type Job struct {
	At   time.Duration // when it is due, from the begin of the run; not before the one before it
	Work time.Duration // what a worker is told in X-Work-Us, to a microsecond; 0 is not sent
	Key  uint64        // X-Key; 0 is not sent
}

// The bounds of what can be asked for.
const (
	mostRate        = 1e6
	mostConnections = 100_000
	mostBody        = 64 << 20
	mostTimeout     = time.Hour
)

// Validate says what is wrong with options, and what to write instead.
func (o *Options) Validate() error {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%q is no URL; write it as in http://127.0.0.1:8080/work", o.URL)
	case u.Scheme != "http":
		return fmt.Errorf("%q: only http is spoken", o.URL)
	case !o.AllowRemote && !loopback(u.Hostname()):
		return fmt.Errorf("%s is not this machine; add --allow-remote if it is yours to load", u.Hostname())
	case len(o.Plan) > 0:
		return errors.Join(o.validatePlan(), o.validateRequest())
	case o.Closed == 0 && !(o.Rate > 0 && o.Rate <= mostRate):
		return errors.New("the rate must be more than 0 and at most a million a second")
	case o.For <= 0:
		return errors.New("the duration must be more than 0")
	case o.Arrivals != "" && o.Arrivals != "constant" && o.Arrivals != "poisson":
		return fmt.Errorf("arrivals: %q is neither constant nor poisson", o.Arrivals)
	case o.Keys < 0:
		return errors.New("the key space must not be negative")
	case o.Zipf != 0 && o.Zipf <= 1:
		return errors.New("zipf must be above 1")
	}
	return o.validateRequest()
}

func (o *Options) validatePlan() error {
	if o.Closed > 0 {
		return errors.New("a plan says when requests are due; closed connections send when they can")
	}
	last := time.Duration(0)
	for i, j := range o.Plan {
		if j.At < last || j.Work < 0 {
			return fmt.Errorf("job %d of the plan: due at %v for %v; it must not be due before the one before it, nor take less than nothing", i, j.At, j.Work)
		}
		last = j.At
	}
	return nil
}

func (o *Options) validateRequest() error {
	switch {
	case o.Closed < 0 || o.Closed > mostConnections:
		return fmt.Errorf("the closed connections must be from 1 to %d", mostConnections)
	case o.Connections < 0 || o.Connections > mostConnections:
		return fmt.Errorf("the connections must be from 1 to %d", mostConnections)
	case o.Timeout < 0 || o.Timeout > mostTimeout:
		return fmt.Errorf("the timeout must be more than 0 and at most %v", mostTimeout)
	case o.Body < 0 || o.Body > mostBody:
		return fmt.Errorf("the body must be from 0 to %d bytes", mostBody)
	case strings.ContainsAny(o.Method, " \r\n\t"):
		return fmt.Errorf("%q is no method; write it as in POST", o.Method)
	}
	for _, h := range o.Header {
		name, _, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" || strings.ContainsAny(h, "\r\n") {
			return fmt.Errorf("%q is no field; write it as in 'X-Name: value'", h)
		}
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

// keys returns what draws the keys of one sequence of requests. An open run
// has one sequence, so that its n-th request has the same key in every run
// with the same seed; a closed one has a sequence for each connection.
func (o *Options) keys(sequence uint64) func() uint64 {
	dice := rand.New(rand.NewPCG(o.Seed, sequence+2))
	switch {
	case o.Keys > 0 && o.Zipf > 1:
		return rand.NewZipf(dice, o.Zipf, 1, uint64(o.Keys-1)).Uint64
	case o.Keys > 0:
		return func() uint64 { return dice.Uint64N(uint64(o.Keys)) }
	}
	return func() uint64 { return 0 }
}
