package telemetry

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"poise/internal/cluster"
	"poise/internal/lb"
	"poise/internal/record"
	"poise/internal/stats"
)

// Sources are where the metrics are read when somebody asks for them. Nothing
// is prepared in between.
type Sources struct {
	Book      *record.Book
	Clusters  func() []Cluster
	Listeners func() []Listener
	Reloads   func() Reloads
	Cost      func() EngineCost // of the decision engine; nil where there is none
	Version   string
	// EndpointSeries bounds the endpoints that have series of their own in a
	// cluster; the least busy beyond it are folded into `_other`. 0 means 1000.
	EndpointSeries int
}

// Cluster is what the metrics read of a cluster.
type Cluster struct {
	Cluster  *cluster.Cluster
	Attempts *record.Attempts
	Idle     func(*lb.Endpoint) (idle, open int) // connections
	Guard    func() Guard                        // nil where there is none
	Engine   func() Engine                       // nil where there is none
}

// Engine is what the metrics read of the decision engine at one cluster.
type Engine struct {
	Switches  map[Switch]uint64
	Decisions map[DecisionKind]uint64
	Judged    bool               // what follows is known
	Predicted map[string]float64 // loss in seconds, by policy
	Measured  float64            // loss in seconds
	Error     float64            // measured over what is predicted of the same, less 1
	Forecasts int                // of the last ones, that could be held against what was measured
	Inside    float64            // share of those that fell inside their 90 % interval
	Headroom  float64            // times the load of now at which p99 has doubled, at least; 0: not known
}

// Switch is what changes of the policy are counted by.
type Switch struct{ From, To, Reason string }

// DecisionKind is what decisions are counted by.
type DecisionKind struct{ Action, Gate string }

// EngineCost is what the decision engine used.
type EngineCost struct {
	CPU       time.Duration
	Postponed uint64
}

// Guard is what the metrics read of a cluster's guard.
type Guard struct {
	Queue     int
	Ejections map[Ejection]uint64
	Limit     func(*lb.Endpoint) int // 0 for none
}

// Ejection is what ejections are counted by.
type Ejection struct {
	Reason   string
	Enforced bool // false: it was held back
}

// Listener is what the metrics read of a listener.
type Listener struct {
	Address    string
	Open, Idle int
}

// Reloads are the reloads of the configuration.
type Reloads struct {
	Applied, Refused uint64
	Last             time.Time // that was applied
}

// Handler serves /metrics.
func Handler(s Sources) http.Handler {
	if s.EndpointSeries == 0 {
		s.EndpointSeries = 1000
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{Sources: s, folds: map[*cluster.Cluster]*fold{}})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4})
}

type collector struct {
	Sources
	mu    sync.Mutex // one look at the clusters at a time
	folds map[*cluster.Cluster]*fold
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("poise_"+name, help, labels, nil)
}

