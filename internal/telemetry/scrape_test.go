package telemetry

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"poise/internal/balance"
	"poise/internal/balance/roundrobin"
	"poise/internal/cluster"
	"poise/internal/lb"
	"poise/internal/record"
)

// rig is a process as the metrics see it.
type rig struct {
	book     record.Book
	wall     time.Time
	clusters []Cluster
	reloads  Reloads
	cost     func() EngineCost
	handler  http.Handler
}

func newRig(endpointSeries int) *rig {
	r := &rig{wall: time.Unix(1_800_000_000, 0)}
	r.handler = Handler(Sources{
		Book: &r.book, Version: "v1.2.3", EndpointSeries: endpointSeries,
		Clusters:  func() []Cluster { return r.clusters },
		Listeners: func() []Listener { return []Listener{{Address: ":8080", Open: 5, Idle: 2}} },
		Reloads:   func() Reloads { return r.reloads },
		Cost: func() EngineCost {
			if r.cost == nil {
				return EngineCost{}
			}
			return r.cost()
		},
	})
	return r
}

// cluster adds a cluster to the rig.
func (r *rig) cluster(name string, addresses ...string) *cluster.Cluster {
	c := cluster.New(cluster.Options{
		Name: name, Policy: "round-robin", Wall: func() time.Time { return r.wall },
		Builders: map[string]balance.Builder{"round-robin": roundrobin.New},
	}, specs(addresses))
	r.clusters = append(r.clusters, Cluster{Cluster: c, Attempts: &record.Attempts{}, Idle: func(*lb.Endpoint) (int, int) { return 1, 3 }})
	return c
}

func specs(addresses []string) (all []cluster.Spec) {
	for _, a := range addresses {
		all = append(all, cluster.Spec{Address: a})
	}
	return all
}

// attempt makes an attempt at the endpoint with an address.
func attempt(c *cluster.Cluster, address string, latency time.Duration, outcome lb.Outcome) {
	lease := open(c, address)
	lease.Close(1, latency, outcome)
}

func open(c *cluster.Cluster, address string) record.Lease {
	members := c.Snapshot().Members
	i := slices.IndexFunc(members, func(e *lb.Endpoint) bool { return e.Address == address })
	return (&record.Attempts{}).Open(record.Terms{Endpoint: members[i], Attempt: 1})
}

// page is what one scrape brought: every series of ours by name and labels,
// as in poise_inflight{cluster="web",endpoint="a:1"}.
type page map[string]*dto.Metric

// families scrapes in the form that carries native histograms too.
func (r *rig) families(t testing.TB) map[string]*dto.MetricFamily {
	t.Helper()
	request := httptest.NewRequest("GET", "/metrics", nil)
	request.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	return parsed(t, r.answer(t, request))
}

func (r *rig) answer(t testing.TB, request *http.Request) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Result()
}

// parsed reads a page with Prometheus' own parser.
func parsed(t testing.TB, answer *http.Response) map[string]*dto.MetricFamily {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*dto.MetricFamily{}
	for d := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(answer.Header)); ; {
		var f dto.MetricFamily
		switch err := d.Decode(&f); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("the page does not parse: %v", err)
		}
		all[f.GetName()] = &f
	}
}

func (r *rig) scrape(t testing.TB) page {
	t.Helper()
	p := page{}
	for name, f := range r.families(t) {
		if !strings.HasPrefix(name, "poise_") {
			continue
		}
		for _, m := range f.Metric {
			p[name+labels(m)] = m
		}
	}
	return p
}

func labels(m *dto.Metric) string {
	pairs := slices.Clone(m.Label)
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	var texts []string
	for _, p := range pairs {
		texts = append(texts, p.GetName()+`="`+p.GetValue()+`"`)
	}
	if texts == nil {
		return ""
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// value is a counter's or a gauge's value, or a histogram's count; 0 of what
// is not there.
func (p page) value(series string) float64 {
	m := p[series]
	if m == nil {
		return 0
	}
	return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
}

// sum adds up the series of a metric.
func (p page) sum(name string) (n float64) {
	for series := range p {
		if series == name || strings.HasPrefix(series, name+"{") {
			n += p.value(series)
		}
	}
	return n
}
