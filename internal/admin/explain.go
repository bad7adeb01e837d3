package admin

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"poise/internal/balance"
	"poise/internal/cluster"
	"poise/internal/lb"
	"poise/internal/route"
	"poise/internal/stats"
)

// Explanation says where the next request to a cluster would go, and why.
type Explanation struct {
	Cluster   string              `json:"cluster"`
	Policy    string              `json:"policy"` // that picks now
	Version   uint64              `json:"version"`
	HashKey   string              `json:"hash_key,omitempty"` // what of a request the hash policies hash
	Key       string              `json:"key,omitempty"`      // that was asked about
	Panic     bool                `json:"panic"`
	Tier      int                 `json:"tier"`
	Picked    string              `json:"picked,omitempty"` // the likeliest endpoint; absent when there is none
	Note      string              `json:"note"`
	Endpoints []ExplainedEndpoint `json:"endpoints"`
}

// ExplainedEndpoint is an endpoint's part in an Explanation.
type ExplainedEndpoint struct {
	Address  string    `json:"address"`
	State    string    `json:"state"`
	Since    time.Time `json:"since"`
	Excluded string    `json:"excluded,omitempty"` // why it may not be picked; absent when it may
	Chance   float64   `json:"chance"`             // that the next request goes there, 0 to 1
	Weight   int       `json:"weight"`
	Inflight int       `json:"inflight"`
	// Scores are what the policies that compare numbers make of the endpoint
	// for this request, by policy: lower is better, in the policy's own unit.
	Scores map[string]float64 `json:"scores,omitempty"`
}

// rolls is how often a pick is tried for the chances: enough for a standard
// error below 2 %.
const rolls = 1000

// longestKey bounds a key that is asked about, in bytes.
const longestKey = 1024

func (a *API) explain(w http.ResponseWriter, r *http.Request, c *cluster.Cluster) {
	if !onlyQuery(w, r, "key") {
		return
	}
	query := r.URL.Query()
	key := query.Get("key")
	if len(key) > longestKey {
		problem(w, http.StatusBadRequest, fmt.Sprintf("a key has at most %d bytes", longestKey))
		return
	}
	s, pick := c.Preview()
	v := Explanation{
		Cluster: c.Name(), Policy: s.Policy, Version: s.Version, HashKey: a.options.Balancer.HashKey(c.Name()),
		Key: key, Panic: s.Panic, Tier: s.Tier, Endpoints: []ExplainedEndpoint{},
	}
	dice := stats.NewDice(rand.Uint64())
	info := balance.PickInfo{Now: a.options.Now(), Dice: &dice}
	if query.Has("key") && v.HashKey != "" {
		info.Key, info.HasKey = route.HashKey([]byte(key)), true
	}
	scores := c.Scores(s, info)
	picked := map[*lb.Endpoint]int{}
	for range rolls {
		if e, err := pick(info); err == nil {
			picked[e]++
		}
	}
	likeliest, eligible := 0, eligibleOf(s)
	for i, e := range s.Members {
		v.Endpoints = append(v.Endpoints, ExplainedEndpoint{
			Address: e.Address, State: s.States[i].Word, Since: s.States[i].Since, Excluded: excluded(s, i, eligible[e]),
			Chance: float64(picked[e]) / rolls, Weight: e.Weight, Inflight: e.Live.Inflight(),
			Scores: scoresOf(scores, i),
		})
		if picked[e] > likeliest {
			likeliest, v.Picked = picked[e], e.Address
		}
	}
	v.Note = noteOf(&v, query.Has("key"))
	writeJSON(w, v)
}

// scoresOf are the scores of the member at i that JSON can hold.
func scoresOf(all map[string][]float64, i int) map[string]float64 {
	of := map[string]float64{}
	for policy, scores := range all {
		if v := scores[i]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			of[policy] = v
		}
	}
	return of
}

// excluded says why a member may not be picked, "" when it may.
func excluded(s *cluster.Snapshot, i int, eligible bool) string {
	e, state := s.Members[i], s.States[i]
	switch {
	case eligible:
		return ""
	case state.Word == "disabled" || state.Word == "drain":
		return state.Word + " by the operator"
	case state.Word == "unchecked":
		return "waits for its first health check"
	case state.Word == "ejected":
		return "ejected by the guard: " + state.Reason
	case state.Word != "healthy" && state.Reason != "":
		return state.Word + ": " + state.Reason
	case state.Word != "healthy":
		return state.Word
	}
	return fmt.Sprintf("of priority %d, while endpoints of priority %d are in use", e.Priority, s.Tier)
}

func noteOf(v *Explanation, keyed bool) string {
	switch {
	case v.Picked == "":
		return "no endpoint may be picked: requests are answered 503"
	case v.Panic:
		return "panic: so few endpoints are healthy that health is ignored"
	case keyed && v.HashKey == "":
		return "the cluster has no hash_key, so a key changes nothing"
	}
	return "the lowest score is picked, where a policy compares scores; a sticky cookie, where one is configured, goes before the policy"
}
