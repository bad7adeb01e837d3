package admin

import (
	"strings"
	"testing"
)

func TestHostThatACallMayName(t *testing.T) {
	r := newRig(func(o *Options) { o.Names = []string{"poise.internal", "10.1.2.3"} })
	for _, tt := range []struct {
		name, host string
		refused    bool
	}{
		{"loopback with the port", "127.0.0.1:9900", false},
		{"loopback without a port", "127.0.0.1", false},
		{"another address of the loopback network", "127.8.8.8:9900", false},
		{"IPv6 loopback with the port", "[::1]:9900", false},
		{"IPv6 loopback without a port", "[::1]", false},
		{"IPv4 loopback written as IPv6", "[::ffff:127.0.0.1]:9900", false},
		{"localhost", "localhost:9900", false},
		{"localhost in capitals", "LocalHost", false},
		{"a name of admin.names", "poise.internal:9900", false},
		{"a name of admin.names in capitals and without a port", "POISE.internal", false},
		{"an address of admin.names", "10.1.2.3:9900", false},
		{"a foreign name that may resolve to loopback", "evil.example:9900", true},
		{"a name below localhost", "evil.localhost:9900", true},
		{"a name that begins like loopback", "127.0.0.1.evil.example", true},
		{"a name that ends like one of admin.names", "evil-poise.internal", true},
		{"an address of this machine that nobody named", "10.1.2.4:9900", true},
		{"every address", "0.0.0.0:9900", true},
		{"a decimal form of loopback", "2130706433", true},
		{"nothing", "", true},
		{"a port alone", ":9900", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"/healthz", "/api/v1/clusters", "/nothing"} {
				w := r.ask("GET", path, "", "Host: "+tt.host)
				if got := w.Code == 421; got != tt.refused {
					t.Errorf("GET %s with the Host %q: status %d; refused is to be %t", path, tt.host, w.Code, tt.refused)
				}
				if tt.refused && !strings.Contains(problemOf(t, w).Detail, "admin.names") {
					t.Errorf("the problem does not say what to do: %s", w.Body)
				}
			}
		})
	}
}

func TestMutationsCheckWhereAPageIsFrom(t *testing.T) {
	r := newRig(func(o *Options) { o.Names = []string{"poise.internal"} })
	const policy = "/api/v1/clusters/web/policy"
	for _, tt := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"no browser", nil, false},
		{"a page of the API itself", []string{"Origin: http://127.0.0.1:9900"}, false},
		{"a page of the API itself, says the browser", []string{"Sec-Fetch-Site: same-origin"}, false},
		{"what was typed into the address bar", []string{"Sec-Fetch-Site: none"}, false},
		{"a page of another site", []string{"Origin: http://evil.example"}, true},
		{"a page of another site, says the browser", []string{"Sec-Fetch-Site: cross-site"}, true},
		{"a page of another port of this machine", []string{"Origin: http://127.0.0.1:3000"}, true},
		{"a page of a neighbouring site", []string{"Sec-Fetch-Site: same-site"}, true},
		{"a sandboxed page", []string{"Origin: null"}, true},
		{"a page of an allowed name that is not the one called", []string{"Origin: http://poise.internal:9900"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, method := range []string{"PUT", "POST", "DELETE"} {
				w := r.ask(method, policy, `{"policy":"random"}`, tt.headers...)
				if got := w.Code == 403; got != tt.refused {
					t.Errorf("%s: status %d; refused is to be %t", method, w.Code, tt.refused)
				}
				if tt.refused {
					problemOf(t, w)
				}
			}
			if w := r.ask("GET", "/api/v1/clusters", "", tt.headers...); w.Code != 200 {
				t.Errorf("GET: status %d; reading changes nothing, and a browser keeps the answer from the page", w.Code)
			}
		})
	}
}

func TestRefusedMutationChangesNothing(t *testing.T) {
	r := newRig()
	r.ask("PUT", "/api/v1/clusters/web/policy", `{"policy":"random"}`, "Origin: http://evil.example")
	r.ask("PUT", "/api/v1/clusters/web/policy", `{"policy":"random"}`, "Host: evil.example")
	if s := r.balancer.clusters[0].Snapshot(); s.Pinned {
		t.Errorf("the policy was pinned to %s", s.Policy)
	}
}

