package admin

import (
	"errors"
	"io"
	"net/http"

	"poise/internal/config"
)

func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

// readyz says whether traffic may come: to the process, or to one cluster.
func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	err := a.options.Balancer.Ready()
	if name := r.URL.Query().Get("cluster"); err == nil && name != "" {
		err = a.usable(name)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, err.Error()+"\n") //nolint:gosec // plain text, no page
		return
	}
	_, _ = io.WriteString(w, "ready\n")
}

func (a *API) usable(name string) error {
	for _, c := range a.options.Balancer.Clusters() {
		if c.Name() != name {
			continue
		}
		if s := c.Snapshot(); len(s.Eligible) == 0 || s.Panic {
			return errors.New("cluster " + clip(name) + " has no usable endpoint")
		}
		return nil
	}
	return errors.New("there is no cluster " + clip(name))
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"version": a.options.Version})
}

func (a *API) getConfig(w http.ResponseWriter, _ *http.Request) {
	text, tag := a.options.Config.Document()
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("ETag", tag)
	_, _ = w.Write(text)
}

// postConfig validates a document and applies it whole, or not at all.
func (a *API) postConfig(w http.ResponseWriter, r *http.Request) {
	if match := r.Header.Get("If-Match"); match != "" && match != "*" {
		if _, tag := a.options.Config.Document(); match != tag {
			problem(w, http.StatusPreconditionFailed, "the document has changed since; read it again (its ETag is now "+tag+")")
			return
		}
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		problem(w, http.StatusRequestEntityTooLarge, "a document has at most 4 MiB")
		return
	}
	dry := r.URL.Query().Get("dry_run") == "true"
	problems, err := a.options.Config.Apply(text, dry)
	a.applied(w, problems, err)
}

func (a *API) reload(w http.ResponseWriter, _ *http.Request) {
	problems, err := a.options.Config.Reload()
	a.applied(w, problems, err)
}

func (a *API) applied(w http.ResponseWriter, problems config.Problems, err error) {
	switch {
	case len(problems) > 0:
		configProblems(w, problems)
	case err != nil:
		problem(w, http.StatusConflict, err.Error())
	default:
		_, tag := a.options.Config.Document()
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (a *API) notBuiltYet(w http.ResponseWriter, _ *http.Request) {
	problem(w, http.StatusNotImplemented, "not built yet: this call belongs to the decision engine")
}

func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	problem(w, http.StatusNotFound, "there is no call "+r.Method+" "+clip(r.URL.Path)+"; docs/api/openapi.yaml lists them")
}
