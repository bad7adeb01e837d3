package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"poise/internal/admin"
	"poise/internal/cluster"
	"poise/internal/guard"
	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/telemetry"
	"poise/internal/transport"
)

// meter keeps the figures of a cluster's endpoints over the last seconds.
type meter struct {
	mu      sync.Mutex
	past    map[*lb.Stats][]sample // oldest first, at most meterSamples
	figures map[string]admin.Figures
}

// sample is an endpoint's counters at one moment.
type sample struct {
	at       time.Time
	outcomes [lb.OutcomeCount]uint64
	latency  stats.Snapshot
}

// The figures cover this many seconds, one sample each.
const meterSamples = 5

func (m *meter) tick(now time.Time, members []*lb.Endpoint, status func(*lb.Endpoint) guard.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	past, figures := map[*lb.Stats][]sample{}, map[string]admin.Figures{}
	for _, e := range members {
		s := sample{at: now, latency: e.Stats.Latency.Snapshot()}
		for i := range s.outcomes {
			s.outcomes[i] = e.Stats.Outcomes[i].Load()
		}
		samples := append(m.past[e.Stats], s)
		if len(samples) > meterSamples+1 {
			samples = slices.Delete(samples, 0, 1)
		}
		past[e.Stats] = samples
		f, is := between(&samples[0], &s), status(e)
		f.Share, f.Limit = is.Factor, is.Limit
		figures[e.Address] = f
	}
	m.past, m.figures = past, figures
}

func between(first, last *sample) admin.Figures {
	latency := last.latency.Sub(&first.latency)
	attempts, failed := uint64(0), uint64(0)
	for i := range last.outcomes {
		n := last.outcomes[i] - first.outcomes[i]
		attempts += n
		if lb.Outcome(i).Failed() {
			failed += n
		}
	}
	f := admin.Figures{
		P50: latency.Quantile(0.5).Seconds(), P90: latency.Quantile(0.9).Seconds(), P99: latency.Quantile(0.99).Seconds(),
	}
	if span := last.at.Sub(first.at).Seconds(); span > 0 {
		f.Rate = float64(attempts) / span
	}
	if attempts > 0 {
		f.Failures = float64(failed) / float64(attempts)
	}
	return f
}

// measure takes a sample of every endpoint each second until ctx is done.
func (a *App) measure(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, m := range *a.clusters.Load() {
				m.meter.tick(now, m.Snapshot().Members, func(e *lb.Endpoint) guard.Status { return m.guard.Status(e, a.now()) })
			}
		}
	}
}

// Clusters implements admin.Balancer.
func (a *App) Clusters() []*cluster.Cluster {
	var all []*cluster.Cluster
	for _, m := range *a.clusters.Load() {
		all = append(all, m.Cluster)
	}
	return all
}

// Figures implements admin.Balancer.
func (a *App) Figures(name string) map[string]admin.Figures {
	for _, m := range *a.clusters.Load() {
		if m.Name() == name {
			m.meter.mu.Lock()
			defer m.meter.mu.Unlock()
			return m.meter.figures
		}
	}
	return nil
}

// HashKey implements admin.Balancer.
func (a *App) HashKey(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range *a.clusters.Load() {
		if m.Name() == name {
			return m.config.HashKey
		}
	}
	return ""
}

// Ready implements admin.Balancer.
func (a *App) Ready() error {
	switch {
	case a.draining.Load():
		return errors.New("draining")
	case !a.decided.Load():
		return errors.New("the first health checks are not done yet")
	}
	return nil
}

// Source implements admin.Configurator.
func (a *App) Source() admin.Source {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := admin.Source{From: "flags", Tag: tagOf(a.document.Text)}
	var notes []string
	switch {
	case a.byAPI:
		s.From = "api"
		notes = append(notes, "a document sent by API is in force until the file next changes")
	case a.options.Path != "":
		s.From = a.options.Path
	}
	if !a.byAPI && a.options.Path != "" && a.seen != "" && a.seen != s.Tag {
		notes = append(notes, "the file says something else that is not in force; the log says why")
	}
	s.Note = strings.Join(append(notes, a.faults.list()...), "; ")
	return s
}

// sources are where the metrics are read.
func (a *App) sources() telemetry.Sources {
	return telemetry.Sources{
		Book: &a.book, Version: a.options.Version, EndpointSeries: a.options.Config.Telemetry.Prometheus.EndpointSeries,
		Clusters: func() []telemetry.Cluster {
			var all []telemetry.Cluster
			for _, m := range *a.clusters.Load() {
				all = append(all, telemetry.Cluster{Cluster: m.Cluster, Attempts: m.attempts, Idle: poolSizes, Guard: a.guardSource(m), Engine: a.engineSource(m)})
			}
			return all
		},
		Cost: func() telemetry.EngineCost {
			c := a.engine.Cost()
			return telemetry.EngineCost{CPU: c.CPU, Postponed: c.Postponed}
		},
		Listeners: func() []telemetry.Listener {
			var all []telemetry.Listener
			for _, l := range *a.listeners.Load() {
				open, idle := l.Connections()
				all = append(all, telemetry.Listener{Address: l.config.Address, Open: open, Idle: idle})
			}
			return all
		},
		Reloads: func() telemetry.Reloads {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.reloads
		},
	}
}

func poolSizes(e *lb.Endpoint) (idle, open int) {
	if p, ok := e.Transport.(*transport.Pool); ok {
		return p.Idle(), p.Open()
	}
	return 0, 0
}
