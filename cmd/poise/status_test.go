package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"poise/internal/admin"
	"poise/internal/decide"
)

// answering is an API that answers one call with v.
func answering(t *testing.T, path string, v any) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != path {
			t.Errorf("%s was asked for; want %s", r.URL.RequestURI(), path)
		}
		_ = json.NewEncoder(w).Encode(v)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// command runs a command line in this process.
func command(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errs)
	err = root.ExecuteContext(context.Background())
	return out.String(), errs.String(), err
}

// noon is the balancer's clock: years away from this machine's.
var noon = time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)

func since(state string, ago time.Duration) admin.Endpoint {
	return admin.Endpoint{Address: "127.0.0.1:9001", State: state, Since: noon.Add(-ago), Weight: 1}
}

func TestStatusExitsWith3WhileAnEndpointIsOutForTooLong(t *testing.T) {
	out := exitStatus(3)
	for _, tt := range []struct {
		name      string
		endpoints []admin.Endpoint
		want      error
		says      []string
	}{
		{"all are healthy for long", []admin.Endpoint{since("healthy", 100*time.Hour)}, nil, nil},
		{"one is out for exactly 5 minutes", []admin.Endpoint{since("unhealthy", 5*time.Minute)}, nil, nil},
		{"one is out for over 5 minutes", []admin.Endpoint{since("healthy", time.Hour), since("unhealthy", 5*time.Minute+time.Second)}, out, []string{"unhealthy for 5m1s"}},
		{"two are out", []admin.Endpoint{since("unhealthy", 6*time.Minute), since("unhealthy", 7*time.Minute)}, out, []string{"for 6m0s", "for 7m0s"}},
		{"one was never checked", []admin.Endpoint{since("unchecked", 6*time.Minute)}, out, []string{"unchecked for 6m0s"}},
		{"the operator drained one", []admin.Endpoint{since("drain", time.Hour)}, nil, nil},
		{"the operator disabled one", []admin.Endpoint{since("disabled", time.Hour)}, nil, nil},
		{"there are no endpoints", nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := answering(t, "/api/v1/clusters", admin.Status{Now: noon, Clusters: []admin.Cluster{{Name: "web", Policy: "p2c", Endpoints: tt.endpoints}}})
			for _, args := range [][]string{{"status"}, {"status", "--json"}} {
				stdout, stderr, err := command(t, append(args, "--admin", address)...)
				if !errors.Is(err, tt.want) {
					t.Errorf("%v: error %v; want %v", args, err, tt.want)
				}
				if got := strings.Count(stderr, "\n"); got != len(tt.says) {
					t.Errorf("%v: stderr %q; want %d lines", args, stderr, len(tt.says))
				}
				for _, want := range tt.says {
					if !strings.Contains(stderr, want) {
						t.Errorf("%v: stderr %q; want %q", args, stderr, want)
					}
				}
				if stdout == "" {
					t.Errorf("%v printed nothing", args)
				}
			}
		})
	}
}

func TestStatusShowsEverythingThatIsHeld(t *testing.T) {
	at := noon.Add(-90 * time.Second)
	address := answering(t, "/api/v1/clusters", admin.Status{
		Now: noon,
		Clusters: []admin.Cluster{
			{Name: "web", Policy: "least-request", Configured: "adaptive", Pinned: true, PinnedAt: &at, Panic: true, Endpoints: []admin.Endpoint{
				since("drain", 26*time.Hour),
				{Address: "127.0.0.1:9002", State: "unhealthy", Reason: "connection refused", Since: noon.Add(-time.Minute), Figures: admin.Figures{Rate: 40, Failures: 0.125, P50: 0.0105, P99: 0.2}},
			}},
			{Name: "plain", Policy: "p2c", Configured: "p2c"},
		},
		Configuration: admin.Source{From: "api", Note: "a document sent by API is in force until the file next changes"},
	})
	stdout, _, err := command(t, "status", "--admin", address)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"web: least-request (pinned; the file says adaptive)",
		"PANIC",
		"unhealthy (connection refused)",
		"12.5%", "10.5 ms", "200 ms",
		"held by the operator:\n  web: policy least-request over adaptive of the file, for 1m30s\n  web: endpoint 127.0.0.1:9001 drain, for 26h0m0s\n",
		"plain: p2c (as configured)",
		"configuration: api\n  a document sent by API is in force until the file next changes\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("status lacks %q:\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "plain: policy") {
		t.Errorf("nothing is held in plain:\n%s", stdout)
	}
}

