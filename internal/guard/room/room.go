// Package room says whether a cluster has room to do without an endpoint.
//
// An ejection moves load. It helps when the endpoint is sick and the rest has
// room; when the endpoint is only loaded, its share makes the rest wait, time
// out and go next, until as many are out as may be. So an endpoint that still
// answers goes on loan: not when it does the work of its peers while they wait
// for each other already (loaded), not when the others have no room, and it is
// called back as soon as they are worse off without it than they were with it.
// One that fails fast or gives no answers at all takes nothing over, and none
// of this keeps it in. docs/adr/0026 has what was tried.
package room

import (
	"math"
	"slices"
	"time"

	"poise/internal/guard/journal"
	"poise/internal/stats"
)

// Crowding is the others' median over what it is when they are idle. At Busy
// those with a queue and several slots are at 75 to 85 % of what they can do,
// at crowded at 95 %; those whose requests share a core are at 33 and at 75 %.
const (
	Busy    = 1.5
	crowded = 4
)

const (
	// worksFor is the part of its peers' answers from which on an endpoint does
	// its work, however slow they are.
	worksFor = 0.8

	leastAnswers = 20 // of which a median is believed
	idleBlock    = 500
	idleFor      = 5 * time.Minute // that a median of the idle cluster is remembered at least
)

// Room is what is known of the load of a cluster. The zero value knows nothing.
type Room struct {
	block    stats.Snapshot // answers since the last block of idleBlock
	idle     [2]idle        // the block with the lowest median: of the time that runs, and of the one before
	turned   stats.Instant
	heldTill stats.Instant // until when nothing is lent
	recalls  int           // in a row, each doubling that time
	crowd    float64       // of all, at the last reading
}

// idle is what answers take while the cluster has little to do.
type idle struct{ median, mean time.Duration }

// Add takes answers of an endpoint that are new.
func (r *Room) Add(answers *stats.Snapshot) { r.block.Add(answers) }

// Turn takes the reading of a second, after what is new was added: the answers
// of the last windows of all endpoints.
func (r *Room) Turn(all *stats.Snapshot, now stats.Instant) {
	if now.Sub(r.turned) >= idleFor {
		r.idle[1], r.idle[0], r.turned = r.idle[0], idle{}, now
	}
	if r.block.Count() >= idleBlock {
		if d := r.block.Quantile(0.5); r.idle[0].median == 0 || d < r.idle[0].median {
			r.idle[0] = idle{d, MeanOf(&r.block)}
		}
		r.block = stats.Snapshot{}
	}
	r.crowd = r.Crowding(all)
}

// Crowd is the crowding of all endpoints at the last reading.
func (r *Room) Crowd() float64 { return r.crowd }

// MeanOf is the mean of latencies, 0 of none.
func MeanOf(s *stats.Snapshot) time.Duration {
	return s.Sum() / time.Duration(max(s.Count(), 1))
}

// whenIdle is what answers take when the cluster has little to do, 0 when that
// is not known.
func (r *Room) whenIdle() idle {
	if r.idle[0].median == 0 || r.idle[1].median > 0 && r.idle[1].median < r.idle[0].median {
		return r.idle[1]
	}
	return r.idle[0]
}

// Crowding is the median of these answers over that of the idle cluster, 1
// when either is not known.
func (r *Room) Crowding(s *stats.Snapshot) float64 { return r.CrowdingAt(s, 0.5) }

// CrowdingAt is a quantile of these answers over the median of the idle
// cluster, 1 when either is not known.
func (r *Room) CrowdingAt(s *stats.Snapshot, q float64) float64 {
	idle := r.whenIdle().median
	if idle == 0 || s.Count() < leastAnswers {
		return 1
	}
	return s.Quantile(q).Seconds() / idle.Seconds()
}

// CrowdingNow is how many wait for an answer, at the least that chance leaves
// of them, over how many would if the cluster were idle (Little's law): rate is
// of answers a second, queues are those that wait, by endpoint. A burst is seen
// by it before the answers are late; 0 when nothing is known. One with a long
// queue counts as one with twice that of the typical one: it is sick itself, or
// the next to be judged. It changes the order of queues.
func (r *Room) CrowdingNow(rate float64, queues []float64) float64 {
	slices.Sort(queues)
	waiting := 0.0
	for _, q := range queues {
		waiting += min(q, 2*queues[(len(queues)-1)/2]+2)
	}
	usual := rate * r.whenIdle().mean.Seconds()
	if usual == 0 {
		return 0
	}
	return max(waiting-2*math.Sqrt(waiting), 0) / usual
}

// Plea is what speaks for keeping an endpoint that answers.
type Plea struct {
	Crowd  float64 // of the others
	Share  float64 // of what its typical peer answers
	Known  bool    // what Share is
	Failed bool    // it is accused of failures: what failed here would fail there
	Behind bool    // it is accused of falling behind: of a burst many wait where all is well
}

// Gate returns what keeps an endpoint in that answers, 0 for nothing.
func (r *Room) Gate(p Plea, now stats.Instant) journal.Gate {
	most := float64(crowded)
	if p.Failed {
		most = RecallCrowd
	}
	switch {
	case p.Known && p.Share >= worksFor && (p.Crowd >= Busy || p.Behind):
		return journal.Loaded
	case now < r.heldTill || p.Crowd >= most:
		return journal.NoRoom
	}
	return 0
}
