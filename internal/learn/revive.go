package learn

import (
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// Revive replaces what l knows by what an earlier process has saved, whose
// clock was another one: every time is moved by shift. Endpoints are known by
// their address from now on, until Members says who they are, and for as long
// as one is that has left. members are those that will be named. What cannot
// be read changes nothing.
func (l *Learner) Revive(b []byte, shift time.Duration, members []*lb.Endpoint) error {
	n := New(Options{Affinity: l.keys.to})
	if err := n.UnmarshalBinary(b); err != nil {
		return err
	}
	n.move(shift)
	number := map[string]uint32{}
	for _, e := range members {
		number[e.Address] = e.ID
	}
	for _, m := range n.members {
		m.left = max(n.now, 1)
		n.gone[m.to.Address] = m
		if id, stays := number[m.to.Address]; stays && id != m.to.ID {
			n.keys.visits = nil // they are kept by number
		}
	}
	n.members, n.byID = nil, map[uint32]*endpoint{}
	n.due = true
	*l = *n
	return nil
}

// move shifts every time by d. What was before the clock began was when it
// began.
func (l *Learner) move(d time.Duration) {
	at := func(all ...*stats.Instant) {
		for _, t := range all {
			if *t != 0 {
				*t = max(t.Add(d), 1)
			}
		}
	}
	at(&l.now, &l.fitAt, &l.mergedAt)
	one := func(e *endpoint) { at(&e.left, &e.speed.last, &e.faults.last) }
	for _, m := range l.members {
		one(m)
	}
	for _, m := range l.gone {
		one(m)
	}
}