func TestStatusAsJSONIsWhatTheAPISays(t *testing.T) {
	v := admin.Status{Now: noon, Clusters: []admin.Cluster{{Name: "web", Endpoints: []admin.Endpoint{since("healthy", time.Hour)}}}, Configuration: admin.Source{From: "flags", Tag: `"1"`}}
	stdout, _, err := command(t, "status", "--json", "--admin", answering(t, "/api/v1/clusters", v))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.MarshalIndent(v, "", "  ")
	if stdout != string(want)+"\n" {
		t.Errorf("printed %s; want %s", stdout, want)
	}
}

func TestExplainPrintsWhoIsLeftOut(t *testing.T) {
	address := answering(t, "/api/v1/clusters/a%2Fb/explain?key=x%26y", admin.Explanation{
		Cluster: "a/b", Policy: "maglev", Picked: "127.0.0.1:9001", Note: "a note",
		Endpoints: []admin.ExplainedEndpoint{{Address: "127.0.0.1:9001", Chance: 0.751, Weight: 3}, {Address: "127.0.0.1:9002", Excluded: "drain by the operator"}},
	})
	stdout, _, err := command(t, "explain", "a/b", "--key", "x&y", "--admin", address)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a/b: the next request goes to 127.0.0.1:9001 (maglev)", "75.1%", "drain by the operator", "a note"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("explain lacks %q:\n%s", want, stdout)
		}
	}
}

func TestTopWritesLinesWhereThereIsNoTerminal(t *testing.T) {
	v := admin.Status{Now: noon, Clusters: []admin.Cluster{{Name: "web", Policy: "p2c", Endpoints: []admin.Endpoint{since("healthy", time.Hour)}}}}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer a-token" {
			t.Errorf("%s came without the token", r.URL)
		}
		if asked++; r.URL.Path == "/api/v1/decisions" {
			_ = json.NewEncoder(w).Encode(admin.Decisions{})
			return
		}
		_ = json.NewEncoder(w).Encode(v)
	}))
	t.Cleanup(server.Close)
	to := []string{"--admin", server.Listener.Addr().String(), "--token", "a-token"}
	stdout, stderr, err := command(t, append([]string{"top", "--count", "2", "--every", "100ms"}, to...)...)
	if err != nil || stderr != "" || asked != 4 || strings.Count(stdout, "web  127.0.0.1:9001  healthy for 1h00m") != 2 {
		t.Errorf("after %d calls it printed %q, %q, %v", asked, stdout, stderr, err)
	}
	for _, args := range [][]string{{"top", "--every", "1ms"}, {"top", "--count", "-1"}, {"top", "a", "b"}} {
		_, _, err := command(t, append(args, to...)...)
		if _, usage := errors.AsType[usageError](err); !usage {
			t.Errorf("%v: error %v; want one of usage", args, err)
		}
	}
}

func TestStatusShowsWhatCameOfForecasts(t *testing.T) {
	v := admin.Status{Now: noon, Clusters: []admin.Cluster{{Name: "web", Policy: "p2c", Endpoints: []admin.Endpoint{since("healthy", time.Hour)}}}}
	e := &v.Clusters[0].Engine
	e.Forecasts = &decide.Forecasts{Known: 200, Inside: 0.905}
	out, _, err := command(t, "status", "--admin", answering(t, "/api/v1/clusters", v))
	if err != nil || !strings.Contains(out, "of the last 200 forecasts 90 % fell inside their 90 % band") || strings.Contains(out, "advises only") {
		t.Errorf("%v\n%s", err, out)
	}
	e.Forecasts = &decide.Forecasts{Known: 57, Inside: 0.7, Distrusted: true}
	out, _, err = command(t, "status", "--admin", answering(t, "/api/v1/clusters", v))
	if err != nil || !strings.Contains(out, "of the last 57 forecasts 70 %") || !strings.Contains(out, "advises only") {
		t.Errorf("%v\n%s", err, out)
	}
}
