//go:build integration

// Package integration runs the data plane over real sockets, as clients and
// endpoints see it. Every test that needs no HTTP/1.1 in particular runs over
// both fronts: the listener, and HTTP/2 through the seam.
package integration

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/cluster"
	"poise/internal/guard"
	"poise/internal/guard/retry"
	"poise/internal/lb"
	"poise/internal/listener"
	"poise/internal/message"
	"poise/internal/proxy"
	"poise/internal/record"
	"poise/internal/route"
	"poise/internal/stats"
	"poise/internal/transport"
	"poise/test/seam"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a balancer in this process, with everything that a test may change
// before it starts.
type rig struct {
	listener  listener.Options
	routes    []route.Spec
	upstream  proxy.Upstream
	policy    string
	transport transport.Options
	guard     guard.Options // the zero value ejects nobody
	admission []proxy.Admission
	book      record.Book
	log       slog.Handler
}

// front is one way to reach the proxy.
type front struct {
	name  string
	serve func(t *testing.T, r *rig, h func(string) message.Handler) string
	http  func() *http.Transport
}

var fronts = []front{
	{"http1", serveHTTP1, func() *http.Transport { return &http.Transport{DisableCompression: true} }},
	{"h2c", serveH2C, func() *http.Transport {
		t := &http.Transport{DisableCompression: true, Protocols: new(http.Protocols)}
		t.Protocols.SetUnencryptedHTTP2(true)
		return t
	}},
}

func serveHTTP1(t *testing.T, r *rig, h func(string) message.Handler) string {
	r.listener.Address = "127.0.0.1:0"
	l, err := listener.Listen(r.listener, h("http1"), slog.New(r.log))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); l.Run() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		l.Shutdown(ctx)
		<-done
	})
	return "http://" + l.Addr().String()
}

func serveH2C(t *testing.T, _ *rig, h func(string) message.Handler) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: seam.Handler(h("h2c")), Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return "http://" + ln.Addr().String()
}

// side is a running balancer and a client for it.
type side struct {
	url     string
	client  *http.Client
	cluster *cluster.Cluster
	book    *record.Book
	up      *proxy.Upstream
}

func newRig() *rig {
	return &rig{
		policy: "round-robin",
		upstream: proxy.Upstream{
			Retry:    proxy.Retry{Most: 1, Connect: true, Reset: true, Statuses: []int{502, 503, 504}},
			Timeouts: proxy.Timeouts{Head: 5 * time.Second, Between: 5 * time.Second, TunnelIdle: time.Minute},
		},
		log: slog.DiscardHandler,
	}
}

// over runs a test over every front.
func over(t *testing.T, r func() *rig, endpoints []http.Handler, test func(t *testing.T, s *side)) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			var addresses []string
			for _, h := range endpoints {
				addresses = append(addresses, startEndpoint(t, h))
			}
			test(t, r().start(t, f, addresses))
		})
	}
}

// start brings the rig up in front of addresses.
func (r *rig) start(t *testing.T, f front, addresses []string) *side {
	began := time.Now()
	now := func() stats.Instant { return stats.Instant(time.Since(began)) + 1 }
	tr := transport.New(now)
	ctx, cancel := context.WithCancel(context.Background())
	var swept sync.WaitGroup
	swept.Go(func() { tr.Run(ctx) })
	t.Cleanup(func() { cancel(); swept.Wait() })

	var specs []cluster.Spec
	for _, a := range addresses {
		specs = append(specs, cluster.Spec{Address: a, Weight: 1})
	}
	g := guard.New(r.guard, retry.NewBudget(0.2).WithHedges(0.05))
	c := cluster.New(cluster.Options{
		Name: "default", Policy: r.policy, Builders: catalog.Builders(), Balance: balance.Options{}, Panic: 0.5,
		Attach: func(e *lb.Endpoint) (any, func()) {
			guard.Attach(e)
			p := tr.Pool(e.Address, r.transport)
			return p, p.Close
		},
		Guard: sentry{g, now}, Wall: time.Now,
	}, specs)
	swept.Go(func() { tick(ctx, g, c, now) })
	up := r.upstream
	up.Name, up.Cluster, up.Attempts, up.Guard = "default", c, &record.Attempts{}, g
	up.Usual = g.Usuals([]string{"all"})[0]
	if r.routes == nil {
		r.routes = []route.Spec{{To: []route.Target{{Cluster: "default", Weight: 1}}}}
	}
	table, err := route.Compile(r.routes)
	if err != nil {
		t.Fatal(err)
	}
	targets := make([][]*proxy.Upstream, len(r.routes))
	for i := range r.routes {
		for range r.routes[i].To {
			targets[i] = append(targets[i], &up)
		}
	}
	p := proxy.New(proxy.Options{Now: now, Wall: time.Now, Seed: seed, Book: &r.book, Log: slog.New(r.log)})
	p.Publish(&proxy.Table{Routes: table, Targets: targets, Admission: r.admission})

	h := f.http()
	t.Cleanup(h.CloseIdleConnections)
	return &side{
		url: f.serve(t, r, p.Handler), cluster: c, book: &r.book, up: &up,
		client: &http.Client{Transport: h, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// sentry is a guard as its cluster sees it.
type sentry struct {
	*guard.Guard
	now func() stats.Instant
}

func (s sentry) Watch(enabled []*lb.Endpoint, well []bool) {
	var all []guard.Member
	for i, e := range enabled {
		all = append(all, guard.Member{Endpoint: e, Usable: well[i]})
	}
	s.Guard.Watch(all, s.now())
}

func (s sentry) Ejected(e *lb.Endpoint) (cluster.State, bool, bool) {
	is := s.Status(e, s.now())
	return cluster.State{Word: is.Phase.String()}, is.Phase == guard.Ejected, s.Panicking()
}

// tick does for the guard what time calls for, until ctx is done.
func tick(ctx context.Context, g *guard.Guard, c *cluster.Cluster, now func() stats.Instant) {
	every := time.NewTicker(guard.TickEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			r := g.Tick(now())
			for _, t := range r.TakeBack {
				t.Take()
			}
			if r.Changed {
				c.Refresh()
			}
		}
	}
}

func seed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func prefixes(texts ...string) (p []netip.Prefix) {
	for _, t := range texts {
		p = append(p, netip.MustParsePrefix(t))
	}
	return p
}

// startEndpoint serves h on a port of its own.
func startEndpoint(t *testing.T, h http.Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return ln.Addr().String()
}

// rawEndpoint hands every connection to f.
func rawEndpoint(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer c.Close(); f(c) })
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return ln.Addr().String()
}

// get returns status and body, and fails the test on any error.
func (s *side) get(t *testing.T, path string) (int, string) {
	t.Helper()
	r, err := s.client.Get(s.url + path)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("GET %s: body: %v", path, err)
	}
	return r.StatusCode, string(b)
}
