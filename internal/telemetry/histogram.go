package telemetry

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"poise/internal/stats"
)

// The classic buckets reach from 2^-13 s (0.12 ms) to 2^5 s.
const (
	lowestClassic  = -13
	highestClassic = 5
)

// nativeSchema is the resolution of stats.Histogram in Prometheus' terms.
const nativeSchema = 4

// histogram is a metric that carries a snapshot both as a native histogram
// and in classic buckets; a scraper takes the one that it understands. Both
// are exact: the bounds are those of the snapshot's own buckets.
type histogram struct {
	native  prometheus.Metric
	classic []*dto.Bucket
}

func newHistogram(d *prometheus.Desc, s *stats.Snapshot, labels ...string) prometheus.Metric {
	positive := map[int]int64{}
	for b := range s.Buckets() {
		positive[b.Index] = int64(b.Count)
	}
	if over := s.Over(); over > 0 { // outside the range: the next bucket is the nearest that is true
		positive[stats.MaxExponent*16+1] = int64(over)
	}
	native := prometheus.MustNewConstNativeHistogram(d, s.Count(), s.Sum().Seconds(), positive, nil,
		s.Under(), nativeSchema, math.Ldexp(1, stats.MinExponent), time.Time{}, labels...)
	h := &histogram{native: native}
	for exponent, n := range s.Cumulative(lowestClassic, highestClassic) {
		bound := math.Ldexp(1, exponent)
		h.classic = append(h.classic, &dto.Bucket{UpperBound: &bound, CumulativeCount: &n})
	}
	return h
}

// Desc implements prometheus.Metric.
func (h *histogram) Desc() *prometheus.Desc { return h.native.Desc() }

// Write implements prometheus.Metric.
func (h *histogram) Write(m *dto.Metric) error {
	if err := h.native.Write(m); err != nil {
		return err
	}
	m.Histogram.Bucket = h.classic
	return nil
}
