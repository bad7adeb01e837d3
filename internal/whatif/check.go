package whatif

import (
	"math"
	"slices"

	"poise/internal/decide"
	"poise/internal/twin"
)

// resolve finds the endpoints that are named.
func (a *asked) resolve(v *decide.View) error {
	find := func(address string) (uint32, error) {
		for _, e := range v.Endpoints {
			if e.Address == address {
				return e.ID, nil
			}
		}
		return 0, Unknown("cluster " + v.Cluster + " has no endpoint " + address)
	}
	for _, address := range a.question.Without {
		id, err := find(address)
		if err != nil {
			return err
		}
		a.setup.Without = append(a.setup.Without, id)
	}
	for _, add := range a.question.Add {
		id, err := find(add.Like)
		if err != nil {
			return err
		}
		a.setup.Add = append(a.setup.Add, slices.Repeat([]uint32{id}, add.Times)...)
	}
	for _, s := range a.question.Slow {
		id, err := find(s.Address)
		if err != nil {
			return err
		}
		if a.setup.Slow == nil {
			a.setup.Slow = map[uint32]float64{}
		}
		a.setup.Slow[id] = s.Times
	}
	left := len(a.setup.Add)
	for _, e := range v.Endpoints {
		if e.Eligible && !slices.Contains(a.setup.Without, e.ID) {
			left++
		}
	}
	if left == 0 {
		return refuse("no endpoint would be left that may be picked: every request would be answered 503")
	}
	return nil
}

// keyed are the policies that need a key.
var keyed = []string{"bounded-hash", "ring-hash", "maglev"}

// check finds out whether the model can be asked at all.
func (a *asked) check() error {
	m, now := a.Model, a.Model.LoadIn(twin.Scenario{Room: twin.Likely})
	a.now = m.Observed()
	a.now.Load = now
	switch {
	case m.Jobs() < decide.LeastRequests || a.now.Requests < decide.LeastRequests/3:
		return refuse("too little data: %d requests in the last %.1f s, of which %d count; %d and %d are needed; wait, or ask while there is load", m.Jobs(), m.Span().Seconds(), a.now.Requests, decide.LeastRequests, decide.LeastRequests/3)
	case a.Foreign > decide.ForeignLoad:
		return refuse("others send to these endpoints too: they have %.1f times as much under way as was sent from here, and what others will send is not known", a.Foreign)
	case now > decide.Full:
		return refuse("overload: %s of the capacity is in use already, so queues have no end and latency depends on how long it lasts", decide.Percent(now))
	case slices.Contains(keyed, a.policy) && !m.Keyed():
		return refuse("%s goes by a key, and no request had one", a.policy)
	}
	return a.explained()
}

// explained replays what happened: as requests to come would be, which begins
// with nothing under way and with every endpoint that will be there, and as it
// was, with endpoints left out while they were. What comes closer is taken.
func (a *asked) explained() error {
	off := math.Inf(1)
	for _, past := range []bool{false, true} {
		again, err := a.replay(a.Policy, twin.Scenario{Room: twin.Likely, Past: past})
		if err != nil {
			return err
		}
		if by := math.Abs(math.Log(a.now.Loss / again.Loss)); by < off || !past {
			off, a.again = by, again
		}
	}
	if off <= decide.Valid {
		return nil
	}
	return refuse("the model does not explain what is measured now: it computes a loss of %s where %s was measured", ms(a.again.Loss), ms(a.now.Loss))
}

// possible says why a set-up with so much load is beyond the model.
func (a *asked) possible(load float64) error {
	sc := a.setup
	sc.Load = load
	if l := a.Model.LoadIn(sc); l > decide.Full {
		if !a.Model.Showed() {
			return refuse("the cluster was never so busy that its capacity showed, and that would take more of it than was ever seen")
		}
		return refuse("overload: that would take %s of the capacity as it is known, so queues would have no end and latency would depend on how long it lasts", decide.Percent(l))
	}
	return nil
}
