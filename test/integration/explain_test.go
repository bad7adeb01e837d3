//go:build integration

package integration

import (
	"net/http"
	"regexp"
	"testing"
)

// TestExplainIsForTrustedPeers asks why a request goes where it goes.
func TestExplainIsForTrustedPeers(t *testing.T) {
	var seen string
	endpoint := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Get("Poise-Explain") })
	for _, trusted := range []bool{true, false} {
		r := newRig()
		r.policy = "least-request"
		if trusted {
			r.listener.Trusted = prefixes("127.0.0.0/8")
		}
		s := r.start(t, fronts[0], []string{startEndpoint(t, endpoint), startEndpoint(t, endpoint)})
		q, _ := http.NewRequest(http.MethodGet, s.url+"/", nil)
		q.Header.Set("Poise-Explain", "1")
		answer, err := s.client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		why, to := answer.Header.Get("Poise-Explain"), answer.Header.Get("Poise-Endpoint")
		if !trusted {
			if why != "" || to != "" || seen != "1" {
				t.Errorf("a stranger was told %q, and the endpoint saw %q", why, seen)
			}
			continue
		}
		if !regexp.MustCompile(`^least-request; 127\.0\.0\.1:\d+=1, 127\.0\.0\.1:\d+=1$`).MatchString(why) || to == "" || seen != "" {
			t.Errorf("told %q and %q; the endpoint saw %q", why, to, seen)
		}
		again, err := s.client.Get(s.url + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = again.Body.Close()
		if again.Header.Get("Poise-Explain") != "" {
			t.Error("told without being asked")
		}
	}
}
