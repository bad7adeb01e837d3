package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"poise/internal/admin"
	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/cluster"
	"poise/internal/config"
	"poise/internal/engine"
	"poise/internal/guard"
	"poise/internal/guard/retry"
	"poise/internal/http1"
	"poise/internal/lb"
	"poise/internal/listener"
	"poise/internal/probe"
	"poise/internal/proxy"
	"poise/internal/record"
	"poise/internal/route"
	"poise/internal/transport"
)

// managed is a cluster with what belongs to it.
type managed struct {
	*cluster.Cluster
	attempts *record.Attempts
	affinity *lb.Affinity // of keys; learnt, and read by expected-delay
	guard    *guard.Guard
	prober   *probe.Prober // nil without health checks
	config   config.Cluster
	meter    meter
	ejected  ejections
	switches switches
	terms    atomic.Pointer[engine.Terms]
	subject  *engine.Subject
	settings cluster.EngineSettings
	revived  string // policy that the engine had chosen before a restart; "" for none
}

// close ends the checks and lets go of the endpoints.
func (m *managed) close() {
	if m.prober != nil {
		m.prober.Close()
	}
	m.SetEndpoints(nil)
}

// bound is a listener and the configuration that it was made from.
type bound struct {
	*listener.Listener
	config config.Listener
	runs   bool
}

func (a *App) newCluster(all *config.Config, c config.Cluster) *managed {
	m := &managed{attempts: &record.Attempts{Ring: record.NewRing(record.RingSize)}, affinity: &lb.Affinity{}, config: c}
	budget := &retry.Budget{}
	budget.Configure(budgetsOf(&c))
	m.guard = guard.New(guardOptions(&c), budget)
	settings := settingsOf(all, &c)
	m.settings = settings
	m.terms.Store(termsOf(all, &c))
	m.Cluster = cluster.New(cluster.Options{
		Name: c.Name, Policy: c.Policy, Builders: catalog.Builders(), Balance: balance.Options{FailureCost: settings.FailureCost}, Affinity: m.affinity,
		Start: settings.Start, Mode: settings.Mode,
		Panic: float64(c.Panic), AwaitCheck: c.Health != nil,
		Attach: func(e *lb.Endpoint) (any, func()) {
			guard.Attach(e)
			p := a.transport.Pool(e.Address, poolOptions(&m.config)) // as it is when the endpoint comes
			return p, p.Close
		},
		Guard: sentry{m.guard, a.now},
		Wall:  time.Now, OnChange: func(e cluster.Event) { m.switches.count(&e); a.changed(e) },
	}, specs(c.Endpoints))
	m.subject = a.subjectOf(m)
	a.startProber(m)
	return m
}

// startProber begins the health checks of a cluster that has any.
func (a *App) startProber(m *managed) {
	if m.config.Health == nil {
		return
	}
	m.prober = probe.New(proberOptions(m.config.Health, m.Cluster))
	m.prober.Set(addresses(m.config.Endpoints))
}

func proberOptions(h *config.Health, to *cluster.Cluster) probe.Options {
	o := probe.Options{
		Interval: h.Interval.Std(), Timeout: h.Timeout.Std(), Jitter: float64(h.Jitter), Reporter: to,
		Thresholds: probe.Thresholds{Rise: h.Rise, Fall: h.Fall, Initial: h.Initial},
	}
	switch {
	case h.Path != "":
		expect, _ := config.ParseStatuses(h.Expect) // validated
		o.Check = probe.HTTP(h.Path, expect)
	case h.GRPC != "":
		o.Check = probe.GRPC(h.GRPC)
	default:
		o.Check = probe.TCP()
	}
	o.Check = counted(o.Check, to)
	return o
}

// counted counts the checks at the endpoint, where the counts outlive a change
// of the checks. One that ends with its prober, or could not be made, says nothing.
func counted(check probe.Check, by *cluster.Cluster) probe.Check {
	return func(ctx context.Context, address string) error {
		err := check(ctx, address)
		if !errors.Is(ctx.Err(), context.Canceled) && !probe.Unable(err) {
			by.Checked(address, err == nil)
		}
		return err
	}
}

func specs(endpoints []config.Endpoint) []cluster.Spec {
	var all []cluster.Spec
	for _, e := range endpoints {
		all = append(all, cluster.Spec{Address: e.Address, Weight: e.Weight, Zone: e.Zone, Priority: e.Priority})
	}
	return all
}

func addresses(endpoints []config.Endpoint) []string {
	var all []string
	for _, e := range endpoints {
		all = append(all, e.Address)
	}
	return all
}

func poolOptions(c *config.Cluster) transport.Options {
	return transport.Options{
		Connect: c.Timeouts.Connect.Std(), Keepalive: c.Timeouts.Keepalive.Std(),
		Idle: c.Connections.Idle, Lifetime: c.Connections.Lifetime.Std(),
	}
}

// upstream is a cluster as the proxy uses it.
func upstream(m *managed) (*proxy.Upstream, error) {
	c := &m.config
	u := &proxy.Upstream{
		Name: c.Name, Cluster: m.Cluster, Attempts: m.attempts, Guard: m.guard,
		LoadField: strings.ToLower(c.Engine.LoadField),
		Retry:     proxy.Retry{Most: c.Retry.MaxRetries, PerTry: c.Retry.PerTryTimeout.Std()},
		Timeouts: proxy.Timeouts{
			Head: c.Timeouts.Head.Std(), Between: c.Timeouts.Between.Std(),
			Total: c.Timeouts.Total.Std(), TunnelIdle: c.Timeouts.TunnelIdle.Std(),
		},
	}
	for _, on := range c.Retry.On {
		switch on {
		case "connect":
			u.Retry.Connect = true
		case "reset":
			u.Retry.Reset = true
		default:
			var status int
			if _, err := fmt.Sscan(on, &status); err == nil {
				u.Retry.Statuses = append(u.Retry.Statuses, status)
			}
		}
	}
	if c.HashKey != "" {
		key, err := route.ParseKey(c.HashKey)
		if err != nil {
			return nil, err
		}
		u.Key = key
	}
	if c.Sticky != nil {
		u.Sticky = &proxy.Sticky{Cookie: c.Sticky.Cookie, TTL: c.Sticky.TTL.Std()}
	}
	return u, nil
}

