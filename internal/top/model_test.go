package top

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"poise/internal/admin"
	"poise/internal/decide"
)

// noon is the clock of the balancer, three minutes behind the one here.
var (
	noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	here = noon.Add(3 * time.Minute)
)

func endpoint(port int, change func(*admin.Endpoint)) admin.Endpoint {
	e := admin.Endpoint{
		Address: fmt.Sprintf("10.0.0.1:%d", port), State: "healthy", Since: noon.Add(-4 * time.Minute), Eligible: true, Weight: 1,
		Inflight: 3, Service: 0.0205, Capacity: 4, Figures: admin.Figures{Rate: 120, P50: 0.0201, P90: 0.0312, P99: 0.0425, Share: 1},
	}
	if change != nil {
		change(&e)
	}
	return e
}

// state is one of two clusters: web has an endpoint in every state.
func state() State {
	pinned := noon.Add(-90 * time.Second)
	return State{
		Now: noon,
		Clusters: []admin.Cluster{
			{Name: "web", Policy: "expected-delay", Configured: "adaptive", Engine: admin.EngineState{Mode: "auto", Configured: "auto", Adaptive: true}, Endpoints: []admin.Endpoint{
				endpoint(9001, nil),
				endpoint(9002, func(e *admin.Endpoint) { e.Inflight, e.Rate, e.P99, e.Service = 5, 80, 0.3312, 0.081 }),
				endpoint(9010, func(e *admin.Endpoint) {
					e.State, e.Reason, e.Since, e.Eligible, e.Share = "ejected", "stall; 3 attempts wait longer than 250ms for an answer", noon.Add(-3*time.Second), false, 0
					e.Inflight, e.Figures = 0, admin.Figures{Rate: 4, Failures: 0.25, P50: 1, P90: 1, P99: 1}
				}),
				endpoint(9003, func(e *admin.Endpoint) {
					e.State, e.Since, e.Eligible, e.Inflight, e.Figures = "drain", noon.Add(-3*time.Hour), false, 1, admin.Figures{}
				}),
				endpoint(9004, func(e *admin.Endpoint) { e.Share, e.Rate, e.Failures = 0.4, 41, 0.004 }),
			}},
			{Name: "api", Policy: "p2c", Configured: "p2c", Pinned: true, PinnedAt: &pinned, Engine: admin.EngineState{Mode: "freeze", Configured: "auto"}, Endpoints: []admin.Endpoint{endpoint(80, nil)}},
		},
	}
}

func decision(id uint64, ago time.Duration, action, text string) admin.Decision {
	return admin.Decision{ID: id, Time: noon.Add(-ago), Decision: decide.Decision{Cluster: "web", Action: action, Text: text}}
}

func journal() Journal {
	kept := decision(2, 50*time.Second, decide.Canary, "least-request → expected-delay: 10.0.0.1:9002 takes 87.2 ms for a request, 4.2× the median endpoint; predicted loss 54.3 ms → 30.7 ms (−44 %, interval −40 % … −47 %); tried on 10 % of the requests first")
	kept.Outcome = &decide.Outcome{Verdict: decide.Kept, Text: "measured −26 % (−33…−18 %; 50.7 ms → 37.7 ms; 30.7 ms was promised): kept"}
	return Journal{
		decision(1, 60*time.Second, decide.Hold, "stays with least-request: too little is known"), kept,
		decision(4, 40*time.Second, decide.Switch, "least-request → expected-delay: the canary did as well as it should; it takes over within 5s"),
		decision(5, 10*time.Second, decide.Hold, "stays with expected-delay: no policy does better (hot-cold would lose 44.9 ms to 37.6 ms)"),
	}
}

func actions() []admin.Action {
	return []admin.Action{
		{ID: 7, Kind: admin.KindGuard, At: noon.Add(-3 * time.Second), Cluster: "web", Endpoint: "10.0.0.1:9010", Action: "eject", For: 5, Text: "ejected for 5s: stall; 3 attempts wait longer than 250ms for an answer, the oldest 288ms"},
		{ID: 6, Kind: admin.KindGuard, At: noon.Add(-5 * time.Second), Cluster: "web", Endpoint: "10.0.0.1:9002", Action: "hold-back", Gate: "volume", Text: "not ejected: latency; held back by volume"},
	}
}

