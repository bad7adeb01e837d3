package admin

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"poise/internal/cluster"
	"poise/internal/lb"
)

// aCase is a call whose answer is held against openapi.yaml.
type aCase struct {
	call    string // method and path of the document
	target  string // path and query; "" means the path, filled in
	body    string
	headers []string
	before  func(*rig)
	socket  bool
	status  int
}

const (
	onePolicy  = "PUT /api/v1/clusters/{cluster}/policy"
	oneState   = "PUT /api/v1/clusters/{cluster}/endpoints/{address}/state"
	explained  = "GET /api/v1/clusters/{cluster}/explain"
	oneEngine  = "PUT /api/v1/clusters/{cluster}/engine"
	allEngines = "PUT /api/v1/engine"
	asked      = "POST /api/v1/clusters/{cluster}/whatif"
	journal    = "GET /api/v1/decisions"
	acted      = "GET /api/v1/clusters/{cluster}/actions"
	recorded   = "GET /api/v1/clusters/{cluster}/record"
	newConfig  = "POST /api/v1/config"
	profiled   = "GET /debug/pprof/{profile}"
	asJSON     = "Content-Type: application/json"
)

func busy(r *rig) {
	r.balancer.clusters[0].SetHealth("127.0.0.1:9001", false, "connection refused")
	_ = r.balancer.clusters[0].SetOperator("127.0.0.1:9002", cluster.Drain)
	_ = r.balancer.clusters[1].SetOperator("127.0.0.1:9002", cluster.Disable)
	_ = r.balancer.clusters[0].Pin("adaptive")
	r.balancer.clusters[0].Choose("p2c", 0.1, "endpoints differ")
	r.balancer.clusters[1].SetMode(cluster.Advise)
	r.balancer.clusters[0].Snapshot().Members[0].Live.SetLearnt(lb.Learnt{Service: time.Millisecond, Capacity: 4})
}

func refuses(r *rig) { r.config.fails = errInjected }

func full(r *rig) {
	for range streamListeners {
		_, _ = r.stream.join(0)
	}
}

