package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// guardJournal has ten actions, a minute apart.
type guardJournal struct{}

var firstAction = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func (guardJournal) Actions(cluster string, since time.Time, limit int) (all []Action) {
	for i := max(0, 10-limit); i < 10; i++ {
		at := firstAction.Add(time.Duration(i) * time.Minute)
		if cluster == "web" && !at.Before(since) {
			all = append(all, Action{
				ID: uint64(i + 1), Kind: KindGuard, At: at, Cluster: cluster, Endpoint: "127.0.0.1:9001",
				Action: "eject", Cause: "errors", For: 5, Text: fmt.Sprint("action ", i+1),
			})
		}
	}
	return all
}

func TestActionsOfAGuard(t *testing.T) {
	r := newRig()
	for _, row := range []struct {
		query  string
		status int
		first  uint64 // 0 for none
		n      int
	}{
		{"web/actions", 200, 1, 10},
		{"web/actions?limit=3", 200, 8, 3},
		{"web/actions?since=2026-01-31T12:04:00Z", 200, 5, 6},
		{"web/actions?since=2026-01-31T13:04:00%2B01:00&limit=2", 200, 9, 2},
		{"web/actions?since=2027-01-31T12:04:00Z", 200, 0, 0},
		{"users/actions", 200, 0, 0},
		{"web/actions?limit=0", 400, 0, 0},
		{"web/actions?limit=257", 400, 0, 0},
		{"web/actions?limit=few", 400, 0, 0},
		{"web/actions?since=yesterday", 400, 0, 0},
		{"web/actions?until=2026-01-31T12:04:00Z", 400, 0, 0},
		{"wob/actions", 404, 0, 0},
	} {
		w := r.ask(http.MethodGet, "/api/v1/clusters/"+row.query, "")
		if w.Code != row.status {
			t.Errorf("%s: status %d, want %d: %s", row.query, w.Code, row.status, w.Body)
			continue
		}
		if row.status != 200 {
			continue
		}
		var v struct{ Actions []Action }
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || v.Actions == nil || len(v.Actions) != row.n {
			t.Errorf("%s: %v, %d actions, want %d (an empty list is one): %s", row.query, err, len(v.Actions), row.n, w.Body)
			continue
		}
		if row.n > 0 && v.Actions[0].ID != row.first {
			t.Errorf("%s: begins with %d, want %d", row.query, v.Actions[0].ID, row.first)
		}
	}
}