// model has heard all of the above over half a minute of traffic.
func model(o Options) *Model {
	m := New(o)
	m.Update(Tick(here))
	m.Update(Size{120, 30})
	for ago := 30; ago >= 0; ago-- {
		s := state()
		s.Now = noon.Add(-time.Duration(ago) * time.Second)
		s.Clusters[0].Endpoints[1].P99 /= float64(1 + ago)
		m.Update(s)
		m.Update(Answer{Call: Call{Actions: true}})
	}
	m.Update(journal())
	m.Update(Answer{Call: Call{Actions: true}, Actions: actions()})
	return m
}

func press(m *Model, keys ...string) (last Ask) {
	for _, k := range keys {
		last = m.Update(Key(k))
	}
	return last
}

func TestKeysSteer(t *testing.T) {
	for _, tt := range []struct {
		name, cluster string
		keys          []string
		asks          string // part of the question
		method, path  string
		body          map[string]string
	}{
		{"a policy is pinned", "web", []string{"p", "down", "enter"}, "Pin web to round-robin? All its requests (245/s)", "PUT", "/api/v1/clusters/web/policy", map[string]string{"policy": "round-robin"}},
		{"the last of the menu is reached upwards", "web", []string{"p", "up", "enter"}, "Pin web to maglev?", "PUT", "/api/v1/clusters/web/policy", map[string]string{"policy": "maglev"}},
		{"a cluster is unpinned", "api", []string{"u"}, "goes on from p2c and chooses from then on, though the file says p2c", "PUT", "/api/v1/clusters/api/policy", map[string]string{"policy": "adaptive"}},
		{"adaptive in the menu unpins", "api", []string{"p", "home", "up", "up", "up", "up", "enter"}, "Hand api to the engine?", "PUT", "/api/v1/clusters/api/policy", map[string]string{"policy": "adaptive"}},
		{"an endpoint is drained", "web", []string{"d"}, "Drain 10.0.0.1:9001? Its 120/s go to the 2 others; 3 under way may finish.", "PUT", "/api/v1/clusters/web/endpoints/10.0.0.1:9001/state", map[string]string{"state": "drain"}},
		{"the one at the cursor is disabled", "web", []string{"down", "x"}, "Disable 10.0.0.1:9002? Its 80/s go to the 2 others; 5", "PUT", "/api/v1/clusters/web/endpoints/10.0.0.1:9002/state", map[string]string{"state": "disable"}},
		{"one that is out is disabled", "web", []string{"end", "x"}, "It takes no requests now", "PUT", "/api/v1/clusters/web/endpoints/10.0.0.1:9010/state", map[string]string{"state": "disable"}},
		{"the last one is drained", "api", []string{"d"}, "NO ENDPOINT IS LEFT THEN", "PUT", "/api/v1/clusters/api/endpoints/10.0.0.1:80/state", map[string]string{"state": "drain"}},
		{"a drained one is enabled", "web", []string{"down", "down", "e"}, "Enable 10.0.0.1:9003?", "PUT", "/api/v1/clusters/web/endpoints/10.0.0.1:9003/state", map[string]string{"state": "enable"}},
		{"the engine may switch again", "api", []string{"a"}, "Let the engine switch the policy of api by itself?", "PUT", "/api/v1/clusters/api/engine", map[string]string{"mode": "auto"}},
		{"the engine is frozen at once", "web", []string{"f"}, "", "PUT", "/api/v1/clusters/web/engine", map[string]string{"mode": "freeze"}},
		{"the engine only advises at once", "web", []string{"v"}, "", "PUT", "/api/v1/clusters/web/engine", map[string]string{"mode": "advise"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, answer := range []string{"y", "Y", "n", "enter", "q", "esc"} {
				m := model(Options{Cluster: tt.cluster})
				got := press(m, tt.keys...)
				if (tt.asks == "") != (got.Call != nil) || !strings.Contains(m.ask, tt.asks) {
					t.Fatalf("it asks %q and does %+v; want the question %q first, if any", m.ask, got.Call, tt.asks)
				}
				yes := answer == "y" || answer == "Y" || tt.asks == ""
				if tt.asks != "" {
					got = press(m, answer)
				}
				switch {
				case got.Quit:
					t.Errorf("%q quits", answer)
				case !yes && got.Call != nil:
					t.Errorf("%q does %+v", answer, got.Call)
				case yes && (got.Call == nil || got.Call.Method != tt.method || got.Call.Path != tt.path || fmt.Sprint(got.Call.Body) != fmt.Sprint(tt.body)):
					t.Errorf("%q does %+v; want %s %s %v", answer, got.Call, tt.method, tt.path, tt.body)
				}
			}
		})
	}
}

