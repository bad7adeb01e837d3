package twin

import (
	"time"

	"poise/internal/stats"
)

// Fitted is what the model says of one endpoint.
type Fitted struct {
	ID      uint32
	Address string

	Slots   int  // requests worked on at once
	Bounded bool // more were under way; false: Slots is a guess, nobody saw more
	Least   int  // fewer slots are refuted beyond doubt; 0: nothing is known
	Limit   int  // and more are; 0: nothing is known
	Most    int  // under way at once, but for a few times
	Sharing bool // works on everything at once instead of in turn

	Service  float64 // seconds, mean without waiting
	CV       float64 // of it
	LogMean  float64
	LogSE    float64
	Quick    float64 // seconds; 5 % of the requests are quicker
	Samples  int     // times of service in this window; below 40 some are remembered
	Attempts int
	Failures int
	Failing  float64 // share
	Slowest  float64 // in the slowest second over the window's mean
	Lately   float64 // in the last quarter of the window, over the window's mean
	Known    bool    // anything is known of its time of service
}

// Endpoints returns what is known of each endpoint, in the order of the input.
func (m *Model) Endpoints() []Fitted {
	out := make([]Fitted, len(m.stations))
	for i := range m.stations {
		s := &m.stations[i]
		f := Fitted{
			ID: s.id, Address: s.address, Slots: s.slots, Bounded: s.bounded, Least: s.least, Limit: s.limit, Most: s.most, Sharing: s.sharing,
			Service: s.mean, CV: s.cv, LogMean: s.logMean, LogSE: s.logSE, Quick: s.quick, Samples: s.fresh,
			Attempts: s.attempts, Failures: s.failures, Failing: s.failing, Known: len(s.service) > 0, Slowest: 1, Lately: 1,
		}
		for _, v := range s.slow {
			f.Slowest = max(f.Slowest, v)
		}
		if n := len(s.slow); n > 0 {
			f.Lately = stats.Median(s.slow[n-(n+3)/4:])
		}
		out[i] = f
	}
	return out
}

// Load returns the share of the capacity in use, over the endpoints that may
// be picked. Where endpoints differ in speed it is what the slots of an
// average request would be.
func (m *Model) Load() float64 {
	return m.LoadIn(Scenario{})
}

// Burstiness is the variance over the mean of arrivals in tenths of a second:
// 1 for requests that come independently of each other.
func (m *Model) Burstiness() float64 {
	const slot = 100 * time.Millisecond
	counts := make([]float64, int((m.end-m.begin)/slot))
	for i := range m.jobs {
		if n := int((m.jobs[i].at - m.begin) / slot); n >= 0 && m.jobs[i].at >= m.begin && n < len(counts) {
			counts[n]++
		}
	}
	var all moments
	for _, c := range counts {
		all.add(c)
	}
	if all.sum == 0 {
		return 0
	}
	return all.sd() * all.sd() / all.mean()
}

// Reuse returns the mean time of service of requests whose key the endpoint
// had within its last 64 requests, over that of keys new to it. on says that
// the difference is beyond doubt; without any keys the ratio is 0.
func (m *Model) Reuse() (ratio float64, on bool) {
	if m.reuse.far == 0 {
		return 0, false
	}
	return m.reuse.near / m.reuse.far, m.reuse.on
}

// Spread is the coefficient of variation of the times of service, over the
// endpoints and weighed by their requests.
func (m *Model) Spread() float64 {
	var sum, n float64
	for i := range m.stations {
		s := &m.stations[i]
		sum += s.cv * float64(s.fresh)
		n += float64(s.fresh)
	}
	if n == 0 {
		return 0
	}
	return sum / n
}
