package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"poise/internal/cluster"
	"poise/internal/lb"
	"poise/internal/record"
)

func (c *collector) collectClusters(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	folds := map[*cluster.Cluster]*fold{}
	for _, k := range c.Clusters() {
		f := c.folds[k.Cluster]
		if f == nil {
			f = newFold(c.EndpointSeries)
		}
		folds[k.Cluster] = f
		collectCluster(ch, k, f)
	}
	c.folds = folds
}

func collectCluster(ch chan<- prometheus.Metric, k Cluster, f *fold) {
	name := k.Cluster.Name()
	snapshot, all := f.take(k.Cluster)
	for _, s := range all {
		s.collect(ch, name)
	}
	idle, open := 0, 0
	for _, e := range snapshot.Members {
		n, all := k.Idle(e)
		idle, open = idle+n, open+all
	}
	gauge(ch, upstreamConns, float64(idle), name, "idle")
	gauge(ch, upstreamConns, float64(max(open-idle, 0)), name, "active")
	for i := range k.Attempts.Retries {
		if n := k.Attempts.Retries[i].Load(); n > 0 {
			counter(ch, retriesTotal, n, name, lb.Outcome(i).String())
		}
	}
	counter(ch, budgetExhausted, k.Attempts.BudgetExhausted.Load(), name, "retry")
	counter(ch, budgetExhausted, k.Attempts.HedgesRefused.Load(), name, "hedge")
	for i := range k.Attempts.Hedges {
		if n := k.Attempts.Hedges[i].Load(); n > 0 {
			counter(ch, hedgesTotal, n, name, record.HedgeOutcome(i).String())
		}
	}
	for i := range k.Attempts.Shed {
		counter(ch, shedTotal, k.Attempts.Shed[i].Load(), name, record.ShedReason(i).String())
	}
	gauge(ch, panicking, asNumber(snapshot.Panic), name)
	if k.Guard != nil {
		g := k.Guard()
		gauge(ch, queueLength, float64(g.Queue), name)
		for e, n := range g.Ejections {
			counter(ch, ejectionsTotal, n, name, e.Reason, strconv.FormatBool(e.Enforced))
		}
		f.limits(ch, snapshot.Members, g.Limit)
	}
	gauge(ch, policyActive, 1-snapshot.Share, name, snapshot.Policy)
	if snapshot.Challenger != "" {
		gauge(ch, policyActive, snapshot.Share, name, snapshot.Challenger)
	}
	if k.Engine != nil {
		collectEngine(ch, name, k.Engine())
		f.capacities(ch, snapshot.Members)
	}
}

func collectEngine(ch chan<- prometheus.Metric, cluster string, e Engine) {
	for s, n := range e.Switches {
		counter(ch, policySwitches, n, cluster, s.From, s.To, s.Reason)
	}
	for d, n := range e.Decisions {
		counter(ch, decisionsTotal, n, cluster, d.Action, d.Gate)
	}
	if !e.Judged {
		return
	}
	for policy, loss := range e.Predicted {
		gauge(ch, predictedLoss, loss, cluster, policy)
	}
	gauge(ch, measuredLoss, e.Measured, cluster)
	gauge(ch, predictionError, e.Error, cluster)
	if e.Forecasts > 0 {
		gauge(ch, coverage, e.Inside, cluster)
	}
	if e.Headroom > 0 {
		gauge(ch, headroom, e.Headroom, cluster)
	}
}

func asNumber(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s *series) collect(ch chan<- prometheus.Metric, cluster string) {
	for i, n := range s.Outcomes {
		if n > 0 {
			counter(ch, attemptsTotal, n, cluster, s.label, lb.Outcome(i).String())
		}
	}
	ch <- newHistogram(attemptDuration, &s.Latency, cluster, s.label)
	gauge(ch, inflight, float64(s.inflight), cluster, s.label)
	for state, n := range s.states {
		gauge(ch, endpointState, float64(n), cluster, s.label, state)
	}
	if s.Passed+s.Failed > 0 {
		counter(ch, healthChecks, s.Passed, cluster, s.label, "passed")
		counter(ch, healthChecks, s.Failed, cluster, s.label, "failed")
	}
}