var cases = []aCase{
	{call: "GET /", status: 501},
	{call: "GET /healthz", status: 200},
	{call: "GET /readyz", status: 200},
	{call: "GET /readyz", target: "/readyz?cluster=web", status: 200},
	{call: "GET /readyz", target: "/readyz?cluster=none", status: 404},
	{call: "GET /readyz", before: func(r *rig) { r.balancer.ready = errors.New("draining") }, status: 503},
	{call: "GET /metrics", status: 200},
	{call: "GET /metrics", headers: []string{"Accept: application/openmetrics-text"}, status: 200},
	{call: "GET /api/v1/version", status: 200},
	{call: "GET /api/v1/clusters", status: 200},
	{call: "GET /api/v1/clusters", before: busy, status: 200},
	{call: "GET /api/v1/clusters", before: func(r *rig) { r.balancer.clusters = nil }, status: 200},
	{call: "GET /api/v1/clusters/{cluster}", status: 200},
	{call: "GET /api/v1/clusters/{cluster}", before: busy, status: 200},
	{call: "GET /api/v1/clusters/{cluster}", target: "/api/v1/clusters/none", status: 404},
	{call: onePolicy, body: `{"policy":"p2c"}`, status: 200},
	{call: onePolicy, body: `{"policy":"adaptive"}`, status: 200},
	{call: onePolicy, body: `{"policy":1}`, status: 400},
	{call: onePolicy, body: `{"policy":"p2c","for":"1h"}`, status: 400},
	{call: onePolicy, body: `{"policy":"p2c"}`, target: "/api/v1/clusters/none/policy", status: 404},
	{call: onePolicy, body: `{"policy":"` + strings.Repeat("x", mostJSON) + `"}`, status: 413},
	{call: onePolicy, body: "policy=p2c", status: 415},
	{call: onePolicy, body: `{"policy":"best"}`, status: 422},
	{call: onePolicy, body: `{}`, status: 422},
	{call: oneEngine, body: `{"mode":"auto"}`, status: 200},
	{call: oneEngine, body: `{"mode":"freeze"}`, status: 200},
	{call: oneEngine, body: `{"modus":"freeze"}`, status: 400},
	{call: oneEngine, body: `{"mode":"auto"}`, target: "/api/v1/clusters/none/engine", status: 404},
	{call: oneEngine, body: `{"mode":"` + strings.Repeat("x", mostJSON) + `"}`, status: 413},
	{call: oneEngine, body: "mode=auto", status: 415},
	{call: oneEngine, body: `{"mode":"off"}`, status: 422},
	{call: oneState, body: `{"state":"drain"}`, status: 200},
	{call: oneState, body: `{"state":"disable"}`, status: 200},
	{call: oneState, body: `{"state":"enable"}`, status: 200},
	{call: oneState, body: `["drain"]`, headers: []string{asJSON}, status: 400},
	{call: oneState, body: `{"state":"drain"}`, target: "/api/v1/clusters/web/endpoints/127.0.0.1:1/state", status: 404},
	{call: oneState, body: `{"state":"` + strings.Repeat("x", mostJSON) + `"}`, status: 413},
	{call: oneState, status: 415},
	{call: oneState, body: `{"state":"off"}`, status: 422},
	{call: explained, status: 200},
	{call: explained, before: busy, status: 200},
	{call: explained, target: "/api/v1/clusters/users/explain?key=ann", status: 200},
	{call: explained, target: "/api/v1/clusters/users/explain?key=", before: busy, status: 200},
	{call: explained, target: "/api/v1/clusters/web/explain?kye=ann", status: 400},
	{call: explained, target: "/api/v1/clusters/none/explain", status: 404},
	{call: acted, status: 200},
	{call: acted, target: "/api/v1/clusters/users/actions?since=2026-01-31T12:00:00Z&limit=1", status: 200},
	{call: acted, target: "/api/v1/clusters/web/actions?limit=many", status: 400},
	{call: acted, target: "/api/v1/clusters/none/actions", status: 404},
	{call: asked, body: `{}`, status: 200},
	{call: asked, body: `{"load":"+50%","without":["127.0.0.1:9001"],"add":["2xlike:127.0.0.1:9002"],"slow":["2x:127.0.0.1:9002"],"policy":"least-connections"}`, status: 200},
	{call: asked, body: `{"loud":"+50%"}`, status: 400},
	{call: asked, body: `{}`, target: "/api/v1/clusters/none/whatif", status: 404},
	{call: asked, body: `{}`, target: "/api/v1/clusters/users/whatif", status: 409},
	{call: asked, body: `{"load":"` + strings.Repeat("x", mostJSON) + `"}`, status: 413},
	{call: asked, status: 415},
	{call: asked, body: `{"load":"50"}`, status: 422},
	{call: asked, body: `{"policy":"best"}`, status: 422},
	{call: asked, body: `{"without":["127.0.0.1:1"]}`, status: 404},
	{call: asked, body: `{"load":"2x"}`, status: 503},
	{call: recorded, status: 200},
	{call: recorded, target: "/api/v1/clusters/web/record?for=2h", status: 400},
	{call: recorded, target: "/api/v1/clusters/none/record", status: 404},
	{call: recorded, target: "/api/v1/clusters/users/record", status: 409},
	{call: allEngines, body: `{"mode":"freeze"}`, status: 200},
	{call: allEngines, body: `["freeze"]`, headers: []string{asJSON}, status: 400},
	{call: allEngines, body: `{"mode":"` + strings.Repeat("x", mostJSON) + `"}`, status: 413},
	{call: allEngines, body: "mode=auto", status: 415},
	{call: allEngines, body: `{}`, status: 422},
	{call: journal, status: 200},
	{call: journal, target: "/api/v1/decisions?cluster=web&since=2026-01-31T12:00:00Z&after=0&limit=1", status: 200},
	{call: journal, target: "/api/v1/decisions?since=10m", status: 200},
	{call: journal, target: "/api/v1/decisions?since=yesterday", status: 400},
	{call: journal, target: "/api/v1/decisions?limit=0", status: 400},
	{call: journal, target: "/api/v1/decisions?after=-1", status: 400},
	{call: journal, target: "/api/v1/decisions?cluster=none", status: 400},
	{call: journal, target: "/api/v1/decisions?from=10m", status: 400},
	{call: "GET /api/v1/decisions/{id}", status: 200},
	{call: "GET /api/v1/decisions/{id}", target: "/api/v1/decisions/2", status: 200},
	{call: "GET /api/v1/decisions/{id}", target: "/api/v1/decisions/first", status: 400},
	{call: "GET /api/v1/decisions/{id}", target: "/api/v1/decisions/77", status: 404},
	{call: "GET /api/v1/config", status: 200},
	{call: newConfig, socket: true, body: changed, status: 204},
	{call: newConfig, socket: true, body: changed, target: "/api/v1/config?dry_run=true", headers: []string{"If-Match: *"}, status: 204},
	{call: newConfig, socket: true, body: changed, target: "/api/v1/config?dry_run=perhaps", status: 400},
	{call: newConfig, socket: true, body: changed, before: refuses, status: 409},
	{call: newConfig, socket: true, body: changed, headers: []string{`If-Match: "old"`}, status: 412},
	{call: newConfig, socket: true, body: strings.Repeat("#", 5<<20), status: 413},
	{call: newConfig, socket: true, body: "clusters: 5", status: 422},
	{call: "POST /api/v1/reload", status: 204},
	{call: "POST /api/v1/reload", before: refuses, status: 409},
	{call: "POST /api/v1/reload", before: func(r *rig) { r.config.file = "clusters: 5" }, status: 422},
	{call: "GET /api/v1/stream", status: 200},
	{call: "GET /api/v1/stream", before: full, status: 503},
	{call: "GET /debug/pprof/", socket: true, status: 200},
	{call: profiled, socket: true, status: 200},
	{call: profiled, socket: true, target: "/debug/pprof/goroutine?debug=1", status: 200},
	{call: profiled, socket: true, target: "/debug/pprof/none", status: 404},
}

