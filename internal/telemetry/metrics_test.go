package telemetry

import (
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"poise/internal/lb"
	"poise/internal/record"
	"poise/internal/stats"
)

// everything is a rig in which every metric has something to show.
func everything() *rig {
	r := newRig(0)
	c := r.cluster("web", "a:1", "b:1")
	attempt(c, "a:1", 12*time.Millisecond, lb.Success)
	attempt(c, "b:1", 0, lb.Connect)
	c.Checked("a:1", true)
	r.clusters[0].Attempts.Retries[lb.Connect].Add(1)
	r.clusters[0].Attempts.Hedges[record.HedgeWon].Add(1)
	r.clusters[0].Guard = func() Guard {
		return Guard{Queue: 3, Ejections: map[Ejection]uint64{{Reason: "errors", Enforced: true}: 2}, Limit: func(*lb.Endpoint) int { return 20 }}
	}
	r.clusters[0].Engine = func() Engine {
		return Engine{
			Switches: map[Switch]uint64{{"p2c", "hot-cold", "engine"}: 1}, Decisions: map[DecisionKind]uint64{{"hold", "margin"}: 3},
			Judged: true, Predicted: map[string]float64{"p2c": 0.02}, Measured: 0.03, Error: 0.5, Headroom: 1.4, Forecasts: 40, Inside: 0.9,
		}
	}
	c.Snapshot().Members[0].Live.SetLearnt(lb.Learnt{Service: time.Millisecond, Capacity: 4})
	r.cost = func() EngineCost { return EngineCost{CPU: time.Second, Postponed: 2} }
	r.book.Traffic(record.TrafficKey{Listener: ":8080", Route: "default", Cluster: "web"}).Count(&record.Request{
		Status: 200, Cluster: "web", Duration: 13 * time.Millisecond, Overhead: time.Millisecond, RequestBytes: 10, ResponseBytes: 2000,
	})
	r.book.Traffic(record.TrafficKey{Listener: ":8080"}).Count(&record.Request{Status: 404, Duration: time.Microsecond})
	r.reloads = Reloads{Applied: 2, Refused: 1, Last: time.UnixMilli(1_700_000_000_500)}
	return r
}

// shape is a metric's type and labels, as in "counter{listener,route}".
func shape(f *dto.MetricFamily) string {
	var all []string
	for _, m := range f.Metric {
		var names []string
		for _, p := range m.Label {
			names = append(names, p.GetName())
		}
		slices.Sort(names)
		all = append(all, strings.Join(names, ","))
	}
	return strings.ToLower(f.GetType().String()) + "{" + strings.Join(slices.Compact(all), " or ") + "}"
}

// documented reads the tables of the guide: the shape of each metric.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/guide/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| `poise_") {
			continue
		}
		if len(cells) != 8 || slices.ContainsFunc(cells[1:7], func(c string) bool { return strings.TrimSpace(c) == "" }) {
			t.Errorf("a row has not all of its six cells: %s", line)
			continue
		}
		name := strings.Trim(cells[1], " `")
		if unit := strings.TrimSpace(cells[4]); strings.Contains(name, "_seconds") != (unit == "seconds") || strings.Contains(name, "_bytes") != (unit == "bytes") {
			t.Errorf("%s is documented in %s; its name says something else", name, unit)
		}
		labels := regexp.MustCompile("[a-z_]+").FindAllString(cells[3], -1)
		slices.Sort(labels)
		all[name] = strings.TrimSpace(cells[2]) + "{" + strings.Join(labels, ",") + "}"
	}
	return all
}

func TestMetricsAndTheGuideNameTheSame(t *testing.T) {
	shown, guide := map[string]string{}, documented(t)
	for name, f := range everything().families(t) {
		if strings.HasPrefix(name, "poise_") {
			shown[name] = shape(f)
		}
	}
	for name, want := range guide {
		if shown[name] != want {
			t.Errorf("the guide says %s is %s; the page says %q", name, want, shown[name])
		}
	}
	for name := range shown {
		if guide[name] == "" {
			t.Errorf("docs/guide/metrics.md says nothing of %s", name)
		}
	}
	text, _ := os.ReadFile("../../docs/guide/metrics.md")
	for _, name := range regexp.MustCompile(`poise_[a-z_]+`).FindAllString(string(text), -1) {
		if shown[strings.TrimSuffix(name, "_bucket")] == "" {
			t.Errorf("the guide speaks of %s, which there is not", name)
		}
	}
}

