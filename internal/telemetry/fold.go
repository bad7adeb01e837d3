package telemetry

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"poise/internal/cluster"
	"poise/internal/lb"
)

// Labels for what is no single endpoint.
const (
	otherEndpoints = "_other" // those beyond EndpointSeries
	goneEndpoints  = "_gone"  // those that have left their cluster
)

// series is what is shown under one endpoint label.
type series struct {
	label string
	lb.Totals
	inflight int
	states   map[string]int // endpoints by state
}

func newSeries(label string) *series { return &series{label: label, states: map[string]int{}} }

// fold decides which endpoints of a cluster have series of their own; the
// others share one. An endpoint may change sides, and leave from either; no
// counter falls for it: what `_other` once counted it goes on counting, and a
// series of one's own begins where that ended.
type fold struct {
	most  int
	own   map[*lb.Stats]*lb.Totals // what `_other` counted before; nil for nothing
	other map[*lb.Stats]bool
	kept  lb.Totals // what `_other` counted of endpoints that have left since
	used  bool      // there has been an `_other`
}

func newFold(most int) *fold {
	return &fold{most: most, own: map[*lb.Stats]*lb.Totals{}, other: map[*lb.Stats]bool{}}
}

// steady bounds how often take begins again because endpoints came or went.
const steady = 8

// take returns the series of a cluster at this moment.
func (f *fold) take(c *cluster.Cluster) (*cluster.Snapshot, []*series) {
	seen := c.Snapshot()
	f.release(seen.Members)
	snapshot, gone := c.Account()
	for range steady { // a leaver must be read before Gone is, or `_gone` could fall
		if snapshot.Version == seen.Version {
			break
		}
		seen = snapshot
		f.release(seen.Members)
		snapshot, gone = c.Account()
	}
	all := f.members(snapshot)
	if gone.Attempts()+gone.Passed+gone.Failed > 0 || gone.Inflight > 0 {
		all = append(all, &series{label: goneEndpoints, Totals: gone.Sub(&f.kept), inflight: gone.Inflight})
	}
	return snapshot, all
}

// limits shows the limits of those that have series of their own.
func (f *fold) limits(ch chan<- prometheus.Metric, members []*lb.Endpoint, limit func(*lb.Endpoint) int) {
	for _, e := range members {
		if _, own := f.own[e.Stats]; own {
			if n := limit(e); n > 0 {
				gauge(ch, concurrency, float64(n), e.Cluster, e.Address)
			}
		}
	}
}

// capacities shows what was learnt of the endpoints with series of their own.
func (f *fold) capacities(ch chan<- prometheus.Metric, members []*lb.Endpoint) {
	for _, e := range members {
		if _, own := f.own[e.Stats]; own {
			if n := e.Live.Learnt().Capacity; n > 0 {
				gauge(ch, capacity, n, e.Cluster, e.Address)
			}
		}
	}
}

// release takes account of the endpoints that have left.
func (f *fold) release(members []*lb.Endpoint) {
	here := map[*lb.Stats]bool{}
	for _, e := range members {
		here[e.Stats] = true
	}
	for s, before := range f.own {
		if here[s] {
			continue
		}
		if before != nil {
			f.kept.Add(before)
		}
		delete(f.own, s)
	}
	for s := range f.other {
		if !here[s] {
			t := s.Totals()
			f.kept.Add(&t)
			delete(f.other, s)
		}
	}
}

// counted is a member and its totals, read once.
type counted struct {
	*lb.Endpoint
	lb.Totals
	state string
}

func (f *fold) members(s *cluster.Snapshot) []*series {
	var all []*counted
	for i, e := range s.Members {
		all = append(all, &counted{e, e.Stats.Totals(), s.States[i].Word})
	}
	f.assign(all)
	var shown []*series
	other := newSeries(otherEndpoints)
	other.Totals = f.kept
	for _, m := range all {
		to := other
		if before, own := f.own[m.Stats]; own {
			to = newSeries(m.Address)
			shown = append(shown, to)
			if before != nil {
				other.Add(before)
				m.Totals = m.Sub(before)
			}
		}
		to.Add(&m.Totals)
		to.inflight += m.Live.Inflight()
		to.states[m.state]++
	}
	if f.used = f.used || len(f.other) > 0; f.used {
		shown = append(shown, other)
	}
	return shown
}

// assign gives the busiest series of their own. One that has them keeps them
// until another is twice as busy, so that two which are about equal do not
// take turns.
func (f *fold) assign(all []*counted) {
	if len(all) > f.most {
		all = slices.Clone(all)
		slices.SortStableFunc(all, func(a, b *counted) int { return cmp.Compare(f.rank(b), f.rank(a)) })
		for _, m := range all[f.most:] {
			delete(f.own, m.Stats)
			f.other[m.Stats] = true
		}
		all = all[:f.most]
	}
	for _, m := range all {
		if _, own := f.own[m.Stats]; own {
			continue
		}
		f.own[m.Stats] = nil
		if f.other[m.Stats] {
			delete(f.other, m.Stats)
			before := m.Totals
			f.own[m.Stats] = &before
		}
	}
}

func (f *fold) rank(m *counted) uint64 {
	n := m.Attempts()
	if _, own := f.own[m.Stats]; own {
		return 2*n + 1
	}
	return n
}
