package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"poise/internal/cluster"
	"poise/internal/transport"
)

// The ways in which a document comes to be applied.
func reloadWays(t *testing.T) map[string]func(h *house, text string) {
	return map[string]func(h *house, text string){
		"a replaced file": func(h *house, text string) { h.replace(text) },
		"SIGHUP": func(h *house, text string) {
			h.write(text)
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Error(err)
			}
		},
		"poise reload": func(h *house, text string) {
			h.write(text)
			call(t, "POST", h.admin()+"/api/v1/reload", "")
		},
	}
}

func TestABadDocumentChangesNothingAndIsReported(t *testing.T) {
	for name, offer := range reloadWays(t) {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, document("random", four...))
			version := h.cluster("web").Version
			offer(h, document("fastest", four...))
			h.logged("configuration refused, nothing was changed", "poise.yaml:4:23: clusters[0].policy")
			if h.policy() != "random" || h.cluster("web").Version != version {
				t.Errorf("policy %s, version %d; want nothing changed", h.policy(), h.cluster("web").Version)
			}
			if s := h.Source(); !strings.Contains(s.Note, "the file says something else that is not in force") {
				t.Errorf("status: %q", s.Note)
			}
			if h.reloads.Refused == 0 || h.reloads.Applied != 1 {
				t.Errorf("counted %+v", h.reloads)
			}
			offer(h, document("p2c", four...))
			h.eventually("the mended file applies", func() bool { return h.policy() == "p2c" })
			if s := h.Source(); s.Note != "" {
				t.Errorf("status: %q", s.Note)
			}
		})
	}
}

func TestABadDocumentSentByAPIChangesNothing(t *testing.T) {
	h := newHouse(t, document("random", four...))
	before, tag := h.Document()
	problems, err := h.Apply([]byte("listeners: 7\n"), false)
	if len(problems) != 2 || err != nil {
		t.Errorf("problems %v, error %v", problems, err)
	}
	if h.log.count("configuration refused", "api:1:12: listeners") != 1 {
		t.Errorf("the log says\n%s", h.log)
	}
	if after, now := h.Document(); string(after) != string(before) || now != tag || h.Source().From != h.path {
		t.Errorf("document %s, from %s", after, h.Source().From)
	}
}

func TestADryRunCountsAndSaysNothing(t *testing.T) {
	h := newHouse(t, document("random", four...))
	if problems, err := h.Apply([]byte(document("fastest", four...)), true); len(problems) != 1 || err != nil {
		t.Errorf("problems %v, error %v", problems, err)
	}
	if problems, err := h.Apply([]byte(document("p2c", four...)), true); len(problems) != 0 || err != nil {
		t.Errorf("problems %v, error %v", problems, err)
	}
	if h.policy() != "random" || h.reloads.Refused != 0 || h.reloads.Applied != 1 || h.log.count("configuration") != 0 {
		t.Errorf("policy %s, counted %+v, log\n%s", h.policy(), h.reloads, h.log)
	}
}

func TestWhatTakesMuchAwayNeedsAnExplicitWord(t *testing.T) {
	two := strings.Replace(document("random", four...), "[{", "[{address: localhost:0}, {", 1)
	second := "- {name: other, endpoints: [127.0.0.1:7]}\n"
	routes := "routes: [{match: {path: /o}, cluster: other}, {cluster: web}]\n"
	for _, test := range []struct {
		name, before, after string
		reason              string // "" when the file alone may do it
	}{
		{"a listener", two, document("random", four...), "it removes the listener localhost:0"},
		{"three endpoints of four", document("random", four...), document("random", four[0]), "it removes 3 of the 4 endpoints of cluster web"},
		{"all endpoints but new ones", document("random", four...), document("random", "127.0.0.1:8", "127.0.0.1:9"), "it removes 4 of the 4 endpoints of cluster web"},
		{"a cluster", document("random", four...) + second + routes, document("random", four...), "it removes the cluster other"},
		{"two endpoints of four", document("random", four...), document("random", four[:2]...), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, test.before)
			h.replace(test.after)
			if test.reason == "" {
				h.eventually("applied", func() bool { return len(h.cluster("web").Members) == 2 })
				return
			}
			h.logged("the changed file was not applied; `poise reload` or SIGHUP will do it", test.reason)
			if text, tag := h.Document(); tag != tagOf([]byte(test.before)) {
				t.Errorf("in force is\n%s", text)
			}
			if !strings.Contains(h.Source().Note, "not in force") {
				t.Errorf("status: %q", h.Source().Note)
			}
			h.lookAtFile() // as the next poll would: the same text is not offered again
			if n := h.log.count("the changed file was not applied"); n != 1 {
				t.Errorf("said %d times", n)
			}
			if problems, err := h.Reload(); len(problems) > 0 || err != nil {
				t.Fatal(problems, err)
			}
			if text, tag := h.Document(); tag != tagOf([]byte(test.after)) || h.Source().Note != "" {
				t.Errorf("in force is\n%s\nstatus %q", text, h.Source().Note)
			}
		})
	}
}