// routeSpec translates a route.
func routeSpec(r *config.Route) route.Spec {
	s := route.Spec{
		Name: r.Name, StripPrefix: r.StripPrefix, Timeout: r.Timeout.Std(),
		RequestHeaders: changes(&r.RequestHeaders), ResponseHeaders: changes(&r.ResponseHeaders),
		Match: route.Match{Host: r.Match.Host, Methods: r.Match.Method, Headers: pairs(r.Match.Header), Query: pairs(r.Match.Query)},
	}
	switch p := r.Match.Path; {
	case p.Prefix != "":
		s.Match.Path = route.Path{Kind: route.Prefix, Value: p.Prefix}
	case p.Exact != "":
		s.Match.Path = route.Path{Kind: route.Exact, Value: p.Exact}
	case p.Regex != "":
		s.Match.Path = route.Path{Kind: route.Regex, Value: p.Regex}
	}
	for _, t := range r.To {
		s.To = append(s.To, route.Target{Cluster: t.Cluster, Weight: t.Weight})
	}
	switch r.Host {
	case "preserve":
	case "endpoint":
		s.Host.Kind = route.HostEndpoint
	default:
		s.Host = route.Host{Kind: route.HostName, Name: []byte(r.Host)}
	}
	if d := r.Redirect; d != nil {
		s.Redirect = &route.Redirect{Scheme: d.Scheme, Host: d.Host, Path: d.Path, Status: d.Status}
	}
	return s
}

func changes(h *config.Headers) route.Changes {
	return route.Changes{Set: pairs(h.Set), Add: pairs(h.Add), Remove: h.Remove}
}

func listenerOptions(l *config.Listener) listener.Options {
	return listener.Options{
		Address: l.Address, Trusted: l.Trusted(), HideVia: !bool(l.Via), HalfOpen: l.HalfClose == "serve",
		Head: http1.Limits{
			RequestLine: int(l.Limits.RequestLine), HeaderBytes: int(l.Limits.HeaderBytes), Fields: l.Limits.Fields,
		},
		HeadTimeout: l.Limits.HeaderTimeout.Std(), BodyBetween: l.Limits.BodyBetween.Std(),
		BodyBytes: int64(l.Limits.BodyBytes), Keepalive: l.Limits.Keepalive.Std(), Connections: l.Limits.Connections,
	}
}

// bindAdmin binds the API's address, its socket and the probes.
func (a *App) bindAdmin(o *config.Admin) error {
	if err := a.bindAPI("tcp", o.Address, a.api.Handler(false)); err != nil {
		return fmt.Errorf("admin.address: %w", err)
	}
	if err := admin.CheckReach(a.adminLns[0].Addr(), o.Token); err != nil {
		return fmt.Errorf("admin.address: %w", err)
	}
	if o.Probes != "" {
		if err := a.bindAPI("tcp", o.Probes, a.api.Probes()); err != nil {
			return fmt.Errorf("admin.probes: %w", err)
		}
	}
	if o.Socket == "" {
		return nil
	}
	if err := removeStale(o.Socket); err != nil {
		return fmt.Errorf("admin.socket: %w", err)
	}
	if err := a.bindAPI("unix", o.Socket, a.api.Handler(true)); err != nil {
		return fmt.Errorf("admin.socket: %w", err)
	}
	return os.Chmod(o.Socket, 0o600)
}

// removeStale removes a socket that a process left behind when it was killed,
// and nothing else: not one that still answers, and no file of another kind.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket; choose another path, or move it away", path)
	}
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return listener.BindError(path, syscall.EADDRINUSE)
	}
	return os.Remove(path)
}

// ownerOnly gives a socket its mode before it has a name.
func ownerOnly(network, _ string, raw syscall.RawConn) (err error) {
	if network != "unix" {
		return nil
	}
	controlErr := raw.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), 0o600) })
	return errors.Join(controlErr, err)
}

func (a *App) bindAPI(network, address string, h http.Handler) error {
	config := net.ListenConfig{Control: ownerOnly}
	ln, err := config.Listen(context.Background(), network, address)
	if err != nil {
		return listener.BindError(address, err)
	}
	a.adminLns = append(a.adminLns, adminListener{ln, func(ctx context.Context) error { return admin.Serve(ctx, ln, h) }})
	return nil
}

// changed logs what happened to a cluster.
func (a *App) changed(e cluster.Event) {
	level, attributes := slog.LevelInfo, []any{"cluster", e.Cluster}
	if e.Endpoint != "" {
		attributes = append(attributes, "endpoint", e.Endpoint)
	}
	if e.From != "" {
		attributes = append(attributes, "from", e.From)
	}
	attributes = append(attributes, "to", e.To)
	if e.Reason != "" {
		attributes = append(attributes, "reason", e.Reason)
	}
	if e.To == "unhealthy" || e.What == "panic" && e.To == "on" {
		level = slog.LevelWarn
	}
	a.log.Log(context.Background(), level, e.What, attributes...) //nolint:sloglint // one of the few words that cluster has for it
	a.overrides.touch()
}
