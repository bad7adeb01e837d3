package admin

import (
	"math"
	"strings"
	"testing"

	"poise/internal/balance"
	"poise/internal/cluster"
	"poise/internal/message"
	"poise/internal/route"
	"poise/internal/stats"
)

func (r *rig) explained(t *testing.T, path string) Explanation {
	t.Helper()
	return answerOf[Explanation](t, r.ask("GET", path, ""))
}

func (v *Explanation) of(t *testing.T, address string) ExplainedEndpoint {
	t.Helper()
	for _, e := range v.Endpoints {
		if e.Address == address {
			return e
		}
	}
	t.Fatalf("%s is not in %+v", address, v)
	return ExplainedEndpoint{}
}

// The answer is what the next request then gets, and asking takes no turn.
func TestExplainNamesWhereTheNextRequestGoes(t *testing.T) {
	r := newRig()
	dice := stats.NewDice(1)
	for range 9 {
		v := r.explained(t, "/api/v1/clusters/web/explain")
		r.explained(t, "/api/v1/clusters/web/explain")
		e, err := r.balancer.clusters[0].Snapshot().Picker.Pick(balance.PickInfo{Now: 1, Dice: &dice})
		if err != nil || v.Picked != e.Address || v.of(t, e.Address).Chance != 1 {
			t.Fatalf("explained %s with the chance %v; the request went to %s, %v", v.Picked, v.of(t, e.Address).Chance, e.Address, err)
		}
	}
}

func TestExplainHashesAKeyAsARequestIsHashed(t *testing.T) {
	r := newRig()
	dice := stats.NewDice(1)
	key, err := route.ParseKey("header:x-user")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, user := range []string{"ann", "bob", "carl", "dora", "eve", "fred", "gina", "hans", "ä b&c"} {
		head := &message.Head{Fields: []message.Field{{Name: []byte("X-User"), Value: []byte(user)}}}
		info := balance.PickInfo{Now: 1, Dice: &dice}
		info.Key, info.HasKey = key.Hash(head, nil)
		e, err := r.balancer.clusters[1].Snapshot().Picker.Pick(info)
		if err != nil {
			t.Fatal(err)
		}
		v := r.explained(t, "/api/v1/clusters/users/explain?key="+strings.NewReplacer("ä", "%C3%A4", " ", "+", "&", "%26").Replace(user))
		if v.Picked != e.Address || v.of(t, e.Address).Chance != 1 || v.Key != user || v.HashKey != "header:x-user" {
			t.Errorf("%s: explained %+v; the request goes to %s", user, v, e.Address)
		}
		seen[e.Address] = true
	}
	if len(seen) != 2 {
		t.Errorf("all keys went to %v; the test shows nothing", seen)
	}
}

func TestExplainSharesTheChancesOfDice(t *testing.T) {
	r := newRig()
	if err := r.balancer.clusters[0].Pin("random"); err != nil {
		t.Fatal(err)
	}
	v := r.explained(t, "/api/v1/clusters/web/explain?key=a")
	for address, want := range map[string]float64{"127.0.0.1:9001": 0.25, "127.0.0.1:9002": 0.5, "[::1]:9003": 0.25} {
		if got := v.of(t, address).Chance; math.Abs(got-want) > 0.09 { // over five standard errors
			t.Errorf("%s has the chance %v; want about %v", address, got, want)
		}
	}
	if v.Picked != "127.0.0.1:9002" || !strings.Contains(v.Note, "no hash_key") {
		t.Errorf("explained %+v", v)
	}
}

func TestExplainSaysWhoIsLeftOutAndWhy(t *testing.T) {
	r := newRig()
	web, users := r.balancer.clusters[0], r.balancer.clusters[1]
	if err := web.SetOperator("127.0.0.1:9001", cluster.Drain); err != nil {
		t.Fatal(err)
	}
	web.SetHealth("127.0.0.1:9002", false, "status 500, not 200-299")
	v := r.explained(t, "/api/v1/clusters/web/explain")
	for address, want := range map[string]string{
		"127.0.0.1:9001": "drain by the operator",
		"127.0.0.1:9002": "unhealthy: status 500, not 200-299",
		"[::1]:9003":     "",
	} {
		if got := v.of(t, address).Excluded; got != want {
			t.Errorf("%s is left out for %q; want %q", address, got, want)
		}
	}
	if v.Picked != "[::1]:9003" {
		t.Errorf("picked %s", v.Picked)
	}
	v = r.explained(t, "/api/v1/clusters/users/explain")
	if got := v.of(t, "127.0.0.1:9004").Excluded; !strings.Contains(got, "priority 1") {
		t.Errorf("the second tier is left out for %q", got)
	}
	users.SetHealth("127.0.0.1:9001", false, "ill")
	users.SetHealth("127.0.0.1:9002", false, "ill")
	users.SetHealth("127.0.0.1:9004", false, "ill")
	if v = r.explained(t, "/api/v1/clusters/users/explain"); !v.Panic || v.Picked == "" || !strings.Contains(v.Note, "panic") {
		t.Errorf("with every endpoint ill: %+v", v)
	}
}

func TestExplainOfAClusterWithoutEndpointsInUse(t *testing.T) {
	r := newRig()
	for _, e := range r.balancer.clusters[1].Snapshot().Members {
		if err := r.balancer.clusters[1].SetOperator(e.Address, cluster.Disable); err != nil {
			t.Fatal(err)
		}
	}
	v := r.explained(t, "/api/v1/clusters/users/explain?key=a")
	if v.Picked != "" || !strings.Contains(v.Note, "503") || len(v.Endpoints) != 3 {
		t.Errorf("explained %+v", v)
	}
}
