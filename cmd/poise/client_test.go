package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// talkedTo is an API that notes what it was sent.
type talkedTo struct {
	method, uri, host, token, body string
	status                         int
	kind, answer                   string
}

func (a *talkedTo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	a.method, a.uri, a.host, a.token, a.body = r.Method, r.URL.RequestURI(), r.Host, r.Header.Get("Authorization"), string(b)
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.answer)
}

func talk(t *testing.T, status int, kind, answer string) (api *talkedTo, address string) {
	t.Helper()
	api = &talkedTo{status: status, kind: kind, answer: answer}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return api, server.Listener.Addr().String()
}

func TestCommandsSpeakToTheAPI(t *testing.T) {
	const cluster = `{"name":"web","policy":"p2c","configured":"p2c","endpoints":[{"address":"[::1]:9001","state":"drain","inflight":3}]}`
	for _, tt := range []struct {
		name, line string
		status     int
		answer     string
		sent       string
		prints     string
	}{
		{"a policy is shown", "policy web", 200, cluster, "GET /api/v1/clusters/web ", "web: p2c (as configured)\n"},
		{"a policy is pinned", "policy web p2c", 200, cluster, `PUT /api/v1/clusters/web/policy {"policy":"p2c"}`, "web: p2c (as configured)\n"},
		{"an endpoint is enabled", "endpoint web [::1]:9001 enable", 200, cluster, `PUT /api/v1/clusters/web/endpoints/%5B::1%5D:9001/state {"state":"enable"}`, "web [::1]:9001: drain, 3 in flight\n"},
		{"the file is applied", "reload", 204, "", "POST /api/v1/reload ", "the file is in force\n"},
		{"the process is probed", "healthz", 200, "ok\n", "GET /healthz ", "ok\n"},
		{"readiness is probed", "healthz --ready", 200, "ready\n", "GET /readyz ", "ready\n"},
		{"a cluster is probed", "healthz --cluster a&b", 200, "ready\n", "GET /readyz?cluster=a%26b ", "ready\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, address := talk(t, tt.status, "application/json", tt.answer)
			stdout, _, err := command(t, append(strings.Fields(tt.line), "--admin", address)...)
			if sent := api.method + " " + api.uri + " " + api.body; err != nil || sent != tt.sent || stdout != tt.prints {
				t.Errorf("sent %q, printed %q, %v; want %q and %q", sent, stdout, err, tt.sent, tt.prints)
			}
		})
	}
}

func TestRefusalsAreTold(t *testing.T) {
	for _, tt := range []struct {
		name         string
		status       int
		kind, answer string
		says         string
	}{
		{"what the API says", 404, "application/problem+json", `{"detail":"there is no cluster wbe (did you mean web?)"}`, "there is no cluster wbe (did you mean web?)"},
		{"every problem of a document", 422, "application/problem+json", `{"detail":"2 problems","errors":[{"detail":"a:1:1: one"},{"detail":"a:2:1: two"}]}`, "2 problems\na:1:1: one\na:2:1: two"},
		{"how to give a token", 401, "application/problem+json", `{"detail":"send the token"}`, "POISE_TOKEN"},
		{"that something else answers with an error", 500, "text/html", "<h1>no</h1>", "is not the API of poise"},
		{"that something else answers", 200, "text/html", "<h1>welcome</h1>", "is not the API of poise"},
		{"that an answer is of another API", 400, "application/json", `{"message":"no"}`, "is not the API of poise"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, address := talk(t, tt.status, tt.kind, tt.answer)
			_, _, err := command(t, "policy", "web", "--admin", address)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v; want %q", err, tt.says)
			}
		})
	}
}

func TestHealthzFailsWhereTheAnswerIsNo(t *testing.T) {
	for _, tt := range []struct {
		name         string
		status       int
		kind, answer string
		says         string
	}{
		{"draining", 503, "text/plain", "draining\n", "draining"},
		{"a cluster that is none", 404, "application/problem+json", `{"detail":"there is no cluster wbe"}`, "there is no cluster wbe"},
		{"another server", 404, "text/plain", "404 page not found", "is not the API of poise"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, address := talk(t, tt.status, tt.kind, tt.answer)
			stdout, _, err := command(t, "healthz", "--cluster", "wbe", "--admin", address)
			if err == nil || !strings.Contains(err.Error(), tt.says) || stdout != "" {
				t.Errorf("printed %q, error %v; want %q", stdout, err, tt.says)
			}
		})
	}
}

func TestTokenComesFromTheFlagOrTheEnvironment(t *testing.T) {
	api, address := talk(t, 204, "", "")
	for _, tt := range []struct{ name, environment, flag, want string }{
		{"neither", "", "", ""},
		{"the environment", "from-the-environment", "", "Bearer from-the-environment"},
		{"the flag goes first", "from-the-environment", "from-the-flag", "Bearer from-the-flag"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(tokenVariable, tt.environment)
			if _, _, err := command(t, "reload", "--admin", address, "--token", tt.flag); err != nil || api.token != tt.want {
				t.Errorf("sent %q, %v; want %q", api.token, err, tt.want)
			}
			if help, _, err := command(t, "reload", "--help"); err != nil || strings.Contains(help, "from-the-environment") {
				t.Errorf("the help tells the token: %v\n%s", err, help)
			}
		})
	}
}

func TestAdminAddressMayBeWrittenInManyWays(t *testing.T) {
	api, address := talk(t, 204, "", "")
	_, port, _ := net.SplitHostPort(address)
	dir := t.TempDir()
	t.Chdir(dir)
	ln, err := net.Listen("unix", "admin.sock")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: api}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(ln) }()
	defer func() { server.Close(); <-done }()
	for given, host := range map[string]string{
		address:                          address,
		"http://" + address:              address,
		"http://" + address + "/":        address,
		":" + port:                       "localhost:" + port,
		"localhost:" + port:              "localhost:" + port,
		filepath.Join(dir, "admin.sock"): "localhost",
		"./admin.sock":                   "localhost",
		"admin.sock":                     "localhost",
		"../" + filepath.Base(dir) + "/admin.sock": "localhost",
	} {
		api.uri, api.host = "", ""
		if _, _, err := command(t, "reload", "--admin", given); err != nil || api.uri != "/api/v1/reload" || api.host != host {
			t.Errorf("--admin %s: %s of %q, %v; want the Host %q", given, api.uri, api.host, err, host)
		}
	}
}

func TestAddressesThatNobodyAnswersOn(t *testing.T) {
	for _, tt := range []struct {
		name, address, says string
		usage               bool
	}{
		{"a port", "127.0.0.1:1", "start one with `poise serve`", false},
		{"a socket", "/nowhere/admin.sock", "start one with `poise serve`", false},
		{"no address", "127.0.0.1:port", "give host:port, or the path of a socket", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := command(t, "reload", "--admin", tt.address)
			_, usage := errors.AsType[usageError](err)
			if err == nil || !strings.Contains(err.Error(), tt.says) || usage != tt.usage {
				t.Errorf("error %v, of usage: %t; want %q, %t", err, usage, tt.says, tt.usage)
			}
		})
	}
}