// TestEveryDescriptionIsShown makes sure that the page above is all of it.
func TestEveryDescriptionIsShown(t *testing.T) {
	families := everything().families(t)
	ch := make(chan *prometheus.Desc, len(allDescriptions))
	(&collector{}).Describe(ch)
	close(ch)
	n := 0
	for d := range ch {
		n++
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
		if families[name] == nil || families[name].GetHelp() == "" {
			t.Errorf("%s is described and not shown, or has no help", name)
		}
	}
	if n != len(allDescriptions) || n < 18 {
		t.Errorf("%d descriptions", n)
	}
}

// TestThePublishedNamesStay holds the metrics to what was promised: users'
// dashboards and alerts are made of them.
func TestThePublishedNamesStay(t *testing.T) {
	families := everything().families(t)
	for name, want := range map[string]string{
		"poise_requests_total":                        "counter{cluster,code_class,listener,route}",
		"poise_request_duration_seconds":              "histogram{cluster,route}",
		"poise_request_bytes_total":                   "counter{route}",
		"poise_response_bytes_total":                  "counter{route}",
		"poise_connections":                           "gauge{listener,state}",
		"poise_overhead_seconds":                      "histogram{cluster}",
		"poise_attempts_total":                        "counter{cluster,endpoint,outcome}",
		"poise_attempt_duration_seconds":              "histogram{cluster,endpoint}",
		"poise_inflight":                              "gauge{cluster,endpoint}",
		"poise_upstream_connections":                  "gauge{cluster,state}",
		"poise_retries_total":                         "counter{cluster,reason}",
		"poise_budget_exhausted_total":                "counter{cluster,kind}",
		"poise_endpoint_state":                        "gauge{cluster,endpoint,state}",
		"poise_health_checks_total":                   "counter{cluster,endpoint,result}",
		"poise_policy_active":                         "gauge{cluster,policy}",
		"poise_config_reloads_total":                  "counter{result}",
		"poise_config_last_success_timestamp_seconds": "gauge{}",
		"poise_build_info":                            "gauge{version}",
	} {
		if f := families[name]; f == nil || shape(f) != want {
			t.Errorf("%s is %v; want %s", name, f, want)
		}
	}
}

func TestValuesOnThePage(t *testing.T) {
	p := everything().scrape(t)
	for series, want := range map[string]float64{
		`poise_requests_total{cluster="web",code_class="2xx",listener=":8080",route="default"}`: 1,
		`poise_requests_total{cluster="",code_class="4xx",listener=":8080",route=""}`:           1,
		`poise_request_bytes_total{route="default"}`:                                            10,
		`poise_response_bytes_total{route="default"}`:                                           2000,
		`poise_connections{listener=":8080",state="idle"}`:                                      2,
		`poise_connections{listener=":8080",state="active"}`:                                    3,
		`poise_upstream_connections{cluster="web",state="idle"}`:                                2,
		`poise_upstream_connections{cluster="web",state="active"}`:                              4,
		`poise_attempts_total{cluster="web",endpoint="b:1",outcome="connect"}`:                  1,
		`poise_retries_total{cluster="web",reason="connect"}`:                                   1,
		`poise_endpoint_state{cluster="web",endpoint="a:1",state="healthy"}`:                    1,
		`poise_health_checks_total{cluster="web",endpoint="a:1",result="passed"}`:               1,
		`poise_policy_active{cluster="web",policy="round-robin"}`:                               1,
		`poise_config_reloads_total{result="applied"}`:                                          2,
		`poise_config_reloads_total{result="refused"}`:                                          1,
		`poise_config_last_success_timestamp_seconds`:                                           1_700_000_000.5,
		`poise_build_info{version="v1.2.3"}`:                                                    1,
	} {
		if got := p.value(series); got != want {
			t.Errorf("%s is %g; want %g", series, got, want)
		}
	}
	if got := p[`poise_request_duration_seconds{cluster="web",route="default"}`].GetHistogram().GetSampleSum(); got != 0.013 {
		t.Errorf("13 ms are shown as %g; want seconds", got)
	}
	if _, is := p[`poise_overhead_seconds{cluster=""}`]; is {
		t.Error("an overhead is shown for answers that no cluster gave")
	}
}

func TestTheClassesAreThereBeforeTheFirstFailure(t *testing.T) {
	p := everything().scrape(t)
	for class, want := range map[string]bool{"1xx": false, "2xx": true, "3xx": true, "4xx": true, "5xx": true} {
		if _, is := p[`poise_requests_total{cluster="web",code_class="`+class+`",listener=":8080",route="default"}`]; is != want {
			t.Errorf("after a 200 there is a series of %s: %v; want %v", class, is, want)
		}
	}
}