func TestAnOperatorHearsWhatIsSoAlready(t *testing.T) {
	for _, tt := range []struct {
		cluster string
		keys    []string
		says    string
	}{
		{"web", []string{"u"}, "web is not pinned"},
		{"web", []string{"e"}, "10.0.0.1:9001 is enabled already"},
		{"web", []string{"down", "down", "d"}, "10.0.0.1:9003 is drained already"},
		{"web", []string{"a"}, "the engine of web is at auto already"},
		{"api", []string{"p", "enter"}, "api is pinned to p2c already"},
	} {
		m := model(Options{Cluster: tt.cluster})
		if got := press(m, tt.keys...); got.Call != nil || !strings.Contains(m.Frame(), tt.says) {
			t.Errorf("%v does %+v and shows\n%s\nwant %q", tt.keys, got.Call, m.Frame(), tt.says)
		}
	}
}

func TestAFreezeDuringATrialIsAskedAbout(t *testing.T) {
	m, s := model(Options{}), state()
	s.Clusters[0].Engine.Challenger, s.Clusters[0].Engine.Share = "hot-cold", 0.1
	m.Update(s)
	if got := press(m, "f"); got.Call != nil || !strings.Contains(m.ask, "The trial of hot-cold on 10 % of the requests ends.") {
		t.Errorf("it does %+v and asks %q", got.Call, m.ask)
	}
	press(m, "n", "p", "down", "enter")
	if !strings.Contains(m.ask, "The trial of hot-cold ends.") {
		t.Errorf("a pin asks %q", m.ask)
	}
}

func TestNothingIsSteeredWhileDisconnected(t *testing.T) {
	for _, keys := range [][]string{{"d"}, {"f"}, {"p", "down", "enter"}} {
		m := model(Options{})
		m.Update(Lost{Since: here, Again: here.Add(time.Second), Why: "gone"})
		if got := press(m, keys...); got.Call != nil || m.screen == confirming || !strings.Contains(m.Frame(), "not connected: nothing can be changed now") {
			t.Errorf("%v does %+v and shows\n%s", keys, got.Call, m.Frame())
		}
	}
	m := model(Options{})
	press(m, "d")
	m.Update(Lost{Since: here, Again: here.Add(time.Second), Why: "gone"})
	if got := press(m, "y"); got.Call != nil || !strings.Contains(m.Frame(), "nothing was changed") {
		t.Errorf("a yes after the connection broke off does %+v", got.Call)
	}
}