// fill puts a name into every brace of a path.
var fill = strings.NewReplacer("{cluster}", "web", "{address}", "127.0.0.1:9001", "{id}", "1", "{profile}", "goroutine")

// documented checks answers and keeps which of the document they covered.
type documented struct {
	*openAPI
	operations map[string]*operation
	covered    map[string]bool // call, status and type
	inlined    int
}

// metrics are real ones, so that Accept is heeded.
func metrics(o *Options) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewBuildInfoCollector())
	o.Metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

func TestAnswersAreAsDocumented(t *testing.T) {
	d := &documented{openAPI: loadOpenAPI(t), covered: map[string]bool{}}
	d.operations = d.openAPI.operations(t)
	for _, c := range cases {
		r := newRig(metrics)
		if c.before != nil {
			c.before(r)
		}
		d.check(t, &c, r.Handler(c.socket))
	}
	for _, call := range newRig().calls() {
		name := call.method + " " + strings.TrimSuffix(call.path, "{$}")
		d.check(t, &aCase{call: name, headers: []string{"Host: evil.example"}, status: 421}, newRig().Handler(false))
		if call.need != open {
			d.check(t, &aCase{call: name, status: 401}, newRig(withToken).Handler(false))
		}
		if call.method != "GET" {
			d.check(t, &aCase{call: name, headers: []string{"Origin: http://evil.example"}, status: 403}, newRig().Handler(false))
		}
		if call.need == owning {
			d.check(t, &aCase{call: name, status: 403}, newRig().Handler(false))
		}
	}
	d.checkCovered(t)
}

