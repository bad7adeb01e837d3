package twin

import (
	"cmp"
	"slices"
	"time"
)

// outage is a moment at which an endpoint was left out, or taken back.
type outage struct {
	at      time.Duration
	station int32
	out     bool
}

const (
	quiet    = time.Second // least time without an attempt that may be an outage
	unlikely = 10          // times what lies between two attempts on the mean
	dead     = 0.5         // share of attempts that fail from which on nobody waits for an endpoint
)

// eligible reports whether requests to come may go to an endpoint. One that is
// ejected although it answers comes back in seconds, and with the policy that
// made it slow it will be slow again: the future is judged with it.
func (m *Model) eligible(i int) bool {
	e, s := &m.in.Endpoints[i], &m.stations[i]
	return e.Eligible || e.Returns && len(s.service) > 0 && s.failing < dead
}

// findOutages finds when endpoints were left out: an endpoint that had
// attempts all the time and then none for far longer than chance would have
// it. One that gets few anyway is left alone.
func (m *Model) findOutages(w []attempt) {
	n := len(m.stations)
	count, last := make([]int, n), make([]time.Duration, n)
	for i := range w {
		if s := w[i].station; s >= 0 {
			count[s]++
		}
	}
	gap := func(s int32, from, to time.Duration) {
		d := to - from
		usual := (m.end - d) / time.Duration(count[s]+1) // between two attempts, the rest of the time
		if count[s] > 0 && d > max(quiet, unlikely*usual) || count[s] == 0 && !m.in.Endpoints[s].Eligible {
			m.outages = append(m.outages, outage{from, s, true}, outage{to, s, false})
		}
	}
	for i := range w {
		if s := w[i].station; s >= 0 {
			gap(s, last[s], w[i].from)
			last[s] = w[i].from
		}
	}
	for s := range last {
		gap(int32(s), last[s], m.end)
	}
	slices.SortFunc(m.outages, func(a, b outage) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.station, b.station))
	})
}

// takeOutages leaves out and takes back what was by the moment now.
func (r *replay) takeOutages(now time.Duration) {
	changed := false
	for len(r.outages) > 0 && r.outages[0].at <= now {
		o := r.outages[0]
		r.outages, changed = r.outages[1:], true
		r.left[o.station] = o.out
	}
	if !changed {
		return
	}
	set := r.set
	set.Eligible = nil
	for i, c := range r.ends {
		if !r.left[i] && !r.parts[i].without {
			set.Eligible = append(set.Eligible, c)
		}
	}
	if len(set.Eligible) > 0 {
		r.picker = r.build(set, r.m.in.Options.Balance)
	}
}