func TestALossIsSaidUntilTheNextState(t *testing.T) {
	m := model(Options{})
	m.Update(Lost{Since: here, Again: here.Add(time.Second), Why: "no poise answers on here"})
	m.Update(Tick(here.Add(11 * time.Second)))
	m.Update(Lost{Since: here.Add(11 * time.Second), Again: here.Add(15 * time.Second), Why: "no poise answers on here"})
	got := m.Frame()
	for _, want := range []string{"✗ not connected for 11s, again in 4s", "✗ this is how it was at 12:00:00; no poise answers on here"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	m.Update(state())
	if got := m.Frame(); strings.Contains(got, "not connected") || !strings.Contains(got, "● live 12:00:00") {
		t.Errorf("after a state it shows\n%s", got)
	}
}

func TestWhatCameOfACallIsSaid(t *testing.T) {
	m := model(Options{})
	call := press(m, "f").Call
	changed := state().Clusters[0]
	changed.Engine.Mode = "freeze"
	m.Update(Answer{Call: *call, Cluster: &changed})
	if got := m.Frame(); !strings.Contains(got, "✓ the engine of web is at freeze") || !strings.Contains(got, "engine FROZEN") {
		t.Errorf("a call that went well shows\n%s", got)
	}
	m.Update(Answer{Call: *call, Err: errors.New("maglev needs hash_key")})
	if got := m.Frame(); !strings.Contains(got, "✗ not done: maglev needs hash_key") {
		t.Errorf("a call that was refused shows\n%s", got)
	}
	m.Update(Tick(here.Add(noticed)))
	if got := m.Frame(); strings.Contains(got, "not done") {
		t.Errorf("%v later it still shows\n%s", noticed, got)
	}
}

func TestEndpointsSortByEveryColumn(t *testing.T) {
	for i, k := range columns {
		m := model(Options{})
		for range i {
			press(m, "right")
		}
		if m.order.column != k.name {
			t.Fatalf("%d steps sort by %q; want %q", i, m.order.column, k.name)
		}
		down := m.sorted(m.shown())
		press(m, "r")
		up := m.sorted(m.shown())
		sign := 1
		if i == 0 {
			sign = -1 // addresses begin with the first
		}
		for j := 1; j < len(up); j++ {
			if sign*k.less(up[j-1], up[j]) > 0 || sign*k.less(down[j-1], down[j]) < 0 {
				t.Errorf("%s: %s and %s are in the wrong order", k.name, up[j-1].Address, up[j].Address)
			}
		}
	}
	m := model(Options{})
	press(m, "left", "right", "right", "right", "right") // in flight
	if got := m.sorted(m.shown())[0].Address; got != "10.0.0.1:9002" {
		t.Errorf("by what is in flight %s comes first", got)
	}
}

func TestAddressesSortAsPeopleCount(t *testing.T) {
	want := []string{"10.0.0.2:80", "10.0.0.10:9", "10.0.0.10:80", "10.0.0.10:443", "[::1]:80", "a.example:80", "a2.example:80", "a10.example:80", "b.example"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, natural)
	if !slices.Equal(got, want) {
		t.Errorf("sorted %q; want %q", got, want)
	}
}

func TestTheCursorStaysOnItsEndpoint(t *testing.T) {
	m := model(Options{})
	press(m, "down")
	if m.endpoint != "10.0.0.1:9002" {
		t.Fatalf("the cursor is on %s", m.endpoint)
	}
	press(m, "left", "r")
	m.Update(state())
	if m.endpoint != "10.0.0.1:9002" {
		t.Errorf("after sorting anew it is on %s", m.endpoint)
	}
	gone := state()
	gone.Clusters[0].Endpoints = slices.Delete(gone.Clusters[0].Endpoints, 1, 2)
	m.Update(gone)
	if m.chosen() == nil {
		t.Errorf("the endpoint left, and the cursor is on %q", m.endpoint)
	}
	gone.Clusters = gone.Clusters[1:]
	m.Update(gone)
	if m.cluster != "api" || m.endpoint != "10.0.0.1:80" {
		t.Errorf("the cluster left, and the cursor is at %s of %s", m.endpoint, m.cluster)
	}
	gone.Clusters = nil
	m.Update(gone)
	for _, k := range []string{"d", "down", "p", "c", "tab", "u", "right"} {
		if got := press(m, k, "esc"); got.Call != nil {
			t.Errorf("without clusters %q does %+v", k, got.Call)
		}
	}
}

func TestClustersAreChosen(t *testing.T) {
	m := model(Options{})
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{[]string{"tab"}, "api"},
		{[]string{"tab"}, "web"},
		{[]string{"shift+tab"}, "api"},
		{[]string{"c", "up", "enter"}, "web"},
		{[]string{"c", "down", "esc"}, "web"},
		{[]string{"c", "down", "enter"}, "api"},
	} {
		if press(m, tt.keys...); m.cluster != tt.want {
			t.Errorf("%v shows %s; want %s", tt.keys, m.cluster, tt.want)
		}
	}
}