func (d *documented) check(t *testing.T, c *aCase, h http.Handler) {
	t.Helper()
	o := d.operations[c.call]
	if o == nil {
		t.Errorf("openapi.yaml has no %s", c.call)
		return
	}
	w := c.ask(h, o)
	what := o.String() + " " + c.target + " " + strconv.Itoa(w.Code)
	if w.Code != c.status {
		t.Errorf("%s: %s; want %d", what, w.Body, c.status)
	}
	responses := d.at(t, o.spec, "responses")
	status := strconv.Itoa(w.Code)
	if responses[status] == nil {
		t.Errorf("%s is not in openapi.yaml", what)
		return
	}
	answer := d.at(t, responses, status)
	d.checkHeaders(t, what, answer, w.Header())
	media, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	d.covered[o.String()+" "+status+" "+media] = true
	content, _ := answer["content"].(map[string]any)
	if content[media] == nil {
		if len(content) > 0 || w.Body.Len() > 0 {
			t.Errorf("%s: a body of type %q is not in openapi.yaml", what, media)
		}
		return
	}
	d.checkBody(t, what, content[media].(map[string]any)["schema"], w)
	if s := d.body(t, o); s != nil && strings.HasPrefix(c.body, "{") && (w.Code == 200 || w.Code == 400 || w.Code == 422) {
		if valid := validJSON(s, c.body) == nil; valid != (w.Code == 200) {
			t.Errorf("%s: the body %s is valid by openapi.yaml: %t", what, c.body, valid)
		}
	}
}

func (c *aCase) ask(h http.Handler, o *operation) *httptest.ResponseRecorder {
	target := c.target
	if target == "" {
		target = fill.Replace(o.path)
	}
	if !strings.HasSuffix(o.path, "/stream") {
		return ask(h, o.method, target, c.body, c.headers...)
	}
	// A listener that has left already gets the head and the first line.
	return ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gone, leave := context.WithCancel(r.Context())
		leave()
		h.ServeHTTP(w, r.WithContext(gone))
	}), o.method, target, c.body, c.headers...)
}

func (d *documented) checkHeaders(t *testing.T, what string, answer map[string]any, got http.Header) {
	t.Helper()
	headers, _ := answer["headers"].(map[string]any)
	for name := range headers {
		spec := d.at(t, headers, name)
		if required, _ := spec["required"].(bool); !required {
			t.Errorf("%s: %s is not required by openapi.yaml, so nothing checks it", what, name)
		}
		values := got.Values(name)
		if len(values) != 1 {
			t.Errorf("%s: %s is %q", what, name, values)
			continue
		}
		schema := d.at(t, spec, "schema")
		if err := d.inline(t, schema).Validate(typed(schema, values[0])); err != nil {
			t.Errorf("%s: %s: %v", what, name, err)
		}
	}
}

func typed(schema map[string]any, text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil && schema["type"] == "integer" {
		return n
	}
	return text
}

func (d *documented) checkBody(t *testing.T, what string, schema any, w *httptest.ResponseRecorder) {
	t.Helper()
	s := d.inline(t, schema)
	if !strings.HasSuffix(strings.Split(w.Header().Get("Content-Type"), ";")[0], "json") {
		if w.Body.Len() == 0 || s.Validate(w.Body.String()) != nil {
			t.Errorf("%s: body %q", what, w.Body)
		}
		return
	}
	if err := validJSON(s, w.Body.String()); err != nil {
		t.Errorf("%s: %s: %v", what, w.Body, err)
	}
}

// inline compiles a schema that stands somewhere in the document.
func (d *documented) inline(t *testing.T, schema any) *jsonschema.Schema {
	t.Helper()
	if ref, ok := schema.(map[string]any)["$ref"].(string); ok {
		return d.schema(t, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	name := "inline-" + strconv.Itoa(d.inlined) + ".json"
	d.inlined++
	if err := d.compiler.AddResource(name, schema); err != nil {
		t.Fatal(err)
	}
	s, err := d.compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkCovered fails for an answer of the document that no case had.
func (d *documented) checkCovered(t *testing.T) {
	t.Helper()
	for name, o := range d.operations {
		responses := d.at(t, o.spec, "responses")
		for status := range responses {
			content, _ := d.at(t, responses, status)["content"].(map[string]any)
			if content == nil {
				content = map[string]any{"": nil}
			}
			for media := range content {
				if !d.covered[name+" "+status+" "+media] {
					t.Errorf("openapi.yaml has %s %s %s, and no case has it", name, status, media)
				}
			}
		}
	}
}
