package guard

import (
	"errors"
	"math"

	"poise/internal/balance"
	"poise/internal/guard/outlier"
	"poise/internal/lb"
	"poise/internal/stats"
)

// ErrSaturated is returned by Pick when every endpoint that could be picked
// has as much under way as its limit allows.
var ErrSaturated = errors.New("every endpoint is at its limit")

// Want says what a request is that asks for an endpoint.
type Want struct {
	Replayable bool // idempotent and held whole: a failed attempt can be made again elsewhere
	Retry      bool // an attempt of it has failed
}

// refusal is why an endpoint that a policy picked is not taken.
type refusal uint8

const (
	accepted  refusal = iota
	rather            // another one is better: it ramps up, or is failing
	saturated         // at its limit
	ejected
)

// Pick chooses the endpoint of one attempt by a policy, and asks the policy
// again while its choice is ejected, at its limit, ramping up faster than it
// should, or, for a retry, failing itself. Flags has lb.Trial for an attempt
// that is to find out whether an ejected endpoint is back.
//
// info.Now is the time of this attempt, not of its request. The spare capacity
// of info.Exclude is used as scratch memory and bounds how often the policy is
// asked. The error is the picker's, or ErrSaturated.
func (g *Guard) Pick(p balance.Picker, info balance.PickInfo, want Want) (*lb.Endpoint, lb.Flags, error) {
	if int64(info.Now) >= g.trialAt.Load() && !want.Retry {
		if e := g.tryOut(info.Now, want); e != nil {
			return e, lb.Trial, nil
		}
	}
	var best *lb.Endpoint
	least := ejected + 1
	for {
		e, err := p.Pick(info)
		if err != nil {
			if best == nil {
				return nil, 0, err
			}
			break
		}
		r := g.refuses(e, info.Now, want)
		if r == accepted {
			return e, 0, nil
		}
		if r < least {
			best, least = e, r
		}
		if len(info.Exclude) == cap(info.Exclude) {
			break
		}
		info.Exclude = append(info.Exclude, e)
	}
	return settleFor(best, least, want)
}

// settleFor decides when the policy has nobody else to offer. A first attempt
// rather goes to an ejected endpoint than nowhere; a retry does not, for it
// would only fail once more.
func settleFor(best *lb.Endpoint, r refusal, want Want) (*lb.Endpoint, lb.Flags, error) {
	switch {
	case r == saturated:
		return nil, 0, ErrSaturated
	case r == ejected && want.Retry:
		return nil, 0, lb.ErrNoEndpoint
	}
	return best, 0, nil
}

func (g *Guard) refuses(e *lb.Endpoint, now stats.Instant, want Want) refusal {
	x := of(e)
	if x == nil {
		return accepted
	}
	switch {
	case x.phase.Load() == uint32(Ejected) && !g.panicking.Load():
		return ejected
	case x.full():
		return saturated
	case want.Retry && g.failingMore(x, now):
		return rather
	case !x.pace.Take(now):
		return rather
	}
	return accepted
}

// Full reports whether e has as much under way as its limit allows. Pick looks
// by itself; it is for who sends a request to a certain endpoint.
func Full(e *lb.Endpoint) bool {
	x := of(e)
	return x != nil && x.full()
}

// full reports whether an endpoint has as much under way as it may. Attempts
// that begin at the same moment on several cores may exceed the limit by one
// each.
func (e *Endpoint) full() bool {
	limit := e.limit.Load()
	return limit > 0 && e.live.Inflight() >= int(limit)
}

// failingMore reports whether an endpoint fails clearly more often than the
// cluster: a retry should not meet the next one that is about to be ejected.
func (g *Guard) failingMore(e *Endpoint, now stats.Instant) bool {
	own := e.ended.Tallies(now)[outlier.Short]
	return own.FailsMore(math.Float64frombits(g.failing.Load()))
}
