// Package admin is the operator's door: the HTTP API by which a running Poise
// is read and told what to do.
package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"poise/internal/cluster"
	"poise/internal/config"
	"poise/internal/stats"
	"poise/internal/whatif"
)

// Balancer is what the API shows and steers.
type Balancer interface {
	Clusters() []*cluster.Cluster // in the order of the configuration
	// Ready says nil when traffic may come, else why not.
	Ready() error
	// Figures returns the recent rates and latencies of a cluster's endpoints
	// by address.
	Figures(cluster string) map[string]Figures
	// HashKey says what the hash policies hash of a request to a cluster, as
	// configured; "" for nothing.
	HashKey(cluster string) string
	// EngineState returns what the engine says of itself at a cluster: when it
	// judged and what is wrong. The rest is the cluster's.
	EngineState(cluster string) EngineState
	// SetEngine takes an operator's word on what the engine may do.
	SetEngine(*cluster.Cluster, cluster.Mode)
	// Decisions returns entries of the engine's journal, the oldest first.
	Decisions(DecisionQuery) []Decision
	// Decision returns the entry with a number.
	Decision(id uint64) (Decision, bool)
	// WhatIf forecasts latency and failures under other circumstances. A
	// question that makes no sense is a whatif.Wrong, one about an endpoint that is none a
	// whatif.Unknown, one that cannot be answered a whatif.Refusal; any other error says that it could not be asked now.
	WhatIf(ctx context.Context, cluster string, q whatif.Question) (*whatif.Answer, error)
	// Record writes what the engine's judge of a cluster is given, for so long.
	Record(ctx context.Context, cluster string, lasts time.Duration, to io.Writer) error
}

// ErrStale is returned by Configurator.Apply when the document in force is not
// the one that the caller has read.
var ErrStale = errors.New("the document has changed since it was read")

// Configurator holds the document that is in force.
type Configurator interface {
	// Document returns the text as written, with secrets blanked, and its tag,
	// in quotes.
	Document() (text []byte, tag string)
	// Source says where it came from.
	Source() Source
	// Apply validates a document and, unless dry, makes it the one in force.
	// With tags, one of them must be that of the document in force: it returns
	// ErrStale otherwise.
	Apply(text []byte, dry bool, tags ...string) (config.Problems, error)
	// Reload reads the file again, whatever it takes away.
	Reload() (config.Problems, error)
}

// Source says where the configuration in force came from.
type Source struct {
	From string `json:"from"` // "flags", "api" or the file's path
	Tag  string `json:"tag"`
	Note string `json:"note,omitempty"`
}

// Options are what the API needs.
type Options struct {
	Token    string   // bearer token; "" for none
	Names    []string // host names besides the loopback ones that callers may use
	Balancer Balancer
	Guards   GuardJournal // nil for none
	Config   Configurator
	Metrics  http.Handler
	Version  string
	Now      func() stats.Instant // the clock that the policies go by
	Log      *slog.Logger
}

// API serves the calls.
type API struct {
	options Options
	stream  *stream
	origin  *http.CrossOriginProtection
}

// New returns an API; Run must run for its stream to have events.
func New(o Options) *API {
	// Numbers that begin at the time grow over a restart too, so that a
	// listener that comes back after one resumes at the right place.
	first := uint64(time.Now().UnixMilli())
	return &API{options: o, stream: newStream(first), origin: http.NewCrossOriginProtection()}
}

// Run feeds the stream until ctx is done.
func (a *API) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			a.stream.close()
			return
		case <-tick.C:
			if a.stream.heard() {
				a.stream.publish("state", a.status())
			}
		}
	}
}
