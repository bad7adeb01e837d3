package app

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"poise/internal/admin"
	"poise/internal/config"
	"poise/internal/listener"
	"poise/internal/proxy"
	"poise/internal/route"
	"poise/internal/transport"
)

// tagKey makes the tags of this process its own. A plain digest would let
// whoever reads a document with its secrets blanked try them out.
var tagKey = func() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key
}()

// tagOf names a text.
func tagOf(text []byte) string {
	sum := hmac.New(sha256.New, tagKey)
	sum.Write(text)
	return `"` + hex.EncodeToString(sum.Sum(nil)[:8]) + `"`
}

func pairs(m map[string]string) []route.Pair {
	var all []route.Pair
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, route.Pair{Name: k, Value: m[k]})
	}
	return all
}

// plan is everything that a configuration needs, ready to be put in force.
type plan struct {
	clusters  []*managed
	created   []*managed
	removed   []*managed
	listeners []*bound
	opened    []*bound
	closed    []*bound
	table     *proxy.Table
}

// apply puts a configuration in force, whole or not at all. The caller holds
// the lock, or nothing runs yet.
func (a *App) apply(c *config.Config, doc config.Document) error {
	p, err := a.prepare(c)
	if err != nil {
		return err
	}
	for _, m := range p.clusters {
		next := c.Clusters[slices.IndexFunc(c.Clusters, func(k config.Cluster) bool { return k.Name == m.Name() })]
		a.reshape(m, next)
		a.reshapeEngine(m, c, &next)
	}
	if p.table, err = tableOf(c, p.clusters); err == nil {
		p.table.Admission, err = a.admissions(c.Routes)
	}
	if err != nil {
		p.undo() // routes and keys were validated; this is a mistake of ours
		return err
	}
	a.clusters.Store(&p.clusters)
	a.tellEngine(p.clusters)
	a.proxy.Publish(p.table)
	a.listeners.Store(&p.listeners)
	for _, l := range p.closed {
		a.running.Go(func() { retire(l) })
	}
	for _, m := range p.removed {
		m.close()
	}
	if a.decided.Load() {
		for _, l := range p.opened {
			a.serve(l)
		}
	}
	a.config, a.document = c, doc
	a.reloads.Applied++
	a.reloads.Last = time.Now()
	return nil
}

// prepare makes what is new and changes nothing that is there.
func (a *App) prepare(c *config.Config) (*plan, error) {
	p := &plan{}
	if _, err := compileRoutes(c); err != nil {
		return nil, err
	}
	old := *a.listeners.Load()
	for _, l := range c.Listeners {
		i := slices.IndexFunc(old, func(b *bound) bool { return b.config.Address == l.Address })
		if i >= 0 {
			if !reflect.DeepEqual(old[i].config, l) {
				a.log.Warn("changes to a listener take effect when poise is started again", "listener", l.Address)
			}
			p.listeners = append(p.listeners, old[i])
			continue
		}
		ln, err := listener.Listen(listenerOptions(&l), a.proxy.Handler(l.Address), a.log)
		if err != nil {
			p.undo()
			return nil, stillHeld(err, l.Address, old)
		}
		b := &bound{Listener: ln, config: l}
		p.listeners, p.opened = append(p.listeners, b), append(p.opened, b)
	}
	for _, b := range old {
		if !slices.Contains(p.listeners, b) {
			p.closed = append(p.closed, b)
		}
	}
	a.prepareClusters(c, p)
	return p, nil
}

// stillHeld says so when it is Poise itself that holds the port of an address
// that cannot be bound.
func stillHeld(err error, address string, old []*bound) error {
	_, port, _ := net.SplitHostPort(address)
	for _, b := range old {
		if _, p, _ := net.SplitHostPort(b.config.Address); p == port && p != "0" {
			return fmt.Errorf("cannot listen on %s: the listener %s of this poise holds the port; take that away first, or start poise again", address, b.config.Address)
		}
	}
	return err
}

func (a *App) prepareClusters(c *config.Config, p *plan) {
	old := *a.clusters.Load()
	for _, k := range c.Clusters {
		i := slices.IndexFunc(old, func(m *managed) bool { return m.Name() == k.Name })
		if i >= 0 {
			p.clusters = append(p.clusters, old[i])
			continue
		}
		m := a.newCluster(c, k)
		p.clusters, p.created = append(p.clusters, m), append(p.created, m)
	}
	for _, m := range old {
		if !slices.Contains(p.clusters, m) {
			p.removed = append(p.removed, m)
		}
	}
}

// undo releases what prepare made.
func (p *plan) undo() {
	for _, l := range p.opened {
		l.Abandon()
	}
	for _, m := range p.created {
		m.close()
	}
}

// reshape makes a cluster that stays what the configuration now says. An
// operator's words stay, but for the policy when that very key changed.
func (a *App) reshape(m *managed, next config.Cluster) {
	old := m.config
	if reflect.DeepEqual(old, next) {
		return
	}
	m.config = next
	if !reflect.DeepEqual(old.Endpoints, next.Endpoints) {
		m.SetEndpoints(specs(next.Endpoints))
	}
	m.guard.Configure(guardOptions(&next))
	m.guard.Budget().Configure(budgetsOf(&next))
	if old.Policy != next.Policy || old.Panic != next.Panic {
		m.Configure(next.Policy, float64(next.Panic))
	}
	if old.Timeouts != next.Timeouts || old.Connections != next.Connections {
		for _, e := range m.Snapshot().Members {
			if p, ok := e.Transport.(*transport.Pool); ok {
				p.Configure(poolOptions(&next))
			}
		}
	}
	a.reshapeChecks(m, &old, &next)
}

