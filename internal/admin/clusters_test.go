package admin

import (
	"strings"
	"testing"
	"time"
)

func TestClustersAreShownAsTheyAre(t *testing.T) {
	r := newRig()
	web := r.balancer.clusters[0]
	web.SetHealth("127.0.0.1:9002", false, "connection refused")
	v := answerOf[Status](t, r.ask("GET", "/api/v1/clusters", ""))
	if len(v.Clusters) != 2 || v.Clusters[0].Name != "web" || v.Clusters[1].Name != "users" {
		t.Fatalf("clusters %+v; want web and users, in the order of the configuration", v.Clusters)
	}
	if age := time.Since(v.Now); age < 0 || age > time.Minute {
		t.Errorf("now is %v", v.Now)
	}
	if v.Configuration != r.config.Source() {
		t.Errorf("configuration %+v", v.Configuration)
	}
	byAddress := map[string]Endpoint{}
	for _, e := range v.Clusters[0].Endpoints {
		byAddress[e.Address] = e
	}
	first, second := byAddress["127.0.0.1:9001"], byAddress["127.0.0.1:9002"]
	if !first.Eligible || first.State != "healthy" || first.Rate != 12.5 || first.Failures != 0.25 || first.P99 != 0.03 || first.Zone != "a" {
		t.Errorf("first endpoint %+v", first)
	}
	if second.Eligible || second.State != "unhealthy" || second.Reason != "connection refused" || second.Weight != 2 || second.Since.Before(first.Since) {
		t.Errorf("second endpoint %+v", second)
	}
}

func TestPolicyIsPinnedAndGivenBack(t *testing.T) {
	r := newRig()
	const path = "/api/v1/clusters/web/policy"
	v := answerOf[Cluster](t, r.ask("PUT", path, `{"policy":"least-connections"}`))
	if v.Policy != "least-request" || !v.Pinned || v.PinnedAt == nil || time.Since(*v.PinnedAt) > time.Minute || v.Configured != "round-robin" {
		t.Errorf("pinned: %+v", v)
	}
	if got := r.balancer.clusters[0].Snapshot().Policy; got != "least-request" {
		t.Errorf("%s picks", got)
	}
	v = answerOf[Cluster](t, r.ask("PUT", path, `{"policy":"adaptive"}`))
	if v.Note == "" {
		t.Errorf("adaptive: %+v; want a note that says what runs instead", v)
	}
}

func TestStateOfAnEndpointIsTheOperators(t *testing.T) {
	r := newRig()
	for _, tt := range []struct{ word, path, state string }{
		{"drain", "127.0.0.1:9002", "drain"},
		{"disable", "127.0.0.1:9002", "disabled"},
		{"enable", "127.0.0.1:9002", "healthy"},
		{"drain", "[::1]:9003", "drain"},
		{"disable", "%5B::1%5D:9003", "disabled"},
	} {
		v := answerOf[Cluster](t, r.ask("PUT", "/api/v1/clusters/web/endpoints/"+tt.path+"/state", `{"state":"`+tt.word+`"}`))
		found := false
		for _, e := range v.Endpoints {
			if strings.Contains(e.Address, tt.path[len(tt.path)-5:]) {
				found = true
				if e.State != tt.state || e.Eligible != (tt.word == "enable") {
					t.Errorf("%s of %s: %+v", tt.word, tt.path, e)
				}
			}
		}
		if !found {
			t.Errorf("%s is not among %+v", tt.path, v.Endpoints)
		}
	}
}

