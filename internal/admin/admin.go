// Package admin is the operator's door: the HTTP API by which a running Poise
// is read and told what to do.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"poise/internal/cluster"
	"poise/internal/config"
)

// Balancer is what the API shows and steers.
type Balancer interface {
	Clusters() []*cluster.Cluster // in the order of the configuration
	// Ready says nil when traffic may come, else why not.
	Ready() error
	// Figures returns the recent rates and latencies of a cluster's endpoints
	// by address.
	Figures(cluster string) map[string]Figures
}

// Configurator holds the document that is in force.
type Configurator interface {
	// Document returns the text as written, with secrets blanked, and its tag.
	Document() (text []byte, tag string)
	// Source says where it came from.
	Source() Source
	// Apply validates a document and, unless dry, makes it the one in force.
	Apply(text []byte, dry bool) (config.Problems, error)
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
	Config   Configurator
	Metrics  http.Handler
	Version  string
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
	a := &API{options: o, stream: newStream(), origin: http.NewCrossOriginProtection()}
	return a
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
			a.stream.publish("state", a.clusters)
		}
	}
}

// access says what a call needs beyond coming from an allowed host.
type access uint8

const (
	open    access = iota // nothing: for scripts that probe
	reading               // the token, where there is one
	setting               // likewise, and the right origin
	owning                // the token or the Unix socket, always
)

// Handler serves the API as it is reached over TCP, or over the Unix socket,
// whose file mode is its protection.
func (a *API) Handler(overSocket bool) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, need access, f http.HandlerFunc) {
		mux.Handle(pattern, a.guarded(need, overSocket, f))
	}
	handle("GET /healthz", open, a.healthz)
	handle("GET /readyz", open, a.readyz)
	handle("GET /metrics", reading, a.options.Metrics.ServeHTTP)
	handle("GET /api/v1/version", reading, a.version)
	handle("GET /api/v1/clusters", reading, a.listClusters)
	handle("GET /api/v1/clusters/{cluster}", reading, a.showCluster)
	handle("PUT /api/v1/clusters/{cluster}/policy", setting, a.putPolicy)
	handle("PUT /api/v1/clusters/{cluster}/endpoints/{address}/state", setting, a.putState)
	handle("GET /api/v1/config", reading, a.getConfig)
	handle("POST /api/v1/config", owning, a.postConfig)
	handle("POST /api/v1/reload", setting, a.reload)
	handle("GET /api/v1/stream", reading, a.serveStream)
	for _, call := range notBuilt {
		handle(call, reading, a.notBuiltYet)
	}
	handle("GET /debug/pprof/", owning, pprof.Index)
	handle("GET /debug/pprof/profile", owning, pprof.Profile)
	handle("GET /debug/pprof/symbol", owning, pprof.Symbol)
	handle("GET /debug/pprof/trace", owning, pprof.Trace)
	handle("/", reading, a.unknown)
	return mux
}

// notBuilt are the calls of the contract that belong to the decision engine.
var notBuilt = []string{
	"PUT /api/v1/engine",
	"PUT /api/v1/clusters/{cluster}/engine",
	"GET /api/v1/clusters/{cluster}/explain",
	"POST /api/v1/clusters/{cluster}/whatif",
	"GET /api/v1/decisions",
	"GET /api/v1/decisions/{id}",
}

// Probes serves healthz, readyz and metrics only, to anybody.
func (a *API) Probes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.Handle("GET /metrics", a.options.Metrics)
	return mux
}

// Serve serves a handler on ln until ctx is done.
func Serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(ln)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
