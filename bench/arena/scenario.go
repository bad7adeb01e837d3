// Package arena sets policies and whole proxies against each other over real
// sockets: the same jobs, drawn beforehand, for each of them in turn. Every run
// is a cell that is kept (package cells), so that a measurement of hours can be
// interrupted.
package arena

import (
	"slices"
	"time"

	"poise/internal/scenario"
)

// A Scenario says what the endpoints are, what comes, and what happens to whom.
type Scenario struct {
	ID, What string
	Classes  []Class // the endpoints, in this order
	Rate     float64 // requests a second
	Arrivals Arrivals
	Work     Work
	Keys     int     // X-Key is one of so many; 0 means none is sent
	Skew     float64 // of the keys: the n-th is asked for in proportion to 1/n^Skew
	Events   []Event

	Of *scenario.Scenario `json:",omitempty"` // that it was made from, nil for those written here
}

// A Class is a number of equal endpoints.
type Class struct {
	Number   int
	Slots    int           // requests that are worked on at once, the rest wait in order
	Slowness float64       // multiplies the work of a job
	Distance time.Duration // on the way, taking no slot
	Cache    int           // keys that are remembered, and then cost a tenth
}

// Arrivals are how requests come at a rate.
type Arrivals string

// The arrivals.
const (
	Poisson Arrivals = "poisson"
	Batches Arrivals = "batches" // of a geometric size with a mean of 30
)

const batch = 30 // requests, the mean

// Work is what a job takes on an endpoint of slowness 1.
type Work struct {
	Mean         time.Duration
	Distribution string // constant, exponential, or heavy: 5 of 100 take 20 times what the others do
}

// An Event makes endpoints slower for a while. Its times are shares of the
// measured span, so that a short run sees the same as a long one.
type Event struct {
	From, To  float64
	Endpoints []int
	Slower    float64 // multiplies their slowness
	Fails     float64 `json:",omitzero"` // share of the requests that they answer 503 after 1 ms
}

// number of endpoints.
func (s *Scenario) number() (n int) {
	for _, c := range s.Classes {
		n += c.Number
	}
	return n
}

// class of endpoint i.
func (s *Scenario) class(i int) Class {
	for _, c := range s.Classes {
		if i < c.Number {
			return c
		}
		i -= c.Number
	}
	return Class{}
}

// capacity is how many requests a second the endpoints could serve, without
// events and what caches save.
func (s *Scenario) capacity() (sum float64) {
	for _, c := range s.Classes {
		sum += float64(c.Number*c.Slots) / (c.Slowness * s.Work.Mean.Seconds())
	}
	return sum
}

// load is the share of it that is asked for.
func (s *Scenario) load() float64 { return s.Rate / s.capacity() }

func equal(n, slots int) []Class { return []Class{{Number: n, Slots: slots, Slowness: 1}} }

func exponential(mean time.Duration) Work { return Work{mean, "exponential"} }

