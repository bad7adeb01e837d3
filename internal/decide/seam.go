// Package decide is the judgement.
package decide

import (
	"poise/internal/lb"
	"poise/internal/stats"
)

type Mode uint8

const (
	Auto Mode = iota
	Advise2
	Freeze
)

type EndpointView struct {
	*lb.Endpoint
	Eligible bool
	Why      string
}

type View struct {
	Now       stats.Instant
	Cluster   string
	Policy    string
	Pinned    bool
	Endpoints []EndpointView
	Pending   []lb.Pending
	Lost      uint64
	Shed      uint64
	Foreign   float64
	Cursor    uint64
	Notes     []string
}
