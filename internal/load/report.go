package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run found.
type Report struct {
	URL        string           `json:"url"`
	Rate       float64          `json:"rate"`     // asked for; 0 for a closed run
	Seconds    float64          `json:"seconds"`  // that it took
	Requests   int64            `json:"requests"` // finished
	PerSecond  float64          `json:"per_second"`
	Failures   int64            `json:"failures"`
	Faults     map[string]int64 `json:"faults"`     // every kind is named
	Statuses   map[string]int64 `json:"statuses"`   // those that came
	Workers    map[string]int64 `json:"workers"`    // by X-Worker of the answers
	Late       int64            `json:"late"`       // left more than 10 ms after they were due
	Unfinished int64            `json:"unfinished"` // under way when the run was interrupted; in no other count
	Latency    Latency          `json:"latency"`    // of requests that did not fail, seconds
}

// Latency are percentiles in seconds.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// TooLate reports whether the generator could not keep up.
func (r *Report) TooLate() bool { return r.Late*100 > r.Requests }

// Second is what happened in one second of a run.
type Second struct {
	At       int // the first is 1
	Requests int64
	Failures int64
	P50, P99 time.Duration
	Workers  map[string]int64
}

// tally counts results.
type tally struct {
	url      string
	rate     float64
	onResult func(Result)

	mu      sync.Mutex
	whole   count
	current count
	late    int64
	gone    int64 // given up when the run was interrupted
	status  map[int]int64
	faults  map[Fault]int64
}

// count is one span's results.
type count struct {
	requests, failures int64
	latency            *hdrhistogram.Histogram
	workers            map[string]int64
}

// Latencies are kept to three digits between a microsecond and an hour.
func newCount() count {
	return count{latency: hdrhistogram.New(1, time.Hour.Microseconds(), 3), workers: map[string]int64{}}
}

func newTally(o *Options) *tally {
	return &tally{
		url: o.URL, rate: o.Rate, onResult: o.OnResult, whole: newCount(), current: newCount(),
		status: map[int]int64{}, faults: map[Fault]int64{},
	}
}

func (t *tally) add(r Result) {
	if t.onResult != nil {
		t.onResult(r)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.whole.add(&r)
	t.current.add(&r)
	if r.Late {
		t.late++
	}
	if r.Status > 0 {
		t.status[r.Status]++
	}
	if r.Fault != None {
		t.faults[r.Fault]++
	}
}

func (t *tally) giveUp() {
	t.mu.Lock()
	t.gone++
	t.mu.Unlock()
}

func (c *count) add(r *Result) {
	c.requests++
	if r.Worker != "" {
		c.workers[r.Worker]++
	}
	if r.Fault != None {
		c.failures++
		return
	}
	_ = c.latency.RecordValue(min(max(r.Latency.Microseconds(), 1), c.latency.HighestTrackableValue()))
}

// everySecond reports the seconds as they pass, until stop is closed.
func (t *tally) everySecond(stop <-chan struct{}, report func(Second)) {
	if report == nil {
		<-stop
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		t.mu.Lock()
		c := t.current
		t.current = newCount()
		t.mu.Unlock()
		report(Second{
			At: n, Requests: c.requests, Failures: c.failures, Workers: c.workers,
			P50: micros(c.latency.ValueAtQuantile(50)), P99: micros(c.latency.ValueAtQuantile(99)),
		})
	}
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func (t *tally) report(took time.Duration) *Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.whole.latency
	at := func(q float64) float64 { return micros(h.ValueAtQuantile(q)).Seconds() }
	r := &Report{
		URL: t.url, Rate: t.rate, Seconds: took.Seconds(), Requests: t.whole.requests, Failures: t.whole.failures, Late: t.late, Unfinished: t.gone,
		PerSecond: float64(t.whole.requests) / took.Seconds(), Workers: t.whole.workers,
		Faults: map[string]int64{}, Statuses: map[string]int64{},
		Latency: Latency{Mean: h.Mean() / 1e6, P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: micros(h.Max()).Seconds()},
	}
	for f := None + 1; f < faults; f++ {
		r.Faults[f.String()] = t.faults[f]
	}
	for s, n := range t.status {
		r.Statuses[fmt.Sprint(s)] = n
	}
	return r
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests in %.1f s, %.0f a second; %d failed (%.3f %%)\n", r.Requests, r.Seconds, r.PerSecond, r.Failures, 100*share(r.Failures, r.Requests))
	if r.Unfinished > 0 {
		fmt.Fprintf(&b, "%d more were under way when the run was interrupted\n", r.Unfinished)
	}
	ms := func(s float64) string { return fmt.Sprintf("%.2f", 1000*s) }
	fmt.Fprintf(&b, "latency in ms  mean %s  p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", ms(r.Latency.Mean),
		ms(r.Latency.P50), ms(r.Latency.P90), ms(r.Latency.P99), ms(r.Latency.P999), ms(r.Latency.Max))
	if r.Failures > 0 {
		b.WriteString("  (without those that failed)")
	}
	b.WriteString("\n")
	for _, m := range []struct {
		name string
		of   map[string]int64
	}{{"status", r.Statuses}, {"fault", r.Faults}, {"worker", r.Workers}} {
		for _, k := range slices.Sorted(maps.Keys(m.of)) {
			if m.of[k] > 0 {
				fmt.Fprintf(&b, "%-7s %-16s %8d  %5.1f %%\n", m.name, k, m.of[k], 100*share(m.of[k], r.Requests))
			}
		}
	}
	fmt.Fprintf(&b, "%-7s %-16s %8d  %5.1f %%\n", "late", "left over "+LateAfter.String(), r.Late, 100*share(r.Late, r.Requests))
	return b.String()
}

func share(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
