package sim

import "poise/internal/stats"

// kind is what happens at a moment.
type kind uint8

const (
	changes  kind = iota // an event of the scenario
	reaches              // an attempt reaches its endpoint
	finishes             // the work on an attempt is done, in a slot of its own
	departs              // the next of those that share cores is done
	answers              // an answer reaches its balancer
	stalls               // an endpoint stops
	resumes              // and goes on
	ticks                // a guard's tick
	drains               // the engine takes what was recorded
)

// event is something that will happen. A version that is not the latest of
// what it is about makes it void.
type event struct {
	at      stats.Instant
	kind    kind
	of      int32 // number of the event of the scenario, the endpoint or the balancer
	version uint32
	attempt *attempt
}

// calendar is a heap with four children a node: less deep than a binary one,
// and a comparison is cheaper than a miss of the cache.
type calendar struct{ events []event }

func (c *calendar) empty() bool { return len(c.events) == 0 }

func (c *calendar) add(e event) {
	c.events = append(c.events, e)
	h, i := c.events, len(c.events)-1
	for i > 0 {
		parent := (i - 1) / 4
		if h[parent].at <= e.at {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
}

func (c *calendar) take() event {
	h := c.events
	first, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{}
	h = h[:len(h)-1]
	c.events = h
	if len(h) == 0 {
		return first
	}
	i := 0
	for {
		least := -1
		for child := 4*i + 1; child <= 4*i+4 && child < len(h); child++ {
			if least < 0 || h[child].at < h[least].at {
				least = child
			}
		}
		if least < 0 || h[least].at >= last.at {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = last
	return first
}