func TestTheGuardIsAskedOnceAtATimeAndFromWhereItWas(t *testing.T) {
	m := New(Options{})
	first := m.Update(state())
	if first.Call == nil || first.Call.Path != "/api/v1/clusters/web/actions" {
		t.Fatalf("it asks %+v", first.Call)
	}
	if again := m.Update(state()); again.Call != nil {
		t.Errorf("without an answer it asks %+v again", again.Call)
	}
	m.Update(Answer{Call: *first.Call, Actions: actions()})
	next := m.Update(state())
	if next.Call == nil || next.Call.Path != "/api/v1/clusters/web/actions?since=2026-01-31T11%3A59%3A57Z" {
		t.Errorf("then it asks %+v", next.Call)
	}
	again := actions()[:1]
	again[0].At = again[0].At.Add(-30 * time.Microsecond) // the API's times move a little
	m.Update(Answer{Call: *next.Call, Actions: again})
	if n := len(m.entries["web"]); n != 2 {
		t.Errorf("an action that comes twice makes %d entries", n)
	}
	m.Update(Answer{Call: *m.Update(state()).Call, Err: errors.New("broken off")})
	if m.Update(state()).Call == nil || m.notice.text != "" {
		t.Errorf("an error ends the asking, or is shown: %q", m.notice.text)
	}
}

func TestTheJournalHasTheLatestFirst(t *testing.T) {
	m := model(Options{})
	texts := func() (all []string) {
		for _, e := range m.visible() {
			all = append(all, fmt.Sprint(e.id))
		}
		return all
	}
	if got := strings.Join(texts(), " "); got != "7 5 4 2" {
		t.Errorf("entries %s; want the ejection, the latest judgement, the switch, the trial", got)
	}
	press(m, "h")
	if got := strings.Join(texts(), " "); got != "7 6 5 4 2 1" {
		t.Errorf("with what changed nothing: %s", got)
	}
	later := decision(4, 40*time.Second, decide.Switch, "least-request → expected-delay")
	later.Outcome = &decide.Outcome{Verdict: decide.Worse, Text: "measured +20 %"}
	m.Update(Journal{later})
	if got := strings.Join(texts(), " "); got != "7 6 5 4 2 1" || !strings.Contains(m.Frame(), "↳ measured +20 %") {
		t.Errorf("an outcome makes %s of\n%s", got, m.Frame())
	}
	restarted := decision(4, -time.Second, decide.Hold, "stays with p2c")
	m.Update(Journal{restarted})
	if got := strings.Join(texts(), " "); got != "4 7 6 5 4 2 1" {
		t.Errorf("a number of another run: %s", got)
	}
	for i := range 2 * mostEntries {
		m.Update(Journal{decision(uint64(100+i), -time.Duration(i)*time.Minute, decide.Hold, "stays")})
	}
	if n := len(m.entries["web"]); n != mostEntries {
		t.Errorf("%d entries are kept", n)
	}
}

func TestTrendsAreBoundedAndForgotten(t *testing.T) {
	m := New(Options{})
	for i := range 3 * trendKept {
		s := state()
		s.Now = noon.Add(time.Duration(i) * time.Second)
		m.Update(s)
		m.Update(s) // one that comes twice counts once
	}
	if len(m.trends) != 6 {
		t.Errorf("%d trends of 6 endpoints", len(m.trends))
	}
	for key, tr := range m.trends {
		if len(tr.points) != trendKept {
			t.Errorf("%q has %d points", key, len(tr.points))
		}
	}
	s := state()
	s.Now, s.Clusters = noon.Add(time.Hour), s.Clusters[1:]
	if m.Update(s); len(m.trends) != 1 {
		t.Errorf("%d trends of the one endpoint that is left", len(m.trends))
	}
}
