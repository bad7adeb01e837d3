package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"poise/internal/admin"
	"poise/internal/cluster"
	"poise/internal/config"
	"poise/internal/guard"
	"poise/internal/guard/admit"
	"poise/internal/guard/flight"
	"poise/internal/guard/journal"
	"poise/internal/lb"
	"poise/internal/proxy"
	"poise/internal/route"
	"poise/internal/stats"
	"poise/internal/telemetry"
)

// guardOptions translates what protects a cluster's requests.
func guardOptions(c *config.Cluster) guard.Options {
	o := guard.Options{
		MaxEjected: float64(c.Outliers.MaxEjected), Base: c.Outliers.Base.Std(), Max: c.Outliers.Max.Std(),
		Panic: float64(c.Panic), SlowStart: c.SlowStart.Std(),
		Queue: admit.QueueOptions{Most: c.Limits.Queue, Timeout: c.Limits.QueueTimeout.Std()},
	}
	switch c.Limits.Concurrency {
	case config.LimitOff:
		o.Concurrency = guard.Off
	case config.LimitObserve:
		o.Concurrency = guard.Observe
	case config.LimitEnforce:
		o.Concurrency = guard.Enforce
	default:
		o.Concurrency = guard.Fixed
		o.Limit, _ = strconv.Atoi(c.Limits.Concurrency) // validated
	}
	if c.Hedge != nil {
		o.Hedge.Quantile, o.Hedge.After, _ = config.ParseHedge(c.Hedge.After) // validated
	}
	return o
}

// target is a route and a cluster that it sends requests to.
type target struct{ route, cluster string }

// usuals tells each guard which routes come to it, and returns what it keeps
// of them.
func usuals(c *config.Config, routes *route.Table, clusters []*managed) map[target]*flight.Usual {
	all := map[target]*flight.Usual{}
	for _, m := range clusters {
		var names []string
		for i, r := range c.Routes {
			if slices.ContainsFunc(r.To, func(t config.Target) bool { return t.Cluster == m.Name() }) {
				names = append(names, routes.Name(i))
			}
		}
		for i, u := range m.guard.Usuals(names) {
			all[target{names[i], m.Name()}] = u
		}
	}
	return all
}

// budgetsOf are the shares of requests that may be retries, and hedges.
func budgetsOf(c *config.Cluster) (retries, hedges float64) {
	if c.Hedge != nil {
		hedges = float64(c.Hedge.Budget)
	}
	return float64(c.Retry.Budget), hedges
}

// admissions are what the routes ask of their requests. A limit that stays as
// it is keeps what it has counted.
func (a *App) admissions(routes []config.Route) ([]proxy.Admission, error) {
	kept := map[rateOf]*proxy.Rate{}
	var all []proxy.Admission
	for i := range routes {
		r := &routes[i]
		admission := proxy.Admission{Priority: priorities[r.Priority]}
		if r.Rate != nil {
			at := rateOf{r.Name, *r.Rate}
			limit := a.rates[at]
			if limit == nil {
				key, err := route.ParseKey(r.Rate.Key)
				if err != nil {
					return nil, err
				}
				limit = &proxy.Rate{Key: key, Limit: admit.NewRate(r.Rate.PerSecond, burstOf(r.Rate), r.Rate.Keys)}
			}
			kept[at], admission.Rate = limit, limit
		}
		all = append(all, admission)
	}
	a.rates = kept
	return all, nil
}

// rateOf is a limit as it is configured.
type rateOf struct {
	route string
	rate  config.Rate
}

var priorities = map[string]admit.Priority{"low": admit.Low, "normal": admit.Normal, "high": admit.High}

func burstOf(r *config.Rate) int {
	if r.Burst > 0 {
		return r.Burst
	}
	return max(1, int(r.PerSecond))
}

// sentry is a guard as its cluster sees it.
type sentry struct {
	*guard.Guard
	now func() stats.Instant
}

// Watch implements cluster.Guard.
func (s sentry) Watch(enabled []*lb.Endpoint, well []bool) {
	members := make([]guard.Member, len(enabled))
	for i, e := range enabled {
		members[i] = guard.Member{Endpoint: e, Usable: well[i]}
	}
	s.Guard.Watch(members, s.now())
}

// Ejected implements cluster.Guard.
func (s sentry) Ejected(e *lb.Endpoint) (state cluster.State, out, ignored bool) {
	now := s.now()
	is := s.Status(e, now)
	if is.Phase != guard.Ejected {
		return cluster.State{}, false, false
	}
	return cluster.State{Word: is.Phase.String(), Reason: reasonOf(&is), Since: wallOf(is.Since, now)}, true, s.Panicking()
}

func reasonOf(s *guard.Status) string {
	reason := s.Cause.String()
	if why := s.Why.Text(s.Cause); why != "" {
		reason += ": " + why
	}
	switch {
	case s.Lost == 1:
		reason += "; a trial failed since"
	case s.Lost > 1:
		reason += fmt.Sprintf("; %d trials failed since", s.Lost)
	}
	return reason
}

// wallOf is the time on the wall of an instant before now.
func wallOf(then, now stats.Instant) time.Time { return time.Now().Add(-now.Sub(then)) }

