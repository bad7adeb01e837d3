// Package proxy carries one request from its first byte to its last: it finds
// the route, picks an endpoint, makes the attempts and passes the answer on.
// It knows messages, not sockets.
package proxy

import (
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/cluster"
	"poise/internal/guard"
	"poise/internal/guard/admit"
	"poise/internal/guard/flight"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/route"
	"poise/internal/stats"
)

// Options are what a proxy needs from the process.
type Options struct {
	Now  func() stats.Instant
	Wall func() time.Time
	Seed func() uint64 // for dice; called once for each exchange that runs at the same time
	Book *record.Book
	Log  *slog.Logger
}

// Logger writes a line for every request. The record is valid only during the
// call.
type Logger interface{ Log(*record.Request) }

// Upstream is a cluster as the proxy uses it.
type Upstream struct {
	Name     string
	Cluster  *cluster.Cluster
	Attempts *record.Attempts
	Guard    *guard.Guard  // never nil
	Usual    *flight.Usual // what the route's attempts take here; nil when nobody asks
	Retry    Retry
	Timeouts Timeouts
	Key      *route.Key // what the hash policies hash; nil for none
	Sticky   *Sticky    // nil for none
	// LoadField is the field of an answer, in lower case, in which endpoints say
	// how many requests they have under way; "" for none.
	LoadField string
}

// Retry says when a failed attempt is followed by another. The guard's budget
// bounds all of them.
type Retry struct {
	Most     int           // retries of one request
	PerTry   time.Duration // to the answer's head, of an attempt that another may follow; 0 means no bound of its own
	Connect  bool
	Reset    bool // also of an answer that broke off before any of it was passed on
	Statuses []int
}

// Timeouts bound the waits for an endpoint; 0 means no bound.
type Timeouts struct {
	Head       time.Duration // from the last request byte to the answer's head
	Between    time.Duration // between two pieces of a body
	Total      time.Duration // of all attempts together
	TunnelIdle time.Duration
}

// Sticky says how a client is kept at its endpoint.
type Sticky struct {
	Cookie string
	TTL    time.Duration // 0 means as long as the browser is open
}

// Table is what requests are matched against.
type Table struct {
	Routes *route.Table
	// Targets holds, for each route and each of its targets, the upstream.
	Targets [][]*Upstream
	// Admission holds, for each route, what its requests must pass; a shorter
	// one stands for routes without a condition.
	Admission []Admission
}

// Admission says which requests of a route come first, and how many may come.
type Admission struct {
	Rate     *Rate // nil for no limit
	Priority admit.Priority
}

// Rate limits the requests of a route by a key. Those without the key share
// one limit.
type Rate struct {
	Key   *route.Key
	Limit *admit.Rate
}

// Proxy serves exchanges.
type Proxy struct {
	options Options
	table   atomic.Pointer[Table]
	access  atomic.Pointer[Logger]
	states  sync.Pool
	date    dateText
	mishaps mishaps
	secret  maphash.Seed // of the keys that rates go by
}

// New returns a proxy that answers 503 until a table is published.
func New(o Options) *Proxy {
	p := &Proxy{options: o, secret: maphash.MakeSeed()}
	p.mishaps.log = o.Log
	p.states.New = func() any { return newState(p) }
	return p
}

// Publish replaces the table. Requests under way keep the one they began with.
func (p *Proxy) Publish(t *Table) { p.table.Store(t) }

// SetAccessLog names who writes the access log; nil for nobody.
func (p *Proxy) SetAccessLog(l Logger) {
	if l == nil {
		p.access.Store(nil)
		return
	}
	p.access.Store(&l)
}

// Handler returns the handler for the exchanges of one listener.
func (p *Proxy) Handler(listener string) message.Handler {
	return &handler{proxy: p, listener: listener}
}

// handler counts for one listener. Its counters are looked up once for a
// table, not once for a request.
type handler struct {
	proxy    *Proxy
	listener string
	books    atomic.Pointer[books]
}

// books are the counters of one listener under one table.
type books struct {
	table   *Table
	unknown *record.Traffic     // no route matched
	routes  []*record.Traffic   // answered by Poise itself
	targets [][]*record.Traffic // by route and target
}

func (h *handler) booksOf(t *Table) *books {
	if b := h.books.Load(); b != nil && b.table == t {
		return b
	}
	book := h.proxy.options.Book
	b := &books{table: t, unknown: book.Traffic(record.TrafficKey{Listener: h.listener})}
	if t != nil {
		for i, targets := range t.Targets {
			name := t.Routes.Name(i)
			b.routes = append(b.routes, book.Traffic(record.TrafficKey{Listener: h.listener, Route: name}))
			var row []*record.Traffic
			for _, u := range targets {
				row = append(row, book.Traffic(record.TrafficKey{Listener: h.listener, Route: name, Cluster: u.Name}))
			}
			b.targets = append(b.targets, row)
		}
	}
	h.books.Store(b)
	return b
}

// Serve implements message.Handler.
func (h *handler) Serve(x message.Exchange) {
	s := h.proxy.states.Get().(*state)
	s.begin(h, x)
	x.Watch(s)
	s.serve()
	x.Watch(nil)
	s.end()
	h.proxy.states.Put(s)
}

// Refuse implements message.Handler.
func (h *handler) Refuse(x message.Exchange, r *message.Refusal) {
	s := h.proxy.states.Get().(*state)
	s.begin(h, x)
	s.answer(r)
	s.end()
	h.proxy.states.Put(s)
}
