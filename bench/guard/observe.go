package guard

import (
	"math"
	"slices"
	"time"

	"poise/internal/load"
)

// A sample is one request of the load.
type sample struct {
	due, latency time.Duration // due since the load began
	status       int
	fault        load.Fault
}

func (s *sample) failed() bool { return s.fault != load.None }

// A reading is what can be read at a moment of a run; what cannot is NaN.
type reading struct {
	at       time.Duration
	attempts float64 // that Poise has made
	ejected  float64 // ejections that Poise has made
	arrived  float64 // requests that came to the workers
	cut      float64 // answers that the workers have cut
	cpu, rss float64 // seconds and bytes of the proxy
}

// observed is all that a run showed.
type observed struct {
	samples []sample
	times   Times      // as they really were
	read    [5]reading // when the load is warm, at the fault, at its end, when all is over, and early in a fault that passes
}

const warm = 2 * time.Second // of a run, in no figure of calm

// window returns the requests that were due in [from, to).
func (o *observed) window(from, to time.Duration) (in []sample) {
	for _, s := range o.samples {
		if s.due >= from && s.due < to {
			in = append(in, s)
		}
	}
	return in
}

// faultEnds is when the fault is over, or the run.
func (o *observed) faultEnds() time.Duration {
	if o.times.End > 0 {
		return o.times.End
	}
	return o.times.Run
}

// values computes every quantity that the run can tell.
func (o *observed) values() map[string]float64 {
	calm := o.window(warm, o.times.Begin-200*time.Millisecond) // what is under way at the fault is no longer calm
	broken := o.window(o.times.Begin, o.faultEnds())
	v := map[string]float64{
		"requests": float64(len(o.samples)), "calm_p99_ms": 1000 * p99Of(calm), "fault_p99_ms": 1000 * p99Of(broken),
		"failed": percent(o.samples, (*sample).failed), "calm_failed": percent(calm, (*sample).failed),
		"slower": percent(o.samples, func(s *sample) bool { return s.latency > time.Second }),
		"others": percent(o.samples, func(s *sample) bool { return s.failed() && s.fault != load.Cut }),
	}
	v["p99_ratio"] = v["fault_p99_ms"] / v["calm_p99_ms"]
	o.counted(v, float64(len(broken)))
	o.cutting(v)
	if o.times.End > 0 {
		o.passing(v)
	}
	for k, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) { // JSON has neither; a check of what is missing fails
			delete(v, k)
		}
	}
	return v
}

// counted adds what counters say of the time of the fault, in which so many
// requests were due.
func (o *observed) counted(v map[string]float64, requests float64) {
	first, begin, end, over := &o.read[0], &o.read[1], &o.read[2], &o.read[3]
	v["attempts"] = (end.attempts - begin.attempts) / requests
	v["arrived"] = (end.arrived - begin.arrived) / requests
	v["ejected"] = over.ejected - begin.ejected // what a fault that has passed leaves behind counts as well
	perSecond := func(a, b *reading) float64 { return (b.cpu - a.cpu) / (b.at - a.at).Seconds() }
	v["cpu_ratio"] = perSecond(begin, end) / perSecond(first, begin)
	v["rss_ratio"] = end.rss / begin.rss
}

// cutting adds what is known of answers that were cut.
func (o *observed) cutting(v map[string]float64) {
	seen := 0.0
	for i := range o.samples {
		if o.samples[i].fault == load.Cut {
			seen++
		}
	}
	v["cuts"] = seen
	v["cuts_ratio"] = seen / allowance(o.faultEnds()-o.times.Begin)
	v["hidden"] = max(0, o.read[2].cut-o.read[1].cut-seen)
}

// allowance is how many large answers may be cut: 10 until the endpoint is
// ejected and those that were in flight then, at most one a slot; and one for
// each trial, the first after 5 s, each wait twice as long as the one before.
func allowance(fault time.Duration) float64 {
	const firstOut, longestOut = 5 * time.Second, time.Minute
	n := 10.0 + slots
	for at, out := firstOut, firstOut; at < fault; at += out {
		n++
		out = min(2*out, longestOut)
	}
	return n
}

// early is how long after its begin a fault is looked at once more: later, so
// much of it fails that no budget pays, and what a control does fades.
const early = 5 * time.Second

// passing adds what is asked of faults that end.
func (o *observed) passing(v map[string]float64) {
	begin, end := o.times.Begin, o.times.End
	requests := float64(len(o.window(begin, begin+early)))
	v["attempts_early"] = (o.read[4].attempts - o.read[1].attempts) / requests
	v["arrived_early"] = (o.read[4].arrived - o.read[1].arrived) / requests
	down := o.window(begin+500*time.Millisecond, end-200*time.Millisecond)
	v["not_502"] = percent(down, func(s *sample) bool { return s.status != 502 || s.latency > 100*time.Millisecond })
	v["back"] = percent(o.window(end+time.Second, o.times.Run), (*sample).failed)
	calm := v["calm_p99_ms"] / 1000
	const settle = 2 * time.Second // the limits may take to find their place, and to let go
	over := o.window(begin+settle, end)
	good := 0.0
	for i := range over {
		if !over[i].failed() && over[i].latency <= 250*time.Millisecond {
			good++
		}
	}
	v["within"] = 100 * good / (end - begin - settle).Seconds() / capacity
	v["admitted_ratio"] = p99Of(over) / calm
	after := o.window(end+settle, o.times.Run)
	v["recovered"] = percent(after, (*sample).failed)
	v["recovered_ratio"] = p99Of(after) / calm
}

// p99Of returns that of the latencies in seconds of those that did not fail,
// NaN of none.
func p99Of(all []sample) float64 {
	var good []time.Duration
	for i := range all {
		if !all[i].failed() {
			good = append(good, all[i].latency)
		}
	}
	if len(good) == 0 {
		return math.NaN()
	}
	slices.Sort(good)
	return good[min(len(good)-1, int(0.99*float64(len(good))))].Seconds()
}

func percent(all []sample, is func(*sample) bool) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	n := 0
	for i := range all {
		if is(&all[i]) {
			n++
		}
	}
	return 100 * float64(n) / float64(len(all))
}
