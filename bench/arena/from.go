package arena

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"poise/internal/load"
	"poise/internal/scenario"
)

// From makes a scenario of one that is written in the language of `poise sim`.
// What test workers or proxies cannot do is an error that names it.
func From(of *scenario.Scenario) (*Scenario, error) {
	if len(of.Endpoints) == 0 {
		return nil, errors.New("no endpoints")
	}
	first := &of.Endpoints[0]
	s := &Scenario{
		ID: of.Name, What: of.About, Rate: of.Arrivals.Rate, Keys: of.Keys.Count, Skew: of.Keys.Zipf,
		Work: Work{jobOf(&first.Settings), string(first.Distribution)}, Of: of,
	}
	if of.Balancers > 1 {
		return nil, fmt.Errorf("%s: %d balancers; here there is one", of.Name, of.Balancers)
	}
	for i := range of.Endpoints {
		e := &of.Endpoints[i]
		if err := possible(&e.Settings, s); err != nil {
			return nil, fmt.Errorf("%s: %w", of.Name, err)
		}
		s.Classes = append(s.Classes, Class{
			Number: 1, Slots: e.Slots, Slowness: e.Slow * jobOf(&e.Settings).Seconds() / s.Work.Mean.Seconds(), Distance: e.Network, Cache: e.Cache.Keys,
		})
	}
	return s, s.take(of.Events)
}

// jobOf is the mean time of a job on an endpoint that is not slow.
func jobOf(e *scenario.Settings) time.Duration {
	if e.Cache.Keys > 0 {
		return e.Cache.Miss
	}
	return e.Service
}

// possible says what of an endpoint's settings a test worker has not.
func possible(e *scenario.Settings, s *Scenario) error {
	const rounding = 0.01
	switch {
	case e.Sharing:
		return errors.New("endpoints that share their cores; a test worker has slots")
	case string(e.Distribution) != s.Work.Distribution:
		return fmt.Errorf("service times of two shapes, %s and %s; a job has its own, whoever does it", s.Work.Distribution, e.Distribution)
	case e.Weight != 1:
		return errors.New("weights")
	case e.Fading > 0 || e.Stall > 0 || e.Others > 0 || e.Refuses > 0 || e.Hangs > 0:
		return errors.New("fading, stalls, load from elsewhere, refusals or hanging")
	case e.Cache.Keys > 0 && math.Abs(10*e.Cache.Hit.Seconds()/e.Cache.Miss.Seconds()-1) > rounding:
		return fmt.Errorf("a cache that saves other than nine tenths (%v of %v)", e.Cache.Miss-e.Cache.Hit, e.Cache.Miss)
	}
	return nil
}

// take turns changes of endpoints into events: each lasts until the next of
// the same endpoint.
func (s *Scenario) take(changes []scenario.Event) error {
	open := map[int]int{} // event of an endpoint that lasts
	for _, c := range changes {
		if c.Settings == nil { // arrivals and keys are in what is drawn
			continue
		}
		if err := possible(c.Settings, s); err != nil {
			return fmt.Errorf("%s, at %v: %w", s.ID, c.At, err)
		}
		class := s.class(c.Endpoint)
		if c.Settings.Slots != class.Slots || c.Settings.Network != class.Distance || c.Settings.Cache.Keys != class.Cache {
			return fmt.Errorf("%s, at %v: slots, network and cache stay as they are here", s.ID, c.At)
		}
		at := s.share(c.At)
		if i, is := open[c.Endpoint]; is {
			s.Events[i].To = at
		}
		slower := c.Settings.Slow * jobOf(c.Settings).Seconds() / (class.Slowness * s.Work.Mean.Seconds())
		open[c.Endpoint] = len(s.Events)
		s.Events = append(s.Events, Event{From: at, To: forGood, Endpoints: []int{c.Endpoint}, Slower: slower, Fails: c.Settings.Fails})
	}
	s.Events = slices.DeleteFunc(s.Events, func(e Event) bool { return e.From >= e.To || e.Slower == 1 && e.Fails == 0 })
	return nil
}

// forGood is the end of an event that has none, as a share of the span.
const forGood = 1e9

// share of the measured span at which a moment of the written scenario lies.
func (s *Scenario) share(at time.Duration) float64 {
	return (at - s.Of.Warm).Seconds() / (s.Of.Run - s.Of.Warm).Seconds()
}

// drawn are the jobs of the written scenario, its moments moved so that it
// takes as long as this run.
func (s *Scenario) drawn(seed int, run time.Duration) (plan []load.Job) {
	of := *s.Of
	of.Run, of.Warm = run, warm
	of.Events = slices.Clone(of.Events)
	for i := range of.Events {
		of.Events[i].At = max(0, warm+time.Duration(s.share(of.Events[i].At)*float64(run-warm)))
	}
	shape := scenario.Distribution(s.Work.Distribution)
	for _, j := range scenario.Draw(&of, uint64(seed)) {
		work := time.Duration(float64(s.Work.Mean) * shape.Scale(j.Size)).Round(time.Microsecond)
		l := load.Job{At: j.At, Work: max(work, time.Microsecond)}
		if j.Keyed {
			l.Key = uint64(j.Key) + 1
		}
		plan = append(plan, l)
	}
	return plan
}
