package telemetry

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"poise/internal/lb"
	"poise/internal/stats"
)

// Labels for what is no single endpoint.
const (
	otherEndpoints = "_other" // those beyond EndpointSeries
	goneEndpoints  = "_gone"  // those that have left their cluster
)

// series is what is shown under one endpoint label.
type series struct {
	label    string
	outcomes [lb.OutcomeCount]uint64
	latency  stats.Snapshot
	inflight int
}

func (s *series) add(e *lb.Endpoint) {
	for i := range s.outcomes {
		s.outcomes[i] += e.Stats.Outcomes[i].Load()
	}
	latency := e.Stats.Latency.Snapshot()
	s.latency.Add(&latency)
	s.inflight += e.Live.Inflight()
}

func (c *collector) collectCluster(ch chan<- prometheus.Metric, k Cluster) {
	name := k.Cluster.Name()
	snapshot := k.Cluster.Snapshot()
	for _, s := range c.endpointSeries(snapshot.Members) {
		s.collect(ch, name)
	}
	gone := k.Cluster.Gone()
	for i, n := range gone.Outcomes {
		if n > 0 {
			counter(ch, attemptsTotal, n, name, goneEndpoints, lb.Outcome(i).String())
		}
	}
	idle, open := 0, 0
	for i, e := range snapshot.Members {
		gauge(ch, endpointState, 1, name, e.Address, snapshot.States[i].Word)
		n, all := k.Idle(e)
		idle, open = idle+n, open+all
	}
	gauge(ch, upstreamConns, float64(idle), name, "idle")
	gauge(ch, upstreamConns, float64(open-idle), name, "active")
	for address, n := range k.Checks {
		counter(ch, healthChecks, n[0], name, address, "passed")
		counter(ch, healthChecks, n[1], name, address, "failed")
	}
	for i := range k.Attempts.Retries {
		if n := k.Attempts.Retries[i].Load(); n > 0 {
			counter(ch, retriesTotal, n, name, lb.Outcome(i).String())
		}
	}
	counter(ch, budgetExhausted, k.Attempts.BudgetExhausted.Load(), name, "retry")
	gauge(ch, policyActive, 1, name, snapshot.Policy)
}

// endpointSeries returns a series for each endpoint; beyond the bound the
// least busy ones share one.
func (c *collector) endpointSeries(members []*lb.Endpoint) []*series {
	var all []*series
	for _, e := range members {
		s := &series{label: e.Address}
		s.add(e)
		all = append(all, s)
	}
	if len(all) <= c.EndpointSeries {
		return all
	}
	slices.SortFunc(all, func(a, b *series) int { return cmp.Compare(b.latency.Count(), a.latency.Count()) })
	other := &series{label: otherEndpoints}
	for _, s := range all[c.EndpointSeries:] {
		for i := range s.outcomes {
			other.outcomes[i] += s.outcomes[i]
		}
		other.latency.Add(&s.latency)
		other.inflight += s.inflight
	}
	return append(all[:c.EndpointSeries], other)
}

func (s *series) collect(ch chan<- prometheus.Metric, cluster string) {
	for i, n := range s.outcomes {
		if n > 0 {
			counter(ch, attemptsTotal, n, cluster, s.label, lb.Outcome(i).String())
		}
	}
	ch <- newHistogram(attemptDuration, &s.latency, cluster, s.label)
	gauge(ch, inflight, float64(s.inflight), cluster, s.label)
}
