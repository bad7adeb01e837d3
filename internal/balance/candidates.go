package balance

import (
	"slices"

	"poise/internal/lb"
	"poise/internal/stats"
)

// MostScanned is how many endpoints a policy that compares all of them looks
// at; of more it draws a sample, so that a pick costs the same for 20
// endpoints and for 1000.
const MostScanned = 16

// mostMarked is how many endpoints have a bit each that says that they were
// drawn; of more every draw is compared with those before it.
const mostMarked = 1024

// Candidates are the endpoints that one pick compares. It lives on the stack.
type Candidates struct {
	Of [MostScanned]*lb.Endpoint
	N  int
}

// Draw fills c with the eligible endpoints that were not tried yet: all of
// them when they are few, else sample of them, distinct and each equally
// likely. sample is at most MostScanned.
func (c *Candidates) Draw(info *PickInfo, eligible []*lb.Endpoint, sample int) {
	c.N = 0
	if len(eligible) <= MostScanned {
		c.scan(info, eligible)
		return
	}
	// Rejection: few of many, so that a second draw of the same is rare. The
	// bound only matters when nearly all were tried already.
	var drawn [mostMarked / 64]uint64
	for tries := 0; c.N < sample && tries < 8*MostScanned; tries++ {
		i := info.Dice.IntN(len(eligible))
		e := eligible[i]
		switch {
		case len(eligible) > mostMarked:
			if c.has(e) {
				continue
			}
		case drawn[i/64]>>(i%64)&1 != 0:
			continue
		default:
			drawn[i/64] |= 1 << (i % 64)
		}
		if len(info.Exclude) == 0 || !info.Excluded(e) {
			c.Of[c.N] = e
			c.N++
		}
	}
	if c.N == 0 {
		c.scan(info, eligible)
	}
}

// scan takes the first that were not tried yet.
func (c *Candidates) scan(info *PickInfo, eligible []*lb.Endpoint) {
	for _, e := range eligible {
		if c.N < MostScanned && !info.Excluded(e) {
			c.Of[c.N] = e
			c.N++
		}
	}
}

// Add adds an endpoint that is not among them yet, where there is room.
func (c *Candidates) Add(e *lb.Endpoint) {
	if c.N < len(c.Of) && !c.has(e) {
		c.Of[c.N] = e
		c.N++
	}
}

func (c *Candidates) has(e *lb.Endpoint) bool {
	return slices.Contains(c.Of[:c.N], e)
}

// Least is a running minimum that breaks ties evenly.
type Least struct {
	Endpoint *lb.Endpoint
	load     float64
	ties     int
}

// Offer takes part e with its load. Of equal loads each endpoint is kept with
// the same probability, however many there are and wherever they stand; a
// scan from a random start would favour the one behind a gap.
func (l *Least) Offer(e *lb.Endpoint, load float64, dice *stats.Dice) {
	switch {
	case l.Endpoint == nil || load < l.load:
		l.Endpoint, l.load, l.ties = e, load, 1
	case load == l.load:
		if l.ties++; dice.IntN(l.ties) == 0 {
			l.Endpoint = e
		}
	}
}

// Result returns the endpoint with the least load, or lb.ErrNoEndpoint.
func (l *Least) Result() (*lb.Endpoint, error) {
	if l.Endpoint == nil {
		return nil, lb.ErrNoEndpoint
	}
	return l.Endpoint, nil
}

// Busy is what an attempt more would make of e: attempts per weight.
func Busy(e *lb.Endpoint) float64 { return float64(e.Live.Inflight()+1) / float64(e.Weight) }
