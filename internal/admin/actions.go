package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"poise/internal/cluster"
)

// GuardJournal is where what the guards did is read.
type GuardJournal interface {
	// Actions returns the last actions of a cluster's guard that were not before
	// since, at most limit, oldest first. Only so many are kept.
	Actions(cluster string, since time.Time, limit int) []Action
}

// Action is one thing that a guard did, or held back.
type Action struct {
	ID       uint64    `json:"id"` // grows by one from each action of a cluster to the next, until a restart
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	Cluster  string    `json:"cluster"`
	Endpoint string    `json:"endpoint,omitempty"` // absent when it is about the cluster
	Action   string    `json:"action"`
	Cause    string    `json:"cause,omitempty"`
	Gate     string    `json:"gate,omitempty"` // that held it back
	For      float64   `json:"for,omitempty"`  // seconds, of an ejection
	Text     string    `json:"text"`           // with what it rests on
}

// KindGuard is the kind of entries that guards make.
const KindGuard = "guard"

// How many actions are answered: unless told, and at most.
const (
	usualActions = 50
	mostActions  = 256
)

func (a *API) listActions(w http.ResponseWriter, r *http.Request, c *cluster.Cluster) {
	if !onlyQuery(w, r, "since", "limit") {
		return
	}
	query, since, limit := r.URL.Query(), time.Time{}, usualActions
	if text := query.Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			problem(w, http.StatusBadRequest, "since is a time as in 2026-01-31T12:00:00Z, not "+clip(text))
			return
		}
	}
	if text := query.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > mostActions {
			problem(w, http.StatusBadRequest, fmt.Sprintf("limit is a number from 1 to %d, not %s", mostActions, clip(text)))
			return
		}
	}
	all := []Action{}
	if j := a.options.Guards; j != nil {
		all = append(all, j.Actions(c.Name(), since, limit)...)
	}
	writeJSON(w, map[string]any{"actions": all})
}
