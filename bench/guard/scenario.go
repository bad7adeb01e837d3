// Package guard measures what failing endpoints cost the clients: eight workers
// behind a proxy, an open loop before it, a fault in the middle. Each run is a
// cell that is kept, so that a measurement of hours can be interrupted.
package guard

import (
	"slices"
	"time"
)

// The fleet of every run.
const (
	workers  = 8
	slots    = 8 // of each, 20 ms of exponential work
	capacity = workers * slots / 0.020
	calmRate = 0.6 * capacity // requests a second
	large    = 1 << 20
)

// waiting bounds the connections of the load where more comes than is served:
// as many requests wait as there may be, and to hold them must not be what keeps
// the cores busy.
const waiting = 1000

// A Fault is what is done to the first workers, or to the load.
type Fault struct {
	Workers int     `json:"workers"`
	Control string  `json:"control,omitempty"` // what /control is told
	Kill    bool    `json:"kill,omitempty"`    // the process ends: connections are refused
	Extra   float64 `json:"extra,omitzero"`    // requests a second beside the others
}

// Times are those of a run: the fault begins and, unless End is 0, ends.
type Times struct {
	Run   time.Duration `json:"run"`
	Begin time.Duration `json:"begin"`
	End   time.Duration `json:"end,omitzero"`
}

// A Scenario is a figure: a fault, and what it may cost.
type Scenario struct {
	ID, What     string
	Rate         float64
	Large        bool // answers of 1 MiB in chunks
	Fault        Fault
	ControlFault *Fault // of the control, where it is another one
	Full, Quick  Times
	Checks       []Check
	Against      string // what the control is
	On, Off      string // configurations of Poise, guarded and as the control
	HAProxy      string
	Nginx        string
	Open         int               // most connections of the load
	Alike        map[string]string // by policy: why its control meets the figure as well, so that there is none
}

// Policies are those that each figure must be reached under.
var Policies = []string{"round-robin", "least-request", "p2c", "peak-ewma", "hot-cold"}

// stays is a fault that lasts to the end.
var stays = [2]Times{{Run: 60 * time.Second, Begin: 10 * time.Second}, {Run: 20 * time.Second, Begin: 5 * time.Second}}

func passes(full, quick, rest time.Duration) [2]Times {
	return [2]Times{
		{10*time.Second + full + rest, 10 * time.Second, 10*time.Second + full},
		{5*time.Second + quick + rest/2, 5 * time.Second, 5*time.Second + quick},
	}
}

// Scenarios are the figures G1 to G9.
var Scenarios = scenarios()

func scenarios() []Scenario {
	outage := passes(10*time.Second, 5*time.Second, 10*time.Second)
	overload := passes(30*time.Second, 8*time.Second, 10*time.Second)
	slowness := passes(20*time.Second, 10*time.Second, 20*time.Second) // one alone is judged after three seconds of it, or more where a policy avoids it
	all := []Scenario{
		{
			ID: "G1", What: "one answers 503 in 1 ms for 90 %", Fault: Fault{Workers: 1, Control: `{"errors": "90%"}`},
			Checks: []Check{failed, p99, amplified},
		},
		{
			ID: "G2", What: "one refuses connections", Fault: Fault{Workers: 1, Kill: true},
			Checks: []Check{failed, direct},
		},
		{ID: "G3", What: "one resets before an answer byte", Fault: Fault{Workers: 1, Control: `{"reset": "100%"}`}, Checks: []Check{failed, amplified}},
		{ID: "G4", What: "one cuts answers of 1 KiB", Fault: Fault{Workers: 1, Control: `{"crash_mid_body": "100%"}`}, Checks: []Check{failed, amplified}},
		{
			ID: "G4L", What: "one cuts chunked answers of 1 MiB", Rate: 200, Large: true, Fault: Fault{Workers: 1, Control: `{"crash_mid_body": "100%"}`},
			Checks: []Check{cuts, hidden, otherwise},
			// hot-cold by itself leaves an endpoint that fails, and goes back to it about once a second: in 15 s that stays below
			// what the guard may cost, in 40 s it does not.
			Full: stays[0], Quick: Times{Run: 45 * time.Second, Begin: 5 * time.Second},
		},
		{ID: "G5", What: "one hangs, its health check too", Fault: Fault{Workers: 1, Control: `{"hang": "100%", "health": "hang"}`}, Checks: []Check{failed, slower, amplified}},
		{ID: "G6", What: "two of eight fail 20 % of the time", Fault: Fault{Workers: 2, Control: `{"errors": "20%"}`}, Checks: []Check{failed, amplified}},
		{
			ID: "G7", What: "all are down for 10 s, refusing", Fault: Fault{Workers: workers, Kill: true}, Full: outage[0], Quick: outage[1],
			Checks: []Check{at502, attempts, attemptsSoon, back, cpu, rss}, Against: "three retries, budget 100 %", Off: "poise-unbudgeted.cfg",
		},
		{
			// Endpoints that all reset tell nothing apart: after 64 in a row connections are not made for each request, with any budget.
			ID: "G7E", What: "all answer 503 in 1 ms for 10 s", Fault: Fault{Workers: workers, Control: `{"errors": "100%"}`}, Full: outage[0], Quick: outage[1],
			Checks: []Check{arrived, arrivedSoon, back, cpu, rss}, Against: "three retries, budget 100 %", Off: "poise-unbudgeted.cfg",
		},
		{
			ID: "G8", What: "1.5 times overload for 30 s", Fault: Fault{Extra: 1.5*capacity - calmRate}, Full: overload[0], Quick: overload[1],
			Checks: []Check{within, admitted, recovered, recoveredP99}, Against: "without limits",
			Open: waiting,
			On:   "poise-enforce.cfg", Off: "poise-unlimited.cfg", HAProxy: "haproxy-overload.cfg", Nginx: "nginx-overload.cfg",
		},
		{
			ID: "G9", What: "everyone ten times slower for 20 s", Fault: Fault{Workers: workers, Control: `{"delay": "200ms"}`},
			ControlFault: &Fault{Workers: 1, Control: `{"delay": "200ms"}`}, Full: slowness[0], Quick: slowness[1], Open: waiting,
			Checks: []Check{ejected}, Against: "one alone slower is ejected", Off: "poise.cfg",
			Alike: map[string]string{
				"peak-ewma": "peak-ewma by itself leaves one that is slow with too few answers to be judged",
				"hot-cold":  "hot-cold by itself leaves one that is slow with too few answers to be judged",
			},
		},
	}
	for i := range all {
		all[i].fill()
	}
	return all
}

// fill sets what most scenarios have in common.
func (s *Scenario) fill() {
	either := func(v *string, usual string) {
		if *v == "" {
			*v = usual
		}
	}
	either(&s.On, "poise.cfg")
	either(&s.Off, "poise-off.cfg")
	either(&s.HAProxy, "haproxy.cfg")
	either(&s.Nginx, "nginx.cfg")
	either(&s.Against, "guard off")
	if s.Open == 0 {
		s.Open = mostOpen
	}
	if s.Rate == 0 {
		s.Rate = calmRate
	}
	if s.Full.Run == 0 {
		s.Full, s.Quick = stays[0], stays[1]
	}
}

// scenario returns the one of that name.
func scenario(id string) *Scenario {
	i := slices.IndexFunc(Scenarios, func(s Scenario) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &Scenarios[i]
}

// times are those of a size.
func (s *Scenario) times(size string) Times {
	if size == Quick {
		return s.Quick
	}
	return s.Full
}
