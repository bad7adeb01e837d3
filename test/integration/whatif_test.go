//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"poise/internal/admin"
	"poise/internal/load"
	"poise/internal/whatif"
)

// whatif asks the API; a refusal is returned as its detail.
func (r *engineRig) whatif(words whatif.Words) (*whatif.Answer, string) {
	r.t.Helper()
	body, _ := json.Marshal(words)
	t := &http.Transport{DisableKeepAlives: true}
	q, _ := http.NewRequest(http.MethodPost, "http://"+r.admin+"/api/v1/clusters/web/whatif", bytes.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	answer, err := t.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		var p admin.Problem
		_ = json.Unmarshal(text, &p)
		return nil, answer.Status + ": " + p.Detail
	}
	a := &whatif.Answer{}
	if err := json.Unmarshal(text, a); err != nil {
		r.t.Fatalf("%v in %s", err, text)
	}
	return a, ""
}

// measure returns p50 and p99 of what the load sees from now on.
func (r *engineRig) measure(rate float64, d time.Duration) (p50, p99 float64) {
	r.t.Helper()
	report, err := load.Run(r.t.Context(), load.Options{
		URL: "http://" + r.front + "/work", Rate: rate, For: d, Timeout: 5 * time.Second, Arrivals: "poisson", Seed: 7,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return report.Latency.P50, report.Latency.P99
}

// TestForecastsBesideWhatThenHappens asks over the API under load, makes it
// come true, and holds what is then measured against the forecast.
func TestForecastsBesideWhatThenHappens(t *testing.T) {
	const rate = 600 // of 1000 that five workers can do
	r := newEngineRig(t, engineSetup{workers: 5, cluster: "policy: least-request"})
	if _, why := r.whatif(whatif.Words{Load: "+50%"}); why == "" {
		t.Error("a forecast without a single request; want a refusal")
	} else {
		t.Log(why)
	}
	r.measure(rate, 4*judged)
	ask := func(words whatif.Words) *whatif.Answer {
		t.Helper()
		a, why := r.whatif(words)
		if a == nil {
			t.Fatalf("%+v: %s", words, why)
		}
		t.Log(a.Scenario + ": " + a.Text)
		return a
	}
	more := ask(whatif.Words{Load: "+30%"})
	first := r.cluster().Endpoints[0].Address
	fewer := ask(whatif.Words{Without: []string{first}})
	if _, why := r.whatif(whatif.Words{Load: "+100%"}); why == "" {
		t.Error("a forecast of twice the load, which is overload; want a refusal")
	} else {
		t.Log(why)
	}
	hold := func(name string, f whatif.Figures, p50, p99 float64) {
		t.Helper()
		t.Logf("%s: p50 forecast %.1f (%.1f to %.1f), then %.1f ms; p99 forecast %.1f (%.1f to %.1f), then %.1f ms", name,
			1e3*f.P50.Value, 1e3*f.P50.Low, 1e3*f.P50.High, 1e3*p50, 1e3*f.P99.Value, 1e3*f.P99.Low, 1e3*f.P99.High, 1e3*p99)
		if off := math.Abs(math.Log(p99 / f.P99.Value)); off > 0.35 {
			t.Errorf("%s: p99 forecast %.1f ms, then %.1f ms", name, 1e3*f.P99.Value, 1e3*p99)
			for _, e := range r.cluster().Endpoints {
				t.Logf("%+v", e)
			}
			for _, d := range r.decisions() {
				t.Log(d.Text)
			}
		}
	}
	r.measure(1.3*rate, judged) // until it has settled
	p50, p99 := r.measure(1.3*rate, 4*judged)
	hold("load +30 %", *more.Then, p50, p99)
	r.put("/endpoints/"+first+"/state", `{"state":"drain"}`)
	r.measure(rate, judged)
	p50, p99 = r.measure(rate, 4*judged)
	hold("without one", *fewer.Then, p50, p99)
}
