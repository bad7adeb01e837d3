package guard

import (
	"time"

	"poise/internal/guard/flight"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Ticket stands for one attempt under way. Whoever makes attempts keeps it and
// uses it again for the next, so that an attempt allocates nothing. All
// methods but Taken and Sent are for the owner alone.
type Ticket struct {
	flight.Ticket
	at    *Endpoint
	trial uint64 // number of the trial, when it is one
}

// Entry says what an attempt is that begins.
type Entry struct {
	Now        stats.Instant
	Flags      lb.Flags      // with lb.Trial when Pick said so
	Replayable bool          // idempotent and held whole: may be sent elsewhere
	Uploading  bool          // the client is still sending; Ticket.Sent will follow
	Usual      *flight.Usual // of its route; nil when nothing is known of it
}

// Open counts an attempt at e in. Close follows exactly once, whatever
// happens.
func (g *Guard) Open(t *Ticket, e *lb.Endpoint, n Entry) {
	t.at = of(e)
	if t.at == nil {
		return
	}
	a := flight.Attempt{Now: n.Now, Trial: n.Flags&lb.Trial != 0, Replayable: n.Replayable, Uploading: n.Uploading, Usual: n.Usual}
	if a.Trial {
		t.trial, _, _ = t.at.trials.Read()
	}
	t.at.open.Begin(&t.Ticket, a)
}

// End says how an attempt ended.
type End struct {
	Now     stats.Instant
	Latency time.Duration // 0 when there was no answer's head
	Outcome lb.Outcome
}

// Close counts the attempt out, and judges its endpoint when it failed. It
// reports whether the attempt was taken back: its request is sent elsewhere,
// and the budget was charged for that.
func (g *Guard) Close(t *Ticket, n End) (taken bool) {
	e := t.at
	if e == nil {
		return false
	}
	t.at = nil
	w := e.open.End(&t.Ticket, n.Latency)
	switch {
	case w.Trial():
		g.closeTrial(e, t.trial, n)
	case n.Outcome != lb.Canceled:
		failed := n.Outcome.Failed()
		e.ended.Add(n.Now, failed)
		switch {
		case failed:
			e.row.Fail(n.Now)
			g.judge(e, n.Now)
		case n.Outcome == lb.Success:
			e.row.Break()
		}
	}
	if g.queue.Len() > 0 {
		g.queue.Next(n.Now)
	}
	return w.Taken()
}

// Usuals returns what is usual of each of these routes; those that it does not
// name are forgotten. It is called with the table that they come from.
func (g *Guard) Usuals(routes []string) []*flight.Usual {
	g.mu.Lock()
	defer g.mu.Unlock()
	kept := make(map[string]*flight.Usual, len(routes))
	all := make([]*flight.Usual, len(routes))
	for i, name := range routes {
		u := kept[name]
		if u == nil {
			u = g.usual[name]
		}
		if u == nil {
			u = &flight.Usual{}
		}
		kept[name], all[i] = u, u
	}
	g.usual = kept
	return all
}