func TestADocumentSentByAPIHoldsUntilTheFileChanges(t *testing.T) {
	h := newHouse(t, document("random", four...))
	if problems, err := h.Apply([]byte(document("p2c", four...)), false); len(problems) > 0 || err != nil {
		t.Fatal(problems, err)
	}
	h.replace(document("random", four...)) // the same text in another file is no change
	h.lookAtFile()
	if s := h.Source(); h.policy() != "p2c" || s.From != "api" || !strings.Contains(s.Note, "sent by API is in force until the file next changes") {
		t.Errorf("policy %s, source %+v", h.policy(), s)
	}
	h.replace(document("fastest", four...)) // a bad one changes nothing
	h.logged("configuration refused")
	if _, err := h.Reload(); err != nil {
		t.Error(err)
	}
	if s := h.Source(); h.policy() != "p2c" || s.From != "api" {
		t.Errorf("policy %s, source %+v: what the API sent is still in force", h.policy(), s)
	}
	h.replace(document("maglev, hash_key: ip", four...))
	h.eventually("the file applies", func() bool { return h.policy() == "maglev" })
	if s := h.Source(); s.From != h.path || s.Note != "" {
		t.Errorf("source %+v", s)
	}
}

func TestReloadPutsTheFileBackOverWhatTheAPISent(t *testing.T) {
	h := newHouse(t, document("random", four...))
	if _, err := h.Apply([]byte(document("p2c", four...)), false); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Reload(); err != nil || h.policy() != "random" || h.Source().From != h.path {
		t.Errorf("error %v, policy %s, from %s", err, h.policy(), h.Source().From)
	}
}

func TestWhatAnOperatorSaidSurvivesAReload(t *testing.T) {
	for name, offer := range reloadWays(t) {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, document("random", four...))
			say(t, h.named("web"))
			pinnedAt := h.cluster("web").PinnedAt
			offer(h, document("random, panic: 40%", append(four[:3:3], "127.0.0.1:9")...))
			h.eventually("applied", func() bool { return h.cluster("web").Members[3].Address == "127.0.0.1:9" })
			s := h.cluster("web")
			if s.Policy != "p2c" || !s.Pinned || !s.PinnedAt.Equal(pinnedAt) {
				t.Errorf("policy %s, pinned %v", s.Policy, s.Pinned)
			}
			if s.States[0].Word != "drain" || s.States[1].Word != "disabled" {
				t.Errorf("states %+v", s.States)
			}
			offer(h, document("maglev, hash_key: ip", four[1:]...)) // these very keys
			h.eventually("applied", func() bool { return h.policy() == "maglev" })
			if s := h.cluster("web"); s.Pinned || s.States[0].Word != "disabled" {
				t.Errorf("pinned %v, states %+v; want the pin gone and the word on the endpoint that stayed kept", s.Pinned, s.States)
			}
		})
	}
}

// say pins p2c, drains the first endpoint and disables the second.
func say(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, err := range []error{
		c.Pin("p2c"), c.SetOperator(four[0], cluster.Drain), c.SetOperator(four[1], cluster.Disable),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatOnlyARestartChangesIsSaidAtTheReload(t *testing.T) {
	for _, test := range []struct{ name, section, want string }{
		{"admin", "admin: {address: 127.0.0.1:0, names: [poise.internal]}", "sections=admin"},
		{"telemetry", "admin: {address: 127.0.0.1:0}\ntelemetry: {access_log: {}}", "sections=telemetry"},
		{"state", "admin: {address: 127.0.0.1:0}\nstate: {dir: /nowhere}", "sections=state"},
		{"several", "admin: {address: 127.0.0.1:0, names: [a.b]}\nnode: {name: n}", `sections="admin, node"`},
		{"nothing", "admin: {address: 127.0.0.1:0}", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, document("random", four...))
			h.write(strings.Replace(document("p2c", four...), "admin: {address: 127.0.0.1:0}", test.section, 1))
			if problems, err := h.Reload(); len(problems) > 0 || err != nil {
				t.Fatal(problems, err)
			}
			if h.policy() != "p2c" {
				t.Error("the rest of it does not wait")
			}
			said := h.log.count("some changes take effect when poise is started again", test.want)
			if want := min(len(test.want), 1); said != want {
				t.Errorf("said %d times, want %d; the log says\n%s", said, want, h.log)
			}
		})
	}
}

func TestAListenersLimitsWaitForARestart(t *testing.T) {
	h := newHouse(t, document("random", four...))
	h.write(strings.Replace(document("random", four...), "0}]", "0, limits: {fields: 5}}]", 1))
	if problems, err := h.Reload(); len(problems) > 0 || err != nil {
		t.Fatal(problems, err)
	}
	if h.log.count("changes to a listener take effect when poise is started again", "listener=127.0.0.1:0") != 1 {
		t.Errorf("the log says\n%s", h.log)
	}
}

