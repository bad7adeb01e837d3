package cluster

import (
	"fmt"
	"time"

	"poise/internal/lb"
)

// Operator is an operator's word on an endpoint. It is never overridden by
// what Poise measures.
type Operator uint8

// The operator's words.
const (
	Enable  Operator = iota
	Disable          // no request
	Drain            // no new client; those that a cookie keeps here may stay
)

var operatorNames = [...]string{"enable", "disable", "drain"}

// String returns the word.
func (o Operator) String() string { return operatorNames[o] }

// ParseOperator reads one of enable, disable and drain.
func ParseOperator(word string) (Operator, error) {
	for o, name := range operatorNames {
		if word == name {
			return Operator(o), nil
		}
	}
	return 0, fmt.Errorf("the state must be enable, disable or drain, not %q", word)
}

// health is what the checks say.
type health uint8

const (
	healthy   health = iota // or never checked at all
	unchecked               // checked, but no verdict yet
	unhealthy
)

// State is an endpoint's state for people.
type State struct {
	Word   string // healthy, unhealthy, unchecked, disabled or drain
	Reason string
	Since  time.Time
}

// member is an endpoint and what decides whether it may be picked.
type member struct {
	endpoint *lb.Endpoint
	operator Operator
	health   health
	reason   string
	since    time.Time
	detach   func()
}

// reshaped is the member with what the file now says of it. The counters stay
// the same ones.
func (m *member) reshaped(s Spec) *member {
	e := *m.endpoint
	e.Weight, e.Zone, e.Priority = max(s.Weight, 1), s.Zone, s.Priority
	if e == *m.endpoint {
		return m
	}
	next := *m
	next.endpoint = &e
	return &next
}

func (m *member) state() State {
	s := State{Word: "healthy", Reason: m.reason, Since: m.since}
	switch {
	case m.operator == Disable:
		s.Word = "disabled"
	case m.operator == Drain:
		s.Word = "drain"
	case m.health == unhealthy:
		s.Word = "unhealthy"
	case m.health == unchecked:
		s.Word = "unchecked"
	}
	return s
}

func (m *member) takesSticky() bool { return m.operator != Disable && m.health == healthy }

// eligible decides who may be picked. The tier is the lowest priority with a
// healthy endpoint. When the healthy share of what the operator left enabled
// in that tier is below the threshold, health is ignored: a check that is
// wrong about most is likelier than most being sick at once, and the few left
// would not survive the load of all. When nobody anywhere is healthy, that
// goes for the first tier.
func eligible(members []*member, threshold float64) (in []*lb.Endpoint, tier int, panicking bool) {
	tier, found := firstTier(members, func(m *member) bool { return m.operator == Enable && m.health == healthy })
	if !found {
		if tier, found = firstTier(members, func(m *member) bool { return m.operator == Enable }); !found {
			return nil, 0, false
		}
	}
	var all, well []*lb.Endpoint
	waiting := 0
	for _, m := range members {
		if m.operator != Enable || m.endpoint.Priority != tier {
			continue
		}
		all = append(all, m.endpoint)
		switch m.health {
		case healthy:
			well = append(well, m.endpoint)
		case unchecked:
			waiting++
		}
	}
	if waiting == len(all) { // nothing is known yet, which is no reason for panic
		return nil, tier, false
	}
	known := len(all) - waiting
	if threshold > 0 && float64(len(well)) < threshold*float64(known) {
		return all, tier, true
	}
	return well, tier, false
}

// firstTier returns the lowest priority of which a member fits.
func firstTier(members []*member, fits func(*member) bool) (tier int, found bool) {
	for _, m := range members {
		if fits(m) && (!found || m.endpoint.Priority < tier) {
			tier, found = m.endpoint.Priority, true
		}
	}
	return tier, found
}