func (a *App) reshapeChecks(m *managed, old, next *config.Cluster) {
	if reflect.DeepEqual(old.Health, next.Health) {
		if m.prober != nil {
			m.prober.Set(addresses(next.Endpoints))
		}
		return
	}
	if m.prober != nil {
		m.prober.Close()
		m.prober = nil
	}
	m.SetChecked(next.Health != nil) // without checks nobody will say any more that one is well again
	a.startProber(m)
}

func compileRoutes(c *config.Config) (*route.Table, error) {
	var all []route.Spec
	for i := range c.Routes {
		all = append(all, routeSpec(&c.Routes[i]))
	}
	return route.Compile(all)
}

// tableOf makes the table that requests are matched against.
func tableOf(c *config.Config, clusters []*managed) (*proxy.Table, error) {
	routes, err := compileRoutes(c)
	if err != nil {
		return nil, err
	}
	ups := map[string]*proxy.Upstream{}
	for _, m := range clusters {
		if ups[m.Name()], err = upstream(m); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", m.Name(), err)
		}
	}
	usual := usuals(c, routes, clusters)
	t := &proxy.Table{Routes: routes}
	for i, r := range c.Routes {
		var row []*proxy.Upstream
		for _, to := range r.To {
			u := *ups[to.Cluster]
			u.Usual = usual[target{routes.Name(i), to.Cluster}]
			row = append(row, &u)
		}
		t.Targets = append(t.Targets, row)
	}
	return t, nil
}

// serve runs a listener until it is shut down.
func (a *App) serve(l *bound) {
	if l.runs {
		return
	}
	l.runs = true
	a.running.Go(l.Run)
	a.log.Info("listening", "address", l.Addr().String())
}

// retire lets what is under way on a listener finish, and closes it.
func retire(l *bound) {
	if !l.runs {
		l.Abandon()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	l.Shutdown(ctx)
}

// Document implements admin.Configurator.
func (a *App) Document() ([]byte, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return config.Redact(a.document), tagOf(a.document.Text)
}

var errStopping = errors.New("poise is stopping and changes nothing any more")

// Apply implements admin.Configurator. What is sent holds until the file next
// changes.
func (a *App) Apply(text []byte, dry bool, tags ...string) (config.Problems, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(tags) > 0 && !slices.Contains(tags, tagOf(a.document.Text)) {
		return nil, admin.ErrStale
	}
	doc := config.Document{Name: "api", Text: text}
	if dry {
		_, problems := config.Parse(doc, a.options.Env)
		return problems, nil
	}
	problems, err := a.take(doc)
	if len(problems) == 0 && err == nil {
		a.byAPI = true
	}
	return problems, err
}

// Reload implements admin.Configurator: the operator's own word, so it may
// take away what a change of the file alone may not.
func (a *App) Reload() (config.Problems, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.options.Path == "" {
		return nil, errors.New("poise was started with flags and has no file to reload")
	}
	text, err := a.readFile()
	if err != nil {
		a.reloads.Refused++
		return nil, err
	}
	a.seen = tagOf(text)
	problems, err := a.take(config.Document{Name: a.options.Path, Text: text})
	if len(problems) == 0 && err == nil {
		a.byAPI = false
	}
	return problems, err
}

// readFile reads the file again. A pipe was read once and for all.
func (a *App) readFile() ([]byte, error) {
	info, err := os.Stat(a.options.Path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file and cannot be read again", a.options.Path)
	}
	return config.ReadFile(a.options.Path)
}

// take validates a document and applies it.
func (a *App) take(doc config.Document) (config.Problems, error) {
	if a.draining.Load() {
		return nil, errStopping
	}
	c, problems := config.Parse(doc, a.options.Env)
	if len(problems) > 0 {
		a.reloads.Refused++
		for _, p := range problems {
			a.log.Error("configuration refused, nothing was changed", "problem", p.Error())
		}
		return problems, nil
	}
	if err := a.apply(c, doc); err != nil {
		a.reloads.Refused++
		a.log.Error("configuration refused, nothing was changed", "error", err)
		return nil, err
	}
	a.warnOfTheRest(c)
	a.log.Info("configuration applied", "document", doc.Name, "clusters", len(c.Clusters), "routes", len(c.Routes))
	a.overrides.touch()
	return nil, nil
}

// warnOfTheRest names the sections that are read at the start only.
func (a *App) warnOfTheRest(c *config.Config) {
	var sections []string
	for _, s := range []struct {
		name     string
		old, new any
	}{{"admin", a.options.Config.Admin, c.Admin}, {"telemetry", a.options.Config.Telemetry, c.Telemetry}, {"state", a.options.Config.State, c.State}, {"node", a.options.Config.Node, c.Node}} {
		if !reflect.DeepEqual(s.old, s.new) {
			sections = append(sections, s.name)
		}
	}
	if len(sections) > 0 {
		a.log.Warn("some changes take effect when poise is started again", "sections", strings.Join(sections, ", "))
	}
}