func TestListenersComeAndGo(t *testing.T) {
	address := endpoint(t, "a")
	h := newHouse(t, document("random", address))
	first := h.front(0)
	two := strings.Replace(document("random", address), "[{", "[{address: localhost:0}, {", 1)
	h.replace(two)
	h.eventually("a second listener", func() bool { return len(*h.listeners.Load()) == 2 })
	if status, text := call(t, "GET", "http://"+h.front(0), ""); status != 200 || text != "a" {
		t.Errorf("the new one: %d %q", status, text)
	}
	if h.front(1) != first {
		t.Error("the old one was bound anew")
	}
	h.write(strings.Replace(two, ", {address: 127.0.0.1:0}", "", 1))
	if problems, err := h.Reload(); len(problems) > 0 || err != nil {
		t.Fatal(problems, err)
	}
	h.eventually("the old one is closed", func() bool {
		c, err := net.Dial("tcp", first)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	if status, _ := call(t, "GET", "http://"+h.front(0), ""); status != 200 {
		t.Errorf("the other one: %d", status)
	}
}

func TestAnAddressThatCannotBeBoundChangesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	h := newHouse(t, document("random", four...))
	next := document("p2c", four...) + "- {name: other, endpoints: [127.0.0.1:7], health: {}}\nroutes: [{cluster: web}]\n"
	h.write(strings.Replace(next, "[{", "[{address: localhost:0}, {address: "+taken.Addr().String()+"}, {", 1))
	if _, err := h.Reload(); err == nil || !strings.Contains(err.Error(), "another process already does") {
		t.Errorf("error %v", err)
	}
	if h.policy() != "random" || len(h.Clusters()) != 1 || len(*h.listeners.Load()) != 1 {
		t.Errorf("policy %s, %d clusters, %d listeners", h.policy(), len(h.Clusters()), len(*h.listeners.Load()))
	}
}

func TestAPortThatPoiseItselfHoldsIsNotCalledAnotherProcess(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	at := func(address string) string {
		return strings.Replace(document("random", four...), "address: 127.0.0.1:0", "address: "+address, 1)
	}
	h := newHouse(t, at("127.0.0.1:"+port))
	h.write(at(`":` + port + `"`))
	_, err = h.Reload()
	if err == nil || !strings.Contains(err.Error(), "the listener 127.0.0.1:"+port+" of this poise holds the port") {
		t.Errorf("error %v", err)
	}
}

func TestAnEndpointThatComesLaterGetsTheOptionsOfNow(t *testing.T) {
	const clients = 4
	var meet sync.WaitGroup
	meet.Add(clients)
	var once sync.Map
	slow := endpointOf(t, func(w http.ResponseWriter, r *http.Request) {
		if _, seen := once.LoadOrStore(r.URL.Path, true); !seen {
			meet.Done()
		}
		meet.Wait() // so that they need a connection each
		_, _ = io.WriteString(w, "ok")
	})
	idle := "random, connections: {idle: 1}"
	h := newHouse(t, document("random", four[0]))
	for _, text := range []string{document(idle, four[0]), document(idle, four[0], slow), document(idle, slow)} {
		h.write(text)
		if problems, err := h.Reload(); len(problems) > 0 || err != nil {
			t.Fatal(problems, err)
		}
	}
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			if status, _ := call(t, "GET", fmt.Sprintf("http://%s/%d", h.front(0), i), ""); status != 200 {
				t.Errorf("status %d", status)
			}
		})
	}
	all.Wait()
	pool := h.cluster("web").Members[0].Transport.(*transport.Pool)
	h.eventually("all are back", func() bool { return pool.Open() == pool.Idle() })
	if n := pool.Idle(); n != 1 {
		t.Errorf("%d connections wait; the file allows 1", n)
	}
}

func TestChecksComeAndGoWithTheFile(t *testing.T) {
	sick := endpointOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	h := newHouse(t, document("random", sick, four[0]))
	checked := "random, health: {path: /, fall: 1, interval: 100ms}"
	h.replace(document(checked, sick, four[0]))
	h.logged("state", "endpoint="+sick, "to=unhealthy", `reason="status 500"`)
	h.replace(document("random", sick, four[0]))
	h.logged("state", "endpoint="+sick, "to=healthy", "not checked any more")
	for _, s := range h.cluster("web").States {
		if s.Word != "healthy" {
			t.Errorf("state %+v", s)
		}
	}
}

func TestWithoutAFileThereIsNothingToReload(t *testing.T) {
	h := newHouse(t, document("random", four...))
	h.stop()
	a, err := h.build()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.closeAll() }()
	a.options.Path = ""
	if _, err := a.Reload(); err == nil || !strings.Contains(err.Error(), "was started with flags and has no file to reload") {
		t.Errorf("error %v", err)
	}
}

func TestTheAPISpeaksOfWhatIsInForce(t *testing.T) {
	h := newHouse(t, document("random", four...))
	_, text := call(t, "GET", h.admin()+"/api/v1/clusters", "")
	var status struct {
		Clusters []struct {
			Policy    string
			Endpoints []struct{ State string }
		}
		Configuration struct{ From, Note string }
	}
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatal(err)
	}
	if len(status.Clusters) != 1 || status.Clusters[0].Policy != "random" || len(status.Clusters[0].Endpoints) != 4 || status.Configuration.From != h.path {
		t.Errorf("%+v", status)
	}
}