// Every call stands here with what it needs, so that one that is added is
// thought about.
func TestWhatEachCallNeeds(t *testing.T) {
	const nothing, usually, always = "nothing", "the token, where there is one", "the token or the socket"
	needs := map[string]string{
		"GET /":                                 usually,
		"GET /healthz":                          nothing,
		"GET /readyz":                           nothing,
		"GET /metrics":                          usually,
		"GET /api/v1/version":                   usually,
		"GET /api/v1/clusters":                  usually,
		"GET /api/v1/clusters/{cluster}":        usually,
		"PUT /api/v1/clusters/{cluster}/policy": usually,
		"PUT /api/v1/clusters/{cluster}/engine": usually,
		"PUT /api/v1/clusters/{cluster}/endpoints/{address}/state": usually,
		"GET /api/v1/clusters/{cluster}/explain":                   usually,
		"GET /api/v1/clusters/{cluster}/record":                    usually,
		"GET /api/v1/clusters/{cluster}/actions":                   usually,
		"POST /api/v1/clusters/{cluster}/whatif":                   usually,
		"PUT /api/v1/engine":                                       usually,
		"GET /api/v1/decisions":                                    usually,
		"GET /api/v1/decisions/{id}":                               usually,
		"GET /api/v1/config":                                       usually,
		"POST /api/v1/config":                                      always,
		"POST /api/v1/reload":                                      usually,
		"GET /api/v1/stream":                                       usually,
		"GET /debug/pprof/":                                        always,
		"GET /debug/pprof/{profile}":                               always,
	}
	// Both streams have ended, so that their calls return.
	without, with := newRig(), newRig(withToken)
	without.stream.close()
	with.stream.close()
	for _, c := range without.calls() {
		name := c.method + " " + strings.TrimSuffix(c.path, "{$}")
		need, known := needs[name]
		if !known {
			t.Errorf("%s: say here what it needs", name)
			continue
		}
		delete(needs, name)
		path := fill.Replace(strings.TrimSuffix(c.path, "{$}"))
		refused := func(code int) bool { return code == 401 || code == 403 }
		for _, tt := range []struct {
			name    string
			code    int
			refused bool
		}{
			{"no token configured", without.ask(c.method, path, "").Code, need == always},
			{"no token configured, one sent", without.ask(c.method, path, "", "Authorization: Bearer "+token).Code, need == always},
			{"no token sent", with.ask(c.method, path, "").Code, need != nothing},
			{"a wrong token sent", with.ask(c.method, path, "", "Authorization: Bearer "+token+"x").Code, need != nothing},
			{"the token sent by another scheme", with.ask(c.method, path, "", "Authorization: Basic "+token).Code, need != nothing},
			{"the token sent", with.ask(c.method, path, "", "Authorization: Bearer "+token).Code, false},
			{"the token sent, the scheme in small letters", with.ask(c.method, path, "", "Authorization: bearer "+token).Code, false},
			{"over the socket", ask(with.Handler(true), c.method, path, "").Code, false},
			{"over the socket, no token configured", ask(without.Handler(true), c.method, path, "").Code, false},
		} {
			if refused(tt.code) != tt.refused {
				t.Errorf("%s, %s: status %d; refused is to be %t", name, tt.name, tt.code, tt.refused)
			}
		}
	}
	for name := range needs {
		t.Errorf("there is no call %s any more", name)
	}
}

func TestWhatIsUnknownTellsNobodyWithoutTheToken(t *testing.T) {
	r := newRig(withToken)
	if w := r.ask("GET", "/nothing", ""); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("status %d, WWW-Authenticate %q", w.Code, w.Header().Get("WWW-Authenticate"))
	}
}

func TestProbesAnswerThreeCallsToAnybody(t *testing.T) {
	h := newRig(withToken).Probes()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if w := ask(h, "GET", path, "", "Host: 10.0.0.7:9901"); w.Code != 200 {
			t.Errorf("GET %s: status %d", path, w.Code)
		}
	}
	for _, c := range newRig().calls() {
		path := strings.TrimSuffix(c.path, "{$}")
		if path == "/healthz" || path == "/readyz" || path == "/metrics" {
			continue
		}
		w := ask(h, c.method, path, "", "Authorization: Bearer "+token)
		if w.Code != 404 {
			t.Errorf("%s %s: status %d", c.method, path, w.Code)
		}
		problemOf(t, w)
	}
}