func first(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// Suite are all scenarios.
var Suite = []Scenario{
	{
		ID: "mixed", What: "4 endpoints of 10 ms and 4 of 50 ms, 8 slots each",
		Classes: []Class{{Number: 4, Slots: 8, Slowness: 1}, {Number: 4, Slots: 8, Slowness: 5}}, Rate: 2000, Work: exponential(10 * time.Millisecond),
	},
	{
		ID: "own", What: "5 endpoints of 20 ms with 4 slots and 5 of 80 ms with 2",
		Classes: []Class{{Number: 5, Slots: 4, Slowness: 1}, {Number: 5, Slots: 2, Slowness: 4}}, Rate: 675, Work: exponential(20 * time.Millisecond),
	},
	{
		ID: "slow-one", What: "one of 8 endpoints ten times slower for half of the time",
		Classes: equal(8, 8), Rate: 1600, Work: exponential(20 * time.Millisecond),
		Events: []Event{{From: 0.2, To: 0.7, Endpoints: []int{3}, Slower: 10}},
	},
	{
		ID: "roving-slow", What: "one of 10 endpoints ten times slower, another one after a while",
		Classes: equal(10, 4), Rate: 1200, Work: exponential(20 * time.Millisecond),
		Events: []Event{
			{From: 0.1, To: 0.3, Endpoints: []int{0}, Slower: 10},
			{From: 0.4, To: 0.6, Endpoints: []int{3}, Slower: 10},
			{From: 0.7, To: 0.9, Endpoints: []int{6}, Slower: 10},
		},
	},
	{
		ID: "heavy-tail", What: "10 equal endpoints, 5 of 100 jobs twenty times longer",
		Classes: equal(10, 4), Rate: 1400, Work: Work{20 * time.Millisecond, "heavy"},
	},
	{
		ID: "affinity", What: "10 endpoints that remember 400 of 4000 keys each, 4 ms instead of 40",
		Classes: []Class{{Number: 10, Slots: 4, Slowness: 1, Cache: 400}}, Rate: 900, Work: exponential(40 * time.Millisecond), Keys: 4000, Skew: 0.7,
	},
	{
		ID: "brown-out", What: "4 of 8 endpoints three times slower for half of the time",
		Classes: equal(8, 8), Rate: 1600, Work: exponential(20 * time.Millisecond),
		Events: []Event{{From: 0.2, To: 0.7, Endpoints: first(4), Slower: 3}},
	},
	{ID: "equal", What: "10 equal endpoints", Classes: equal(10, 4), Rate: 1400, Work: exponential(20 * time.Millisecond)},
	{
		ID: "slots", What: "5 endpoints with 8 slots and 5 with 2",
		Classes: []Class{{Number: 5, Slots: 8, Slowness: 1}, {Number: 5, Slots: 2, Slowness: 1}}, Rate: 1750, Work: exponential(20 * time.Millisecond),
	},
	{
		ID: "far", What: "10 endpoints of 10 ms with 16 slots, 5 of them 30 ms away",
		Classes: []Class{{Number: 5, Slots: 16, Slowness: 1}, {Number: 5, Slots: 16, Slowness: 1, Distance: 30 * time.Millisecond}}, Rate: 800, Work: exponential(10 * time.Millisecond),
	},
	{
		ID: "batches", What: "10 equal endpoints, requests in batches of 30",
		Classes: equal(10, 4), Rate: 1200, Arrivals: Batches, Work: exponential(20 * time.Millisecond),
	},
	{
		ID: "one-slow-for-good", What: "one of 8 endpoints six times slower",
		Classes: []Class{{Number: 1, Slots: 8, Slowness: 6}, {Number: 7, Slots: 8, Slowness: 1}}, Rate: 1600, Work: exponential(20 * time.Millisecond),
	},
	{
		ID: "half-slow", What: "4 of 8 endpoints three times slower, little to spare",
		Classes: []Class{{Number: 4, Slots: 8, Slowness: 3}, {Number: 4, Slots: 8, Slowness: 1}}, Rate: 1700, Work: exponential(20 * time.Millisecond),
	},
}

// Against are the scenarios in which Poise stands beside its peers, and
// Predicted those in which the engine says what other policies would do.
var (
	Against   = []string{"mixed", "own", "slow-one", "roving-slow", "heavy-tail", "affinity", "brown-out"}
	Predicted = []string{"mixed", "own", "heavy-tail", "affinity", "equal", "slots", "far", "batches", "one-slow-for-good", "half-slow"}
)

// found returns the one of that name, nil when there is none.
func found(id string) *Scenario {
	i := slices.IndexFunc(Suite, func(s Scenario) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &Suite[i]
}

// heavy are the short and the long jobs of that distribution, as shares of the
// mean: 5 of 100 are long.
const (
	longShare = 0.05
	long      = 10.25
	short     = (1 - longShare*long) / (1 - longShare)
)

// slowness of endpoint i at a share of the span.
func (s *Scenario) slowness(i int, at float64) float64 {
	v := s.class(i).Slowness
	for _, e := range s.Events {
		if at >= e.From && at < e.To && slices.Contains(e.Endpoints, i) {
			v *= e.Slower
		}
	}
	return v
}

// fails is the share of its requests that endpoint i fails then.
func (s *Scenario) fails(i int, at float64) (v float64) {
	for _, e := range s.Events {
		if at >= e.From && at < e.To && slices.Contains(e.Endpoints, i) {
			v = max(v, e.Fails)
		}
	}
	return v
}

// changes are the moments, as shares of the span, at which something happens.
func (s *Scenario) changes() (all []float64) {
	for _, e := range s.Events {
		all = append(all, e.From)
		if e.To <= 1 {
			all = append(all, e.To)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
