package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"poise/internal/load"
	"poise/internal/scenario"
)

// Fits says what of a scenario test workers and proxies cannot do; nil when
// they can do everything.
func Fits(sc *scenario.Scenario) error {
	if len(sc.Endpoints) == 0 {
		return fmt.Errorf("%s: no endpoints", sc.Name)
	}
	if sc.Balancers > 1 {
		return fmt.Errorf("%s: %d balancers; over sockets there is one", sc.Name, sc.Balancers)
	}
	shape := sc.Endpoints[0].Distribution
	for i := range sc.Endpoints {
		if err := possible(&sc.Endpoints[i].Settings, shape); err != nil {
			return fmt.Errorf("%s: %w; poise sim can", sc.Name, err)
		}
	}
	for _, e := range sc.Events {
		if e.Settings == nil {
			continue
		}
		if err := possible(e.Settings, shape); err != nil {
			return fmt.Errorf("%s, at %v: %w; poise sim can", sc.Name, e.At, err)
		}
	}
	return nil
}

// possible says what a test worker has not.
func possible(e *scenario.Settings, shape scenario.Distribution) error {
	const rounding = 0.01
	switch {
	case e.Sharing:
		return errors.New("over sockets endpoints cannot share cores, they have slots")
	case e.Distribution != shape:
		return fmt.Errorf("over sockets a job is as long as it is whoever does it; here service times are %s and %s", shape, e.Distribution)
	case e.Fading > 0 || e.Stall > 0 || e.Others > 0:
		return errors.New("over sockets there are no fading, no stalls and no load from elsewhere")
	case e.Cache.Keys > 0 && math.Abs(10*e.Cache.Hit.Seconds()/e.Cache.Miss.Seconds()-1) > rounding:
		return fmt.Errorf("over sockets a cache saves nine tenths, not %v of %v", e.Cache.Miss-e.Cache.Hit, e.Cache.Miss)
	case e.Queue < scenario.Defaults().Queue:
		return fmt.Errorf("over sockets any number waits at an endpoint, not %d", e.Queue)
	case e.Fails > 0 && e.FailsAfter > 5*time.Millisecond:
		return fmt.Errorf("over sockets a failure takes a millisecond, not %v", e.FailsAfter)
	}
	return nil
}

// stretched is the scenario with its moments moved so that its measured span
// is that of a run.
func stretched(sc *scenario.Scenario, length time.Duration) *scenario.Scenario {
	s := *sc
	s.Run, s.Warm = length, Warm
	s.Events = slices.Clone(sc.Events)
	for i := range s.Events {
		at := float64(s.Events[i].At-sc.Warm) / float64(sc.Run-sc.Warm)
		s.Events[i].At = max(0, Warm+time.Duration(at*float64(length-Warm)))
	}
	return &s
}

// base is what a job of mean length takes at an endpoint that is not slow; all
// endpoints are so many times slower than that.
func base(sc *scenario.Scenario) time.Duration { return serviceOf(&sc.Endpoints[0].Settings) }

// serviceOf is the mean time of a job whose key is not remembered.
func serviceOf(e *scenario.Settings) time.Duration {
	if e.Cache.Keys > 0 {
		return e.Cache.Miss
	}
	return e.Service
}

// jobs turns what was drawn into what is sent.
func jobs(sc *scenario.Scenario, drawn []scenario.Job) []load.Job {
	mean, shape := base(sc), sc.Endpoints[0].Distribution
	plan := make([]load.Job, 0, len(drawn))
	for _, j := range drawn {
		work := time.Duration(float64(mean) * shape.Scale(j.Size)).Round(time.Microsecond)
		l := load.Job{At: j.At, Work: max(work, time.Microsecond)}
		if j.Keyed {
			l.Key = uint64(j.Key) + 1
		}
		plan = append(plan, l)
	}
	return plan
}

// workerSettings are what a test worker is told so that it behaves so.
func workerSettings(sc *scenario.Scenario, e *scenario.Settings) json.RawMessage {
	text, err := json.Marshal(map[string]any{
		"slots": e.Slots, "slowness": e.Slow * serviceOf(e).Seconds() / base(sc).Seconds(), "distance": e.Network.String(), "cache": e.Cache.Keys,
		"errors": e.Fails, "hang": e.Hangs, "reset": e.Refuses,
	})
	if err != nil {
		panic(err) // numbers and texts
	}
	return text
}

// busiest is the greatest rate that a scenario asks for.
func busiest(sc *scenario.Scenario) float64 {
	most := sc.Arrivals.Rate
	for _, e := range sc.Events {
		if e.Arrivals != nil {
			most = max(most, e.Arrivals.Rate)
		}
	}
	return most
}
