package admin

import (
	"io"
	"net/http"
	"net/http/pprof"
	runtimepprof "runtime/pprof"
	"strings"

	"poise/internal/cluster"
)

func (a *API) healthz(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") }

// readyz says whether traffic may come: to the process, or to one cluster. A
// no is an answer like a yes, and a word of text.
func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	if err := a.options.Balancer.Ready(); err != nil {
		writeText(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	if name := r.URL.Query().Get("cluster"); name != "" {
		c, err := a.find(name)
		if err != nil {
			problem(w, http.StatusNotFound, err.Error())
			return
		}
		if !usable(c.Snapshot()) {
			writeText(w, http.StatusServiceUnavailable, "cluster "+name+" has no usable endpoint")
			return
		}
	}
	writeText(w, http.StatusOK, "ready")
}

// usable reports whether an endpoint may be picked and is not known to be ill.
// In a panic ill ones are picked too, and the well ones among them count.
func usable(s *cluster.Snapshot) bool {
	eligible := eligibleOf(s)
	for i, e := range s.Members {
		if eligible[e] && s.States[i].Word == "healthy" {
			return true
		}
	}
	return false
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") //nolint:gosec // plain text, no page
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"version": a.options.Version})
}

func (a *API) profile(w http.ResponseWriter, r *http.Request) {
	switch name := r.PathValue("profile"); name {
	case "profile":
		pprof.Profile(w, r)
	case "cmdline":
		pprof.Cmdline(w, r)
	case "trace":
		pprof.Trace(w, r)
	case "symbol":
		pprof.Symbol(w, r)
	default:
		if runtimepprof.Lookup(name) == nil {
			problem(w, http.StatusNotFound, "there is no profile "+clip(name)+"; there are "+strings.Join(profiles(), ", "))
			return
		}
		pprof.Handler(name).ServeHTTP(w, r)
	}
}

func profiles() []string {
	names := []string{"profile", "trace", "symbol", "cmdline"}
	for _, p := range runtimepprof.Profiles() {
		names = append(names, p.Name())
	}
	return names
}
