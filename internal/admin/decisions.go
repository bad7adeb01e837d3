package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"poise/internal/cluster"
	"poise/internal/decide"
)

// Decision is an entry of the engine's journal.
type Decision struct {
	ID   uint64    `json:"id"`
	Time time.Time `json:"time"`
	decide.Decision
}

// Decisions are what GET /api/v1/decisions answers, the oldest first.
type Decisions struct {
	Decisions []Decision `json:"decisions"`
}

// DecisionQuery says which entries of the journal are wanted.
type DecisionQuery struct {
	Cluster string    // "" for all
	Since   time.Time // of then or later
	After   uint64    // with a higher number
	Limit   int       // the latest so many
}

// EngineState is the engine at one cluster.
type EngineState struct {
	Mode       string     `json:"mode"`       // auto, advise or freeze
	Configured string     `json:"configured"` // what the file says
	Held       bool       `json:"held"`       // by an operator, over the file
	HeldAt     *time.Time `json:"held_at,omitempty"`
	Adaptive   bool       `json:"adaptive"`             // the engine chooses the policy
	Challenger string     `json:"challenger,omitempty"` // policy that is tried on a share of the requests
	Share      float64    `json:"share,omitempty"`      // of the requests that it gets, 0 to 1
	JudgedAt   *time.Time `json:"judged_at,omitempty"`
	Fault      string     `json:"fault,omitempty"` // why the engine leaves the cluster alone
	// Forecasts are what came of the engine's last forecasts; absent while none
	// could be held against what was measured.
	Forecasts *decide.Forecasts `json:"forecasts,omitempty"`
}

func (a *API) engineState(c *cluster.Cluster, s *cluster.Snapshot) EngineState {
	v := a.options.Balancer.EngineState(c.Name())
	v.Mode, v.Configured, v.Held = string(s.Engine.Mode), string(s.Engine.Configured), s.Engine.Held
	if v.Held {
		at := s.Engine.At
		v.HeldAt = &at
	}
	v.Adaptive, v.Challenger, v.Share = s.Adaptive, s.Challenger, s.Share
	return v
}

// The number of entries that one call answers.
const (
	usualDecisions = 100
	mostDecisions  = 1000
)

func (a *API) listDecisions(w http.ResponseWriter, r *http.Request) {
	if !onlyQuery(w, r, "cluster", "since", "after", "limit") {
		return
	}
	q, err := a.decisionQuery(r)
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, Decisions{a.options.Balancer.Decisions(q)})
}

func (a *API) decisionQuery(r *http.Request) (q DecisionQuery, err error) {
	query := r.URL.Query()
	q.Limit = usualDecisions
	if q.Cluster = query.Get("cluster"); q.Cluster != "" {
		if _, err := a.find(q.Cluster); err != nil {
			return q, err
		}
	}
	if text := query.Get("since"); text != "" {
		if ago, err := time.ParseDuration(text); err == nil {
			q.Since = time.Now().Add(-ago)
		} else if q.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return q, fmt.Errorf("since is neither a time as in 2026-01-31T12:00:00Z nor as long ago as in 10m: %s", clip(text))
		}
	}
	if text := query.Get("after"); text != "" {
		if q.After, err = strconv.ParseUint(text, 10, 64); err != nil {
			return q, fmt.Errorf("after is no number of a decision: %s", clip(text))
		}
	}
	if text := query.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > mostDecisions {
			return q, fmt.Errorf("limit must be from 1 to %d, not %s", mostDecisions, clip(text))
		}
	}
	return q, nil
}

func (a *API) showDecision(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		problem(w, http.StatusBadRequest, "a decision goes by its number, as in /api/v1/decisions/17, not "+clip(r.PathValue("id")))
		return
	}
	d, ok := a.options.Balancer.Decision(id)
	if !ok {
		problem(w, http.StatusNotFound, fmt.Sprintf("there is no decision %d; GET /api/v1/decisions lists those that are kept", id))
		return
	}
	writeJSON(w, d)
}

func readMode(w http.ResponseWriter, r *http.Request) (cluster.Mode, bool) {
	var body struct {
		Mode string `json:"mode"`
	}
	if !readJSON(w, r, &body) {
		return "", false
	}
	m, err := cluster.ParseMode(clip(body.Mode))
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error()+hint(body.Mode, cluster.Modes))
		return "", false
	}
	return m, true
}

func (a *API) putEngine(w http.ResponseWriter, r *http.Request, c *cluster.Cluster) {
	if m, ok := readMode(w, r); ok {
		a.options.Balancer.SetEngine(c, m)
		writeJSON(w, a.describe(c))
	}
}

func (a *API) putEngines(w http.ResponseWriter, r *http.Request) {
	m, ok := readMode(w, r)
	if !ok {
		return
	}
	for _, c := range a.options.Balancer.Clusters() {
		a.options.Balancer.SetEngine(c, m)
	}
	writeJSON(w, a.status())
}

// Publish sends an event to those who listen to the stream.
func (a *API) Publish(kind string, v any) { a.stream.publish(kind, v) }
