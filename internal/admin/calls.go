package admin

import (
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
)

// access says what a call needs beyond coming from an allowed host.
type access uint8

const (
	open   access = iota // nothing: for scripts that probe
	usual                // the token, where there is one
	owning               // the token or the Unix socket, always
)

// call is one operation of the API.
type call struct {
	method, path string // as in http.ServeMux
	need         access
	serve        http.HandlerFunc
}

// calls are all that the API answers; docs/api/openapi.yaml describes each of
// them.
func (a *API) calls() []call {
	return []call{
		{"GET", "/{$}", usual, a.later("the dashboard")},
		{"GET", "/healthz", open, a.healthz},
		{"GET", "/readyz", open, a.readyz},
		{"GET", "/metrics", usual, a.options.Metrics.ServeHTTP},
		{"GET", "/api/v1/version", usual, a.version},
		{"GET", "/api/v1/clusters", usual, a.listClusters},
		{"GET", "/api/v1/clusters/{cluster}", usual, a.ofCluster(a.showCluster)},
		{"PUT", "/api/v1/clusters/{cluster}/policy", usual, a.ofCluster(a.putPolicy)},
		{"PUT", "/api/v1/clusters/{cluster}/engine", usual, a.ofCluster(a.putEngine)},
		{"PUT", "/api/v1/clusters/{cluster}/endpoints/{address}/state", usual, a.ofCluster(a.putState)},
		{"GET", "/api/v1/clusters/{cluster}/explain", usual, a.ofCluster(a.explain)},
		{"GET", "/api/v1/clusters/{cluster}/record", usual, a.ofCluster(a.record)},
		{"GET", "/api/v1/clusters/{cluster}/actions", usual, a.ofCluster(a.listActions)},
		{"POST", "/api/v1/clusters/{cluster}/whatif", usual, a.ofCluster(a.whatif)},
		{"PUT", "/api/v1/engine", usual, a.putEngines},
		{"GET", "/api/v1/decisions", usual, a.listDecisions},
		{"GET", "/api/v1/decisions/{id}", usual, a.showDecision},
		{"GET", "/api/v1/config", usual, a.getConfig},
		{"POST", "/api/v1/config", owning, a.postConfig},
		{"POST", "/api/v1/reload", usual, a.reload},
		{"GET", "/api/v1/stream", usual, a.serveStream},
		{"GET", "/debug/pprof/{$}", owning, pprof.Index},
		{"GET", "/debug/pprof/{profile}", owning, a.profile},
	}
}

// probed are the calls that Probes answers.
var probed = []string{"/healthz", "/readyz", "/metrics"}

// Handler serves the API as it is reached over TCP, or over the Unix socket,
// whose file mode is its protection.
func (a *API) Handler(overSocket bool) http.Handler {
	mux := http.NewServeMux()
	for _, c := range a.calls() {
		mux.Handle(c.method+" "+c.path, a.guarded(c.need, overSocket, c.serve))
	}
	mux.Handle("/", a.guarded(usual, overSocket, a.unknown(mux)))
	return mux
}

// Probes serves healthz, readyz and metrics only, to anybody.
func (a *API) Probes() http.Handler {
	mux := http.NewServeMux()
	for _, c := range a.calls() {
		if slices.Contains(probed, c.path) {
			mux.Handle(c.method+" "+c.path, c.serve)
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "this address answers GET "+strings.Join(probed, ", ")+" only; admin.address has the others")
	})
	return mux
}

// later answers a call of something that is not built yet.
func (a *API) later(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotImplemented, "not built yet: this call belongs to "+what)
	}
}

// unknown answers what no call is meant by: another method is wanted, or
// another path.
func (a *API) unknown(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{"GET", "PUT", "POST"} {
			other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(other); strings.HasPrefix(pattern, method) {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			problem(w, http.StatusMethodNotAllowed, clip(r.URL.Path)+" takes "+strings.Join(allowed, " or ")+", not "+clip(r.Method))
			return
		}
		problem(w, http.StatusNotFound, "there is no call "+clip(r.Method)+" "+clip(r.URL.Path)+"; docs/api/openapi.yaml lists them")
	}
}
