// Package app is the composition root: it builds the parts from the
// configuration, wires them, reloads them, and stops them in order.
package app

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"poise/internal/admin"
	"poise/internal/config"
	"poise/internal/engine"
	"poise/internal/probe"
	"poise/internal/proxy"
	"poise/internal/record"
	"poise/internal/stats"
	"poise/internal/telemetry"
	"poise/internal/transport"
)

// Options are what a process is started with.
type Options struct {
	Config   *config.Config
	Document config.Document // as written; empty when flags made the configuration
	Path     string          // of the file that is watched, "" for none
	Env      config.Env
	Version  string
	Log      *slog.Logger
	Stdout   io.Writer // for an access log on stdout
}

// App is a balancer in this process.
type App struct {
	options   Options
	log       *slog.Logger
	began     time.Time
	transport *transport.Transport
	proxy     *proxy.Proxy
	book      record.Book
	api       *admin.API
	access    *telemetry.AccessLog
	accessTo  io.WriteCloser
	adminLns  []adminListener
	faults    faults

	mu        sync.Mutex // one change of configuration at a time
	config    *config.Config
	document  config.Document
	byAPI     bool   // the document was sent, and is not what the file says
	seen      string // tag of the file's text that was last looked at
	unread    bool   // the file could not be read then
	clusters  atomic.Pointer[[]*managed]
	listeners atomic.Pointer[[]*bound]
	reloads   telemetry.Reloads
	rates     map[rateOf]*proxy.Rate

	overrides   *overridesFile
	engine      *engine.Engine
	journal     *engine.Journal
	decisionLog *engine.Log // nil without state.dir
	minds       *mindsFile
	headrooms   headrooms
	decided     atomic.Bool // the first health checks are done, or were given up on
	draining    atomic.Bool
	running     sync.WaitGroup // listeners
}

type adminListener struct {
	net.Listener
	serve func(context.Context) error
}

// drainTime is how long exchanges may take to finish when the process stops.
const drainTime = 10 * time.Second

// firstChecks is how long readiness waits for the first health checks.
const firstChecks = 5 * time.Second

// New builds everything and binds every address. Nothing is served before
// Run; an error leaves nothing bound.
func New(o Options) (*App, error) {
	a := &App{options: o, log: o.Log, began: time.Now()}
	a.transport = transport.New(a.now)
	a.proxy = proxy.New(proxy.Options{Now: a.now, Wall: time.Now, Seed: seed, Book: &a.book, Log: o.Log})
	none, unbound := []*managed{}, []*bound{}
	a.clusters.Store(&none)
	a.listeners.Store(&unbound)
	var err error
	if a.overrides, err = openOverrides(o.Config.State.Dir, a.stateFault); err != nil {
		return nil, err
	}
	if err := a.openEngine(o.Config.State.Dir); err != nil {
		return nil, fmt.Errorf("state.dir: %w", err)
	}
	if err := a.openAccessLog(o.Config.Telemetry.AccessLog); err != nil {
		return nil, err
	}
	if len(o.Document.Text) == 0 { // flags made the configuration
		o.Document.Text = o.Config.Resolved()
	}
	if err := a.apply(o.Config, o.Document); err != nil {
		return nil, errors.Join(err, a.closeAll())
	}
	a.restore()
	a.api = admin.New(admin.Options{
		Token: o.Config.Admin.Token, Names: o.Config.Admin.Names, Balancer: a, Guards: a, Config: a, Version: o.Version, Now: a.now, Log: o.Log,
		Metrics: telemetry.Handler(a.sources()),
	})
	if err := a.bindAdmin(&o.Config.Admin); err != nil {
		return nil, errors.Join(err, a.closeAll())
	}
	return a, nil
}

// now is the clock of the process. Zero means never, so it begins at 1.
func (a *App) now() stats.Instant { return stats.Instant(time.Since(a.began)) + 1 }

func seed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// Run serves until ctx is done, and then stops: no new connections, exchanges
// finish, and only then the parts below them end.
func (a *App) Run(ctx context.Context) error {
	// Taken before anything is heard of this process: a SIGHUP that nobody
	// takes would end it, and a SIGUSR1 would be lost.
	hangup, rotated := taken(syscall.SIGHUP), taken(syscall.SIGUSR1)
	defer signal.Stop(hangup)
	defer signal.Stop(rotated)
	var parts sync.WaitGroup
	below, stopBelow := context.WithCancel(context.Background())
	defer stopBelow()
	parts.Go(func() { a.transport.Run(below) })
	parts.Go(func() { a.overrides.run(below, a.collectOverrides) })
	parts.Go(func() { a.measure(below) })
	parts.Go(func() { a.runGuards(below) })
	judged := make(chan struct{}) // for the last time
	parts.Go(func() { defer close(judged); a.engine.Run(below) })
	parts.Go(func() { a.minds.run(judged, a.clusterNames) })
	parts.Go(func() { a.watchHeadroom(below) })
	if a.decisionLog != nil {
		parts.Go(func() { a.decisionLog.Run(below) })
	}
	parts.Go(func() { a.api.Run(below) })
	parts.Go(func() { a.runAccessLog(below) })
	parts.Go(func() { a.reopenOn(below, rotated) })
	failed := make(chan error, len(a.adminLns))
	for _, l := range a.adminLns {
		parts.Go(func() { failed <- l.serve(below) })
	}
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	parts.Go(func() { a.watch(watching, hangup) })

	a.awaitFirstChecks(ctx)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("the admin API ended: %w", err)
	}
	stopWatching()
	a.drain()
	stopBelow()
	parts.Wait()
	for _, m := range *a.clusters.Load() {
		m.close()
	}
	return err
}

// taken is where a signal arrives from now on.
func taken(s os.Signal) chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, s)
	return c
}

// awaitFirstChecks opens the listeners once the first health checks have
// spoken, or have been waited for long enough.
func (a *App) awaitFirstChecks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstChecks)
	defer cancel()
	for _, p := range a.probers() {
		p.Decided(ctx)
	}
	a.mu.Lock() // a reload from now on serves its listeners itself
	defer a.mu.Unlock()
	for _, l := range *a.listeners.Load() {
		a.serve(l)
	}
	a.decided.Store(true)
}

func (a *App) probers() []*probe.Prober {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []*probe.Prober
	for _, m := range *a.clusters.Load() {
		if m.prober != nil {
			all = append(all, m.prober)
		}
	}
	return all
}

// drain stops the listeners and lets what is under way finish.
func (a *App) drain() {
	a.mu.Lock() // a change that is under way ends first, and none follows
	a.draining.Store(true)
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var all sync.WaitGroup
	for _, l := range *a.listeners.Load() {
		all.Go(func() { l.Shutdown(ctx) })
	}
	all.Wait()
	a.running.Wait()
}

// closeAll releases what New has bound.
func (a *App) closeAll() error {
	for _, l := range *a.listeners.Load() {
		l.Abandon()
	}
	for _, l := range a.adminLns {
		_ = l.Close()
	}
	for _, m := range *a.clusters.Load() {
		m.close()
	}
	if a.accessTo != nil {
		return a.accessTo.Close()
	}
	return nil
}