func TestRefusedCallsSayWhatToDo(t *testing.T) {
	const (
		policy  = "/api/v1/clusters/web/policy"
		state   = "/api/v1/clusters/web/endpoints/127.0.0.1:9001/state"
		explain = "/api/v1/clusters/users/explain"
	)
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		says                     string
	}{
		{"a cluster that is none", "GET", "/api/v1/clusters/nothing-like-it", "", nil, 404, "GET /api/v1/clusters lists them"},
		{"a cluster that was mistyped", "GET", "/api/v1/clusters/uesrs", "", nil, 404, "did you mean users?"},
		{"a mistyped cluster of a policy", "PUT", "/api/v1/clusters/wen/policy", `{"policy":"random"}`, nil, 404, "did you mean web?"},
		{"a long name is not repeated whole", "GET", "/api/v1/clusters/" + strings.Repeat("é", 100), "", nil, 404, "é…"},
		{"a policy that was mistyped", "PUT", policy, `{"policy":"lest-request"}`, nil, 422, "did you mean least-request?"},
		{"adaptive mistyped", "PUT", policy, `{"policy":"adaptiv"}`, nil, 422, "did you mean adaptive?"},
		{"a policy that nothing resembles", "PUT", policy, `{"policy":"best"}`, nil, 422, "peak-ewma, hot-cold"},
		{"no policy", "PUT", policy, `{}`, nil, 422, "there are round-robin"},
		{"a state that is none", "PUT", state, `{"state":"off"}`, nil, 422, "enable, disable or drain"},
		{"no state", "PUT", state, `{"state":null}`, nil, 422, "enable, disable or drain"},
		{"an endpoint that was mistyped", "PUT", "/api/v1/clusters/web/endpoints/127.0.0.1:901/state", `{"state":"drain"}`, nil, 404, "did you mean 127.0.0.1:9001?"},
		{"an endpoint of another cluster", "PUT", "/api/v1/clusters/web/endpoints/10.0.0.1:80/state", `{"state":"drain"}`, nil, 404, "cluster web has no endpoint 10.0.0.1:80"},
		{"an empty body", "PUT", policy, "", []string{"Content-Type: application/json"}, 400, "it is empty"},
		{"a body that is no JSON", "PUT", policy, `{"policy":`, nil, 400, "unexpected EOF"},
		{"a list for an object", "PUT", policy, `["random"]`, []string{"Content-Type: application/json"}, 400, "cannot unmarshal array"},
		{"a number for a word", "PUT", policy, `{"policy":1}`, nil, 400, "cannot unmarshal number"},
		{"a field that is none", "PUT", policy, `{"policy":"random","for":"1h"}`, nil, 400, `unknown field "for"`},
		{"two values", "PUT", policy, `{"policy":"random"}{"policy":"p2c"}`, nil, 400, "more than one JSON value"},
		{"a body that is too large", "PUT", policy, `{"policy":"` + strings.Repeat("x", 65<<10) + `"}`, nil, 413, "at most 64 KiB"},
		{"a form", "PUT", policy, "policy=random", []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "application/json"},
		{"no Content-Type", "PUT", policy, "x", nil, 415, "application/json"},
		{"text that looks like JSON", "PUT", state, `{"state":"drain"}`, []string{"Content-Type: text/plain"}, 415, "application/json"},
		{"a parameter that was mistyped", "GET", explain + "?kye=a", "", nil, 400, "did you mean key?"},
		{"a key that is too long", "GET", explain + "?key=" + strings.Repeat("k", 1025), "", nil, 400, "at most 1024 bytes"},
		{"a method that a path does not take", "DELETE", "/api/v1/clusters", "", nil, 405, "takes GET, not DELETE"},
		{"a method of a path that takes two", "PUT", "/api/v1/config", "", nil, 405, "takes GET or POST, not PUT"},
		{"a path that is none", "GET", "/api/v2/clusters", "", nil, 404, "docs/api/openapi.yaml"},
		{"a path with a slash too many", "GET", "/api/v1/clusters/", "", nil, 404, "docs/api/openapi.yaml"},
		{"the dashboard", "GET", "/", "", nil, 501, "not built yet"},
		{"a mode of all that is none", "PUT", "/api/v1/engine", `{"mode":"advice"}`, nil, 422, "did you mean advise?"},
		{"a mode that is none", "PUT", "/api/v1/clusters/web/engine", `{"mode":"off"}`, nil, 422, "auto, advise, freeze"},
		{"a forecast that cannot be made", "POST", "/api/v1/clusters/users/whatif", `{}`, nil, 409, "too little data"},
		{"a load that is none", "POST", "/api/v1/clusters/web/whatif", `{"load":"50%"}`, nil, 422, "+50%"},
		{"a forecast under a policy that is none", "POST", "/api/v1/clusters/web/whatif", `{"policy":"hot-code"}`, nil, 422, "did you mean hot-cold?"},
		{"more of the journal than is kept", "GET", "/api/v1/decisions?limit=1001", "", nil, 400, "from 1 to 1000"},
		{"the journal of a time that is none", "GET", "/api/v1/decisions?since=noon", "", nil, 400, "as long ago as in 10m"},
		{"the journal of a cluster that is none", "GET", "/api/v1/decisions?cluster=wbe", "", nil, 400, "did you mean web?"},
		{"a decision that is none", "GET", "/api/v1/decisions/77", "", nil, 404, "there is no decision 77"},
		{"a decision by another name", "GET", "/api/v1/decisions/last", "", nil, 400, "goes by its number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newRig().ask(tt.method, tt.path, tt.body, tt.headers...)
			if p := problemOf(t, w); w.Code != tt.status || !strings.Contains(p.Detail, tt.says) {
				t.Errorf("status %d, %q; want %d and %q", w.Code, p.Detail, tt.status, tt.says)
			}
			if allow := w.Header().Get("Allow"); (w.Code == 405) != (allow != "") {
				t.Errorf("status %d with Allow %q", w.Code, allow)
			}
		})
	}
}

func TestHEADIsAnsweredWhereGETIs(t *testing.T) {
	if w := newRig().ask("HEAD", "/api/v1/clusters", ""); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}