// runGuards does what time calls for at every cluster, until ctx is done.
func (a *App) runGuards(ctx context.Context) {
	tick := time.NewTicker(guard.TickEvery)
	defer tick.Stop()
	var actions []journal.Action
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, m := range *a.clusters.Load() {
				report := m.guard.Tick(a.now())
				for _, t := range report.TakeBack {
					t.Take()
				}
				if report.Changed {
					m.Refresh()
				}
				actions = a.tellActions(m, actions[:0])
			}
		}
	}
}

// tellActions logs what a guard did, and keeps it for those who ask.
func (a *App) tellActions(m *managed, list []journal.Action) []journal.Action {
	list, lost := m.guard.Journal().Drain(list)
	for i := range list {
		m.ejected.count(&list[i])
		a.logAction(m, &list[i])
		if text := noteOf(&list[i]); text != "" {
			a.engine.Note(m.Name(), text)
		}
	}
	if lost > 0 {
		a.log.Warn("the guard did more than its journal holds", "cluster", m.Name(), "not_reported", lost)
	}
	return list
}

// noteOf is what the journal of decisions says of an action: those that change
// who is picked, or would have.
func noteOf(act *journal.Action) string {
	switch act.Kind {
	case journal.Eject:
		return fmt.Sprintf("guard ejected %s for %s (%s)", act.Endpoint, act.For, act.Cause)
	case journal.TrialLost:
		return fmt.Sprintf("guard ejected %s for %s more, a trial failed", act.Endpoint, act.For)
	case journal.HoldBack:
		return fmt.Sprintf("guard left %s in (%s, held back by %s)", act.Endpoint, act.Cause, act.Gate)
	case journal.Readmit, journal.Release:
		return "guard readmitted " + act.Endpoint
	case journal.PanicOn:
		return "panic began"
	case journal.PanicOff:
		return "panic is over"
	}
	return ""
}

// Actions implements admin.GuardJournal.
func (a *App) Actions(name string, since time.Time, limit int) []admin.Action {
	for _, m := range *a.clusters.Load() {
		if m.Name() != name {
			continue
		}
		now, wall := a.now(), time.Now()
		var all []admin.Action
		for _, act := range m.guard.Journal().Last(nil, now.Add(-wall.Sub(since)), limit) {
			all = append(all, actionOf(name, &act, wall.Add(-now.Sub(act.At))))
		}
		return all
	}
	return nil
}

func actionOf(cluster string, act *journal.Action, at time.Time) admin.Action {
	v := admin.Action{
		ID: act.Number, Kind: admin.KindGuard, At: at, Cluster: cluster, Endpoint: act.Endpoint,
		Action: act.Kind.String(), For: act.For.Seconds(), Text: act.Text(),
	}
	if act.Cause != 0 {
		v.Cause = act.Cause.String()
	}
	if act.Gate != 0 {
		v.Gate = act.Gate.String()
	}
	return v
}

func (a *App) logAction(m *managed, act *journal.Action) {
	level := slog.LevelInfo
	switch act.Kind {
	case journal.TrialWon:
		level = slog.LevelDebug
	case journal.Eject, journal.TrialLost:
		level = slog.LevelWarn
	case journal.PanicOn, journal.PanicOff:
		return // the cluster says so itself
	case journal.ShedOn:
		level = slog.LevelWarn
	}
	attributes := []any{"cluster", m.Name()}
	if act.Endpoint != "" {
		attributes = append(attributes, "endpoint", act.Endpoint)
	}
	attributes = append(attributes, "action", act.Kind.String())
	if act.Cause != 0 {
		attributes = append(attributes, "cause", act.Cause.String())
	}
	if act.Gate != 0 {
		attributes = append(attributes, "gate", act.Gate.String())
	}
	if act.For > 0 {
		attributes = append(attributes, "for", act.For)
	}
	switch act.Kind {
	case journal.ShedOff:
		attributes = append(attributes, "turned_away", act.Evidence.Shed)
	case journal.Limit:
		attributes = append(attributes, "limit", act.Evidence.To, "was", act.Evidence.From)
	}
	if why := act.Evidence.Text(act.Cause); why != "" {
		attributes = append(attributes, "evidence", why)
	}
	a.log.Log(context.Background(), level, "guard", attributes...)
}

// ejections counts what guards did, for the metrics.
type ejections struct {
	mu  sync.Mutex
	all map[telemetry.Ejection]uint64
}

func (e *ejections) count(act *journal.Action) {
	switch act.Kind {
	case journal.Eject, journal.TrialLost, journal.HoldBack:
	default:
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[telemetry.Ejection]uint64{}
	}
	e.all[telemetry.Ejection{Reason: act.Cause.String(), Enforced: act.Kind != journal.HoldBack}]++
}

// counted returns all of them, also those that there were none of: a series
// that begins with its first ejection hides that one from a rate, and whoever
// looks for none finds nothing.
func (e *ejections) counted() map[telemetry.Ejection]uint64 {
	all := map[telemetry.Ejection]uint64{}
	for _, c := range journal.Causes() {
		for _, enforced := range []bool{true, false} {
			all[telemetry.Ejection{Reason: c.String(), Enforced: enforced}] = 0
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.Copy(all, e.all)
	return all
}

// guardSource is where the metrics of a cluster's guard are read.
func (a *App) guardSource(m *managed) func() telemetry.Guard {
	return func() telemetry.Guard {
		return telemetry.Guard{
			Queue: m.guard.Queue().Len(), Ejections: m.ejected.counted(),
			Limit: func(e *lb.Endpoint) int { return m.guard.Status(e, a.now()).Limit },
		}
	}
}
