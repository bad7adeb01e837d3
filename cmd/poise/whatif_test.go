package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"poise/internal/admin"
	"poise/internal/whatif"
)

// forecasting is an API that answers questions with a, or refuses them, and
// takes an operator's word.
func forecasting(t *testing.T, a *whatif.Answer) (address string, asked *whatif.Words) {
	t.Helper()
	asked = &whatif.Words{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/state"):
			_ = json.NewEncoder(w).Encode(admin.Cluster{Name: "web", Endpoints: []admin.Endpoint{{Address: "a:1", State: "drain"}}})
		case a == nil:
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(admin.Problem{Status: 409, Detail: "cannot be answered: too little data"})
		default:
			_ = json.NewDecoder(r.Body).Decode(asked)
			_ = json.NewEncoder(w).Encode(a)
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), asked
}

func someAnswer() *whatif.Answer {
	f := func(p99 float64) whatif.Figures {
		return whatif.Figures{P50: whatif.Figure{Value: 0.01}, P99: whatif.Figure{Value: p99, Low: p99 * 0.9, High: p99 * 1.1}, Load: 0.5}
	}
	then := f(0.058)
	return &whatif.Answer{Cluster: "web", Policy: "p2c", Scenario: "load +50 %", Now: f(0.042), Then: &then, Headroom: &whatif.Headroom{Times: 1.3}, Text: "p99 42 → 58 ms (52–64), headroom 1.3×"}
}

func TestWhatIfAsksAndPrints(t *testing.T) {
	address, asked := forecasting(t, someAnswer())
	out, _, err := command(t, "whatif", "web", "--load", "+50%", "--without", "a:1", "--without", "b:1", "--add", "2xlike:c:1", "--slow", "2x:c:1", "--policy", "p2c", "--admin", address)
	if err != nil {
		t.Fatal(err)
	}
	if asked.Load != "+50%" || len(asked.Without) != 2 || asked.Add[0] != "2xlike:c:1" || asked.Slow[0] != "2x:c:1" || asked.Policy != "p2c" {
		t.Errorf("asked %+v", asked)
	}
	for _, want := range []string{"p99 42 → 58 ms", "now, measured", "42.0 ms", "58.0 ms", "52.2 ms to 63.8 ms"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestWhatIfRefuses(t *testing.T) {
	address, _ := forecasting(t, nil)
	out, _, err := command(t, "whatif", "web", "--load", "+50%", "--admin", address)
	if err == nil || !strings.Contains(err.Error(), "too little data") || out != "" {
		t.Errorf("%v, printed %q", err, out)
	}
	_, _, err = command(t, "whatif", "web", "--load", "50", "--admin", address)
	if _, usage := errors.AsType[usageError](err); !usage {
		t.Errorf("got %v; want it called a wrong usage", err)
	}
}

// TestDrainSaysFirstWhatItDoes: and does it whether or not there is a forecast.
func TestDrainSaysFirstWhatItDoes(t *testing.T) {
	for _, a := range []*whatif.Answer{someAnswer(), nil} {
		address, _ := forecasting(t, a)
		out, _, err := command(t, "endpoint", "web", "a:1", "drain", "--admin", address)
		want := "without a:1: p99 42 → 58 ms (52–64), headroom 1.3×\nweb a:1: drain"
		if a == nil {
			want = "no forecast: cannot be answered: too little data\nweb a:1: drain"
		}
		if err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%v\n%s\nwant it to begin with\n%s", err, out, want)
		}
	}
	address, asked := forecasting(t, someAnswer())
	out, _, err := command(t, "endpoint", "web", "a:1", "enable", "--admin", address)
	if err != nil || strings.Contains(out, "p99") || asked.Without != nil {
		t.Errorf("enable: %v\n%s", err, out)
	}
}
