package record

import (
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// Counter counts up.
type Counter struct{ n atomic.Uint64 }

// Add adds n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Load returns the count.
func (c *Counter) Load() uint64 { return c.n.Load() }

// TrafficKey says whose traffic a Traffic is. No part of it comes from a
// client.
type TrafficKey struct {
	Listener string
	Route    string // "" for requests that no route matched or that were refused before
	Cluster  string // "" where Poise itself answered
}

// Traffic is the client's view of one listener, route and cluster.
type Traffic struct {
	Key           TrafficKey
	Classes       [6]Counter // by status / 100; [0] is unused
	Duration      stats.Histogram
	Overhead      stats.Histogram // Duration less what was spent waiting for endpoints
	RequestBytes  Counter         // of bodies
	ResponseBytes Counter
}

// Count closes one request.
func (t *Traffic) Count(r *Request) {
	class := r.Status / 100
	if class < 1 || class > 5 {
		class = 5
	}
	t.Classes[class].Add(1)
	t.Duration.Observe(r.Duration)
	if r.Cluster != "" {
		t.Overhead.Observe(r.Overhead)
	}
	if r.RequestBytes > 0 {
		t.RequestBytes.Add(uint64(r.RequestBytes))
	}
	if r.ResponseBytes > 0 {
		t.ResponseBytes.Add(uint64(r.ResponseBytes))
	}
}

// Book holds the Traffic of every key that was ever used, so that sums never
// fall when a route goes.
type Book struct {
	mu      sync.Mutex
	entries map[TrafficKey]*Traffic
	order   []*Traffic
}

// Traffic returns the entry for a key and makes it when there is none. It is
// called when routes are published, not for requests.
func (b *Book) Traffic(key TrafficKey) *Traffic {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := b.entries[key]; ok {
		return t
	}
	if b.entries == nil {
		b.entries = map[TrafficKey]*Traffic{}
	}
	t := &Traffic{Key: key}
	b.entries[key] = t
	b.order = append(b.order, t)
	return t
}

// All returns the entries in the order they were made.
func (b *Book) All() []*Traffic {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*Traffic(nil), b.order...)
}

// Request is one finished request as the access log shows it. Its slices are
// valid only during the call that hands it over.
type Request struct {
	Listener string
	Remote   []byte // the peer's address
	Method   []byte
	Host     []byte
	Path     []byte
	Proto    string // "HTTP/1.1"
	Status   int    // 499 when the client left before an answer
	Error    string // Poise-Error, "" when an endpoint answered
	Detail   string // what lies behind Error, for people

	Route    string
	Cluster  string
	Endpoint string // of the last attempt
	Attempts int
	Flags    lb.Flags // of all attempts together
	ID       []byte   // X-Request-Id

	Referer   []byte
	UserAgent []byte

	Duration      time.Duration // from the whole head to the last byte handed to the kernel
	Latency       time.Duration // of the last attempt
	Overhead      time.Duration // Duration less the time spent waiting for endpoints
	Queued        time.Duration // spent waiting for room at an endpoint
	RequestBytes  int64
	ResponseBytes int64
}
