package lb

import (
	"time"

	"poise/internal/stats"
)

// Record is one attempt as the decision engine sees it: a fixed size, no
// pointers, so that thousands of them are copied and kept without a thought.
//
// A client that left gives a record with Outcome Canceled and the latency so
// far. An attempt that is still under way has none; see Pending.
type Record struct {
	Sent     stats.Instant // when it was picked and counted as under way
	Took     time.Duration // from Sent until it was counted out again
	Latency  time.Duration // as Observation.Latency; 0 when there was no answer's head
	Key      uint64        // hash of the request's key; meaningful with the flag Keyed
	Endpoint uint32        // Endpoint.ID
	Inflight uint16        // at the endpoint just before this attempt was sent; 65535 for more
	Route    uint16        // index of the route; 65535 for more
	Outcome  Outcome
	Attempt  uint8 // 1 is the first; 255 for more
	Flags    Flags
}

// End is when the attempt was over.
func (r *Record) End() stats.Instant { return r.Sent.Add(r.Took) }

// Arrival reports whether the record stands for a request that came in, not
// for one that Poise itself sent again.
func (r *Record) Arrival() bool { return r.Attempt <= 1 && r.Flags&(Retry|Hedge) == 0 }

// Pending is an attempt that was still under way when a window was closed.
type Pending struct {
	Endpoint uint32
	Age      time.Duration
}