func TestEachFormatParses(t *testing.T) {
	r := everything()
	for _, accept := range []string{"", "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"} {
		request := httptest.NewRequest("GET", "/metrics", nil)
		request.Header.Set("Accept", accept)
		answer := r.answer(t, request)
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(accept, "openmetrics") {
			if !strings.HasSuffix(string(body), "# EOF\n") || !strings.Contains(answer.Header.Get("Content-Type"), "openmetrics") {
				t.Errorf("%s: %s without its end", accept, answer.Header.Get("Content-Type"))
			}
			continue
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
		if err != nil || len(families["poise_attempt_duration_seconds"].GetMetric()) != 2 {
			t.Errorf("%q: %v, %d families", accept, err, len(families))
		}
	}
}

// TestHistogramsAgreeWithTheObservations counts the same durations the slow
// way and compares both forms with it, bucket by bucket.
func TestHistogramsAgreeWithTheObservations(t *testing.T) {
	dice := stats.NewDice(5)
	for round := range 20 {
		r := newRig(0)
		c := r.cluster("web", "a:1")
		all := []time.Duration{time.Second, 1<<5*time.Second + 1, 2 * time.Minute, 3 * time.Minute, 953, 954}
		for range dice.IntN(400) {
			all = append(all, time.Duration(1e9*math.Exp2(-21+30*dice.Float64())))
		}
		sum := 0.0
		for _, d := range all {
			attempt(c, "a:1", d, lb.Success)
			sum += d.Seconds()
		}
		h := r.scrape(t)[`poise_attempt_duration_seconds{cluster="web",endpoint="a:1"}`].GetHistogram()
		if h.GetSampleCount() != uint64(len(all)) || math.Abs(h.GetSampleSum()-sum) > 1e-6 {
			t.Fatalf("round %d: %d with sum %g; want %d with %g", round, h.GetSampleCount(), h.GetSampleSum(), len(all), sum)
		}
		classicAgrees(t, h, all)
		nativeAgrees(t, h, all)
	}
}

func classicAgrees(t *testing.T, h *dto.Histogram, all []time.Duration) {
	t.Helper()
	if len(h.Bucket) != 19 || h.Bucket[0].GetUpperBound() != 1.0/8192 || h.Bucket[18].GetUpperBound() != 32 {
		t.Fatalf("classic buckets %v", h.Bucket)
	}
	for _, b := range h.Bucket {
		want := uint64(0)
		for _, d := range all {
			if d.Seconds() <= b.GetUpperBound() {
				want++
			}
		}
		if b.GetCumulativeCount() != want {
			t.Errorf("%d at most %g s; want %d", b.GetCumulativeCount(), b.GetUpperBound(), want)
		}
	}
}

// nativeAgrees decodes the spans of the native form and counts what each
// bucket should hold: schema 4 has the bounds 2^(i/16).
func nativeAgrees(t *testing.T, h *dto.Histogram, all []time.Duration) {
	t.Helper()
	const longest = 128.0 // seconds; what is above lies in one bucket
	if h.GetSchema() != 4 || h.GetZeroThreshold() != math.Ldexp(1, -20) {
		t.Fatalf("schema %d, threshold %g", h.GetSchema(), h.GetZeroThreshold())
	}
	got, index, count, next := map[int]int64{}, 0, int64(0), 0
	for i, span := range h.PositiveSpan {
		index += int(span.GetOffset())
		if i == 0 {
			index = int(span.GetOffset())
		}
		for range span.GetLength() {
			count += h.PositiveDelta[next]
			next++
			got[index] = count
			index++
		}
	}
	want, zero := map[int]int64{}, uint64(0)
	for _, d := range all {
		switch s := d.Seconds(); {
		case s <= h.GetZeroThreshold():
			zero++
		case s > longest:
			want[7*16+1]++
		default:
			want[int(math.Ceil(16*math.Log2(s)))]++
		}
	}
	if h.GetZeroCount() != zero {
		t.Errorf("%d in the zero bucket; want %d", h.GetZeroCount(), zero)
	}
	for i, n := range got {
		if n == 0 {
			delete(got, i)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("native buckets %v\nwant           %v", got, want)
	}
}

func TestAnEmptyHistogramIsValid(t *testing.T) {
	r := newRig(0)
	r.cluster("web", "a:1")
	h := r.scrape(t)[`poise_attempt_duration_seconds{cluster="web",endpoint="a:1"}`].GetHistogram()
	if h == nil || h.GetSampleCount() != 0 || len(h.Bucket) != 19 {
		t.Errorf("before any attempt: %v", h)
	}
}
