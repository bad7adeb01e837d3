package admin

import (
	"errors"
	"net/http"
	"time"

	"poise/internal/cluster"
)

// Figures are what an endpoint did over the last seconds.
type Figures struct {
	Rate     float64 `json:"rate"`     // attempts a second
	Failures float64 `json:"failures"` // share of them that failed, 0 to 1
	P50      float64 `json:"p50"`      // latency, seconds
	P90      float64 `json:"p90"`
	P99      float64 `json:"p99"`
}

// Cluster is a cluster as the API shows it.
type Cluster struct {
	Name       string     `json:"name"`
	Policy     string     `json:"policy"`     // that picks now
	Configured string     `json:"configured"` // what the file says
	Pinned     bool       `json:"pinned"`     // by an operator, over the file
	PinnedAt   *time.Time `json:"pinned_at,omitempty"`
	Note       string     `json:"note,omitempty"`
	Panic      bool       `json:"panic"` // so few are healthy that health is ignored
	Tier       int        `json:"tier"`  // priority of the endpoints in use
	Version    uint64     `json:"version"`
	Endpoints  []Endpoint `json:"endpoints"`
}

// Endpoint is an endpoint as the API shows it.
type Endpoint struct {
	Address  string    `json:"address"`
	State    string    `json:"state"`
	Reason   string    `json:"reason,omitempty"`
	Since    time.Time `json:"since"`
	Eligible bool      `json:"eligible"` // may be picked now
	Weight   int       `json:"weight"`
	Zone     string    `json:"zone,omitempty"`
	Priority int       `json:"priority"`
	Inflight int       `json:"inflight"`
	Figures
}

// Status is what GET /api/v1/clusters and the stream show.
type Status struct {
	Clusters      []Cluster `json:"clusters"`
	Configuration Source    `json:"configuration"`
}

func (a *API) clusters() any {
	all := []Cluster{}
	for _, c := range a.options.Balancer.Clusters() {
		all = append(all, a.describe(c))
	}
	return Status{Clusters: all, Configuration: a.options.Config.Source()}
}

func (a *API) describe(c *cluster.Cluster) Cluster {
	s := c.Snapshot()
	figures := a.options.Balancer.Figures(c.Name())
	v := Cluster{
		Name: c.Name(), Policy: s.Policy, Configured: s.Configured, Pinned: s.Pinned,
		Panic: s.Panic, Tier: s.Tier, Version: s.Version, Note: s.Note, Endpoints: []Endpoint{},
	}
	if s.Pinned {
		at := s.PinnedAt
		v.PinnedAt = &at
	}
	eligible := map[string]bool{}
	for _, e := range s.Eligible {
		eligible[e.Address] = true
	}
	for i, e := range s.Members {
		state := s.States[i]
		v.Endpoints = append(v.Endpoints, Endpoint{
			Address: e.Address, State: state.Word, Reason: state.Reason, Since: state.Since,
			Eligible: eligible[e.Address], Weight: e.Weight, Zone: e.Zone, Priority: e.Priority,
			Inflight: e.Live.Inflight(), Figures: figures[e.Address],
		})
	}
	return v
}

func (a *API) listClusters(w http.ResponseWriter, _ *http.Request) { writeJSON(w, a.clusters()) }

func (a *API) showCluster(w http.ResponseWriter, r *http.Request) {
	if c := a.find(w, r); c != nil {
		writeJSON(w, a.describe(c))
	}
}

// find returns the cluster that the path names, or answers that there is none.
func (a *API) find(w http.ResponseWriter, r *http.Request) *cluster.Cluster {
	name := r.PathValue("cluster")
	for _, c := range a.options.Balancer.Clusters() {
		if c.Name() == name {
			return c
		}
	}
	problem(w, http.StatusNotFound, "there is no cluster "+clip(name)+"; GET /api/v1/clusters lists them")
	return nil
}

func (a *API) putPolicy(w http.ResponseWriter, r *http.Request) {
	c := a.find(w, r)
	if c == nil {
		return
	}
	var body struct {
		Policy string `json:"policy"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if err := c.Pin(body.Policy); err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	writeJSON(w, a.describe(c))
}

func (a *API) putState(w http.ResponseWriter, r *http.Request) {
	c := a.find(w, r)
	if c == nil {
		return
	}
	var body struct {
		State string `json:"state"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	word, err := cluster.ParseOperator(body.State)
	if err == nil {
		err = c.SetOperator(r.PathValue("address"), word)
	}
	switch {
	case errors.Is(err, cluster.ErrNoSuchEndpoint):
		problem(w, http.StatusNotFound, err.Error())
	case err != nil:
		problem(w, http.StatusUnprocessableEntity, err.Error())
	default:
		writeJSON(w, a.describe(c))
	}
}