var (
	requestsTotal   = desc("requests_total", "Requests, by the status that the client saw.", "listener", "route", "cluster", "code_class")
	requestDuration = desc("request_duration_seconds", "From the whole head of a request to the last byte of its answer.", "route", "cluster")
	requestBytes    = desc("request_bytes_total", "Bytes of request bodies.", "route")
	responseBytes   = desc("response_bytes_total", "Bytes of answer bodies.", "route")
	overhead        = desc("overhead_seconds", "Duration of requests less the time spent waiting for endpoints.", "cluster")
	connections     = desc("connections", "Downstream connections.", "listener", "state")
	attemptsTotal   = desc("attempts_total", "Attempts, by how they ended.", "cluster", "endpoint", "outcome")
	attemptDuration = desc("attempt_duration_seconds", "Latency of attempts.", "cluster", "endpoint")
	inflight        = desc("inflight", "Attempts under way.", "cluster", "endpoint")
	upstreamConns   = desc("upstream_connections", "Connections to endpoints.", "cluster", "state")
	retriesTotal    = desc("retries_total", "Retries, by the outcome before them.", "cluster", "reason")
	budgetExhausted = desc("budget_exhausted_total", "Retries and hedges that the budget did not allow.", "cluster", "kind")
	hedgesTotal     = desc("hedges_total", "Second attempts made while the first had no answer, by what came of them.", "cluster", "outcome")
	shedTotal       = desc("shed_total", "Requests that were not let in.", "cluster", "reason")
	queueLength     = desc("queue_length", "Requests that wait for room at an endpoint.", "cluster")
	concurrency     = desc("concurrency_limit", "Attempts that may be under way at an endpoint, as learnt or configured.", "cluster", "endpoint")
	ejectionsTotal  = desc("ejections_total", "Ejections, and those that were held back.", "cluster", "reason", "enforced")
	panicking       = desc("panic", "1 while so few endpoints are left that health and ejections are ignored.", "cluster")
	endpointState   = desc("endpoint_state", "1 for the state that an endpoint is in.", "cluster", "endpoint", "state")
	healthChecks    = desc("health_checks_total", "Active health checks.", "cluster", "endpoint", "result")
	policyActive    = desc("policy_active", "Share of the requests that a policy picks for; below 1 while the engine tries another.", "cluster", "policy")
	policySwitches  = desc("policy_switches_total", "Changes of the policy, by whom: engine, operator or file.", "cluster", "from", "to", "reason")
	decisionsTotal  = desc("decisions_total", "Entries of the engine's journal, by what was done and the first gate that did not let more pass.", "cluster", "action", "gate")
	predictedLoss   = desc("predicted_loss_seconds", "Loss that the engine predicts under a policy: mean latency, a tenth of the mean of the worst 1 %, failures at their cost.", "cluster", "policy")
	measuredLoss    = desc("measured_loss_seconds", "Loss of the policy that picks, as measured.", "cluster")
	predictionError = desc("prediction_error_ratio", "Measured loss over what the model computes for the same requests, less 1.", "cluster")
	coverage        = desc("forecast_coverage_ratio", "Share of the engine's last 200 forecasts that fell inside their 90 % interval.", "cluster")
	capacity        = desc("endpoint_capacity", "Requests that an endpoint works on at once, as learnt.", "cluster", "endpoint")
	headroom        = desc("headroom_ratio", "Times the load of now at which p99 has doubled by forecast, or that is known to be below that; absent while not known.", "cluster")
	engineCPU       = desc("engine_cpu_seconds_total", "CPU time of the decision engine.")
	enginePostponed = desc("engine_postponed_total", "Times that the engine began to judge less often, since its work had reached 1 % of a core.")
	reloadsTotal    = desc("config_reloads_total", "Configuration documents that were offered.", "result")
	reloadLast      = desc("config_last_success_timestamp_seconds", "When a document was last applied.")
	buildInfo       = desc("build_info", "1.", "version")
	allDescriptions = []*prometheus.Desc{
		requestsTotal, requestDuration, requestBytes, responseBytes, overhead, connections, attemptsTotal, attemptDuration,
		inflight, upstreamConns, retriesTotal, budgetExhausted, endpointState, healthChecks, policyActive, reloadsTotal,
		reloadLast, buildInfo, hedgesTotal, shedTotal, queueLength, concurrency, ejectionsTotal, panicking,
		policySwitches, decisionsTotal, predictedLoss, measuredLoss, predictionError, coverage, capacity, headroom, engineCPU, enginePostponed,
	}
)

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range allDescriptions {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.collectTraffic(ch)
	for _, l := range c.Listeners() {
		gauge(ch, connections, float64(l.Idle), l.Address, "idle")
		gauge(ch, connections, float64(l.Open-l.Idle), l.Address, "active")
	}
	c.collectClusters(ch)
	if c.Cost != nil {
		cost := c.Cost()
		ch <- prometheus.MustNewConstMetric(engineCPU, prometheus.CounterValue, cost.CPU.Seconds())
		counter(ch, enginePostponed, cost.Postponed)
	}
	r := c.Reloads()
	counter(ch, reloadsTotal, r.Applied, "applied")
	counter(ch, reloadsTotal, r.Refused, "refused")
	gauge(ch, reloadLast, float64(r.Last.UnixMilli())/1000)
	gauge(ch, buildInfo, 1, c.Version)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// collectTraffic sums what the listeners share.
func (c *collector) collectTraffic(ch chan<- prometheus.Metric) {
	durations := map[[2]string]*stats.Snapshot{}
	overheads := map[string]*stats.Snapshot{}
	bytes := map[string]*[2]uint64{}
	for _, t := range c.Book.All() {
		k := t.Key
		collectRequests(ch, t)
		add(durations, [2]string{k.Route, k.Cluster}, t.Duration.Snapshot())
		if k.Cluster != "" {
			add(overheads, k.Cluster, t.Overhead.Snapshot())
		}
		if bytes[k.Route] == nil {
			bytes[k.Route] = new([2]uint64)
		}
		bytes[k.Route][0] += t.RequestBytes.Load()
		bytes[k.Route][1] += t.ResponseBytes.Load()
	}
	for k, s := range durations {
		ch <- newHistogram(requestDuration, s, k[0], k[1])
	}
	for k, s := range overheads {
		ch <- newHistogram(overhead, s, k)
	}
	for route, n := range bytes {
		counter(ch, requestBytes, n[0], route)
		counter(ch, responseBytes, n[1], route)
	}
}

// collectRequests shows the usual classes from the first request on, those
// without one as 0: a counter that appears with the first failure has no rate.
func collectRequests(ch chan<- prometheus.Metric, t *record.Traffic) {
	var classes [6]uint64
	seen := false
	for class := range classes {
		classes[class] = t.Classes[class].Load()
		seen = seen || classes[class] > 0
	}
	for class := 1; class <= 5; class++ {
		if seen && class > 1 || classes[class] > 0 {
			counter(ch, requestsTotal, classes[class], t.Key.Listener, t.Key.Route, t.Key.Cluster, strconv.Itoa(class)+"xx")
		}
	}
}

func add[K comparable](sums map[K]*stats.Snapshot, key K, s stats.Snapshot) {
	if sums[key] == nil {
		sums[key] = &s
		return
	}
	sums[key].Add(&s)
}
