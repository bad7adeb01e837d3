package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// resolve makes events of the changes, each with the whole of what is then
// true, and finds what only the whole shows.
func (p *parser) resolve() {
	p.line = 1
	s := p.s
	if len(s.Endpoints) == 0 {
		p.problem(1, "add a line as in `endpoints web 10 slots 4 service 20ms`", "there are no endpoints", "")
	}
	if p.seen["arrivals"] == 0 {
		p.problem(1, "add a line as in `arrivals 1000/s`", "nothing arrives", "")
	}
	for i := range s.Expect {
		if s.Expect[i].At < 0 {
			s.Expect[i].At = s.Warm
		}
	}
	p.checkTimes()
	if len(p.problems) == 0 {
		p.play()
		p.checkWhole()
	}
}

func (p *parser) checkTimes() {
	for _, c := range p.changes {
		if c.at >= p.s.Run {
			p.line = c.line
			p.problem(c.col, "make it earlier, or the run longer", fmt.Sprintf("this happens at %v, and the run ends at %v", c.at, p.s.Run), c.text)
		}
	}
	for _, e := range p.s.Expect {
		if e.At >= p.s.Run {
			p.line = e.Line
			p.problem(e.Col, "make it earlier, or the run longer", fmt.Sprintf("this is expected at %v, and the run ends at %v", e.At, p.s.Run), "")
		}
	}
}

// step is the begin or the end of a change.
type step struct {
	at     time.Duration
	change *change
	undo   bool
}

// state is what is true at a moment of the run, and what was before each
// change that ends again.
type state struct {
	endpoints []Settings
	arrivals  Arrivals
	keys      Keys
	before    map[*change]state
}

func (p *parser) play() {
	var steps []step
	for i := range p.changes {
		c := &p.changes[i]
		steps = append(steps, step{c.at, c, false})
		if c.until > 0 {
			steps = append(steps, step{c.until, c, true})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		if a.at == b.at && a.undo != b.undo { // what ends makes room for what begins
			if a.undo {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.at, b.at)
	})
	now := state{arrivals: p.s.Arrivals, keys: p.s.Keys, before: map[*change]state{}}
	for _, e := range p.s.Endpoints {
		now.endpoints = append(now.endpoints, e.Settings)
	}
	for _, st := range steps {
		p.step(&now, st)
	}
}

func (p *parser) step(now *state, st step) {
	c := st.change
	was := now.before[c]
	if !st.undo {
		now.before[c] = state{endpoints: slices.Clone(now.endpoints), arrivals: now.arrivals, keys: now.keys}
	}
	switch {
	case c.arrivals != nil:
		now.arrivals = *c.arrivals
		if st.undo {
			now.arrivals = was.arrivals
		}
		a := now.arrivals
		p.s.Events = append(p.s.Events, Event{At: st.at, Arrivals: &a})
	case c.keys != nil:
		now.keys = *c.keys
		if st.undo {
			now.keys = was.keys
		}
		k := now.keys
		p.s.Events = append(p.s.Events, Event{At: st.at, Keys: &k})
	}
	for _, i := range c.endpoints {
		e := &now.endpoints[i]
		for _, a := range c.settings {
			if st.undo {
				a.copies(e, &was.endpoints[i])
			} else {
				a.set(e)
			}
		}
		w := &words{all: []word{{col: c.col}}}
		p.check(w, e)
		if e.Sharing != now.before[c].endpoints[i].Sharing {
			w.fail(c.col, "declare two groups instead", "an endpoint keeps its discipline: slots stay slots, cores stay cores")
		}
		if w.bad != nil {
			p.line = c.line
			p.problem(w.bad.Col, w.bad.Hint, w.bad.What, c.text)
			return
		}
		settings := *e
		p.s.Events = append(p.s.Events, Event{At: st.at, Endpoint: i, Settings: &settings})
	}
}

// checkWhole finds a scenario that could not show anything.
func (p *parser) checkWhole() {
	s := p.s
	p.line = 1
	requests, keyed := s.Requests()
	switch {
	case requests > mostRequests:
		p.problem(1, "shorten the run or lower the rate", fmt.Sprintf("that makes %.0f requests, more than %d", requests, mostRequests), "")
	case requests < 1:
		p.problem(1, "raise the rate", "nothing arrives", "")
	}
	for _, e := range s.Endpoints {
		if e.Cache.Keys > 0 && !keyed {
			p.problem(1, "add a line as in `keys 4000 zipf 0.7`", fmt.Sprintf("the endpoints of %s have a cache, and no request ever has a key", e.Group), "")
			return
		}
		if e.Service >= s.Timeout {
			p.problem(1, "raise the timeout", fmt.Sprintf("the endpoints of %s take %v, and a request may take %v", e.Group, e.Service, s.Timeout), "")
			return
		}
	}
}

// Requests returns how many are expected in the whole run, and whether any of
// them has a key.
func (s *Scenario) Requests() (n float64, keyed bool) {
	rate, since := s.Arrivals.Rate, time.Duration(0)
	keyed = s.Keys.Count > 0
	for _, e := range s.Events {
		if e.Keys != nil && e.Keys.Count > 0 {
			keyed = true
		}
		if e.Arrivals != nil {
			n += rate * (min(e.At, s.Run) - since).Seconds()
			rate, since = e.Arrivals.Rate, min(e.At, s.Run)
		}
	}
	return n + rate*(s.Run-since).Seconds(), keyed
}
