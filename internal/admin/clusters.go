package admin

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"poise/internal/cluster"
	"poise/internal/lb"
)

// Figures are what an endpoint did over the last seconds.
type Figures struct {
	Rate     float64 `json:"rate"`     // attempts a second
	Failures float64 `json:"failures"` // share of them that failed, 0 to 1
	P50      float64 `json:"p50"`      // latency, seconds
	P90      float64 `json:"p90"`
	P99      float64 `json:"p99"`
	Share    float64 `json:"share,omitempty"` // part of its share that it takes, below 1 while it ramps up; absent while it is ejected
	Limit    int     `json:"limit,omitempty"` // of attempts under way, as learnt or configured; in force only when it is enforced
}

// Cluster is a cluster as the API shows it.
type Cluster struct {
	Name       string      `json:"name"`
	Policy     string      `json:"policy"`     // that picks now
	Configured string      `json:"configured"` // what the file says
	Pinned     bool        `json:"pinned"`     // by an operator, over the file
	PinnedAt   *time.Time  `json:"pinned_at,omitempty"`
	Note       string      `json:"note,omitempty"`
	Panic      bool        `json:"panic"` // so few are healthy that health is ignored
	Tier       int         `json:"tier"`  // priority of the endpoints in use
	Version    uint64      `json:"version"`
	Engine     EngineState `json:"engine"`
	Endpoints  []Endpoint  `json:"endpoints"`
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
	Service  float64   `json:"service,omitempty"`  // seconds a request takes that does not wait, as learnt; absent while unknown
	Capacity float64   `json:"capacity,omitempty"` // requests worked on at once, as learnt; absent while unknown
	Figures
}

// Status is what GET /api/v1/clusters and the stream show.
type Status struct {
	Now           time.Time `json:"now"` // by the clock that every other time is of
	Clusters      []Cluster `json:"clusters"`
	Configuration Source    `json:"configuration"`
}

func (a *API) status() Status {
	all := []Cluster{}
	for _, c := range a.options.Balancer.Clusters() {
		all = append(all, a.describe(c))
	}
	return Status{Now: time.Now(), Clusters: all, Configuration: a.options.Config.Source()}
}

func (a *API) describe(c *cluster.Cluster) Cluster {
	s := c.Snapshot()
	figures := a.options.Balancer.Figures(c.Name())
	v := Cluster{
		Name: c.Name(), Policy: s.Policy, Configured: s.Configured, Pinned: s.Pinned,
		Panic: s.Panic, Tier: s.Tier, Version: s.Version, Note: s.Note, Engine: a.engineState(c, s), Endpoints: []Endpoint{},
	}
	if s.Pinned {
		at := s.PinnedAt
		v.PinnedAt = &at
	}
	eligible := eligibleOf(s)
	for i, e := range s.Members {
		state, learnt := s.States[i], e.Live.Learnt()
		v.Endpoints = append(v.Endpoints, Endpoint{
			Address: e.Address, State: state.Word, Reason: state.Reason, Since: state.Since,
			Eligible: eligible[e], Weight: e.Weight, Zone: e.Zone, Priority: e.Priority,
			Inflight: e.Live.Inflight(), Service: learnt.Service.Seconds(), Capacity: learnt.Capacity, Figures: figures[e.Address],
		})
	}
	return v
}

func eligibleOf(s *cluster.Snapshot) map[*lb.Endpoint]bool {
	in := make(map[*lb.Endpoint]bool, len(s.Eligible))
	for _, e := range s.Eligible {
		in[e] = true
	}
	return in
}

// ofCluster hands a call the cluster that its path names, or answers that
// there is none.
func (a *API) ofCluster(serve func(http.ResponseWriter, *http.Request, *cluster.Cluster)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := a.find(r.PathValue("cluster"))
		if err != nil {
			problem(w, http.StatusNotFound, err.Error())
			return
		}
		serve(w, r, c)
	}
}

func (a *API) find(name string) (*cluster.Cluster, error) {
	var names []string
	for _, c := range a.options.Balancer.Clusters() {
		if c.Name() == name {
			return c, nil
		}
		names = append(names, c.Name())
	}
	return nil, errors.New("there is no cluster " + clip(name) + hint(name, names) + "; GET /api/v1/clusters lists them")
}

func (a *API) listClusters(w http.ResponseWriter, _ *http.Request) { writeJSON(w, a.status()) }

func (a *API) showCluster(w http.ResponseWriter, _ *http.Request, c *cluster.Cluster) {
	writeJSON(w, a.describe(c))
}

func (a *API) putPolicy(w http.ResponseWriter, r *http.Request, c *cluster.Cluster) {
	var body struct {
		Policy string `json:"policy"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if err := c.Pin(clip(body.Policy)); err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error()+hint(body.Policy, append(slices.Clone(lb.Policies), lb.Adaptive)))
		return
	}
	writeJSON(w, a.describe(c))
}

func (a *API) putState(w http.ResponseWriter, r *http.Request, c *cluster.Cluster) {
	var body struct {
		State string `json:"state"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	word, err := cluster.ParseOperator(clip(body.State))
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if address := r.PathValue("address"); c.SetOperator(address, word) != nil {
		var known []string
		for _, e := range c.Snapshot().Members {
			known = append(known, e.Address)
		}
		problem(w, http.StatusNotFound, "cluster "+c.Name()+" has no endpoint "+clip(address)+hint(address, known))
		return
	}
	writeJSON(w, a.describe(c))
}
