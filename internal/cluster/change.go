package cluster

import (
	"fmt"
	"time"
)

// SetHealth is told what the checks say of an address. An address that has
// left meanwhile is ignored.
func (c *Cluster) SetHealth(address string, well bool, reason string) {
	c.change(address, reason, func(m *member) {
		m.health = unhealthy
		if well {
			m.health = healthy
		}
		m.reason = reason
	})
}

// SetChecked says whether endpoints are checked from now on. When they are
// not, all count as healthy: nobody would say so later.
func (c *Cluster) SetChecked(checked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options.AwaitCheck = checked
	if checked {
		return
	}
	var changed []Event
	for i, m := range c.members {
		next := *m
		next.health, next.reason = healthy, ""
		if e, ok := c.moved(m, &next, "its health is not checked any more"); ok {
			changed = append(changed, e)
		}
		c.members[i] = &next
	}
	c.publish()
	c.tell(changed...)
}

// moved stamps a member whose state is another than before, and returns the
// event to tell of it once it is published.
func (c *Cluster) moved(old, next *member, reason string) (Event, bool) {
	before, after := old.state().Word, next.state().Word
	if before == after {
		return Event{}, false
	}
	next.since = c.options.Wall()
	return Event{Cluster: c.options.Name, Endpoint: next.endpoint.Address, What: "state", From: before, To: after, Reason: reason}, true
}

func (c *Cluster) tell(events ...Event) {
	if c.options.OnChange == nil {
		return
	}
	for _, e := range events {
		c.options.OnChange(e)
	}
}

// SetOperator takes an operator's word on an address.
func (c *Cluster) SetOperator(address string, word Operator) error {
	if !c.change(address, "operator", func(m *member) { m.operator = word }) {
		return fmt.Errorf("%w: cluster %s has no endpoint %s", ErrNoSuchEndpoint, c.options.Name, address)
	}
	return nil
}

// change changes one member, publishes, and tells of it when its state is
// another. It reports whether there is such a member.
func (c *Cluster) change(address, reason string, f func(*member)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.members {
		if m.endpoint.Address != address {
			continue
		}
		next := *m
		f(&next)
		e, moved := c.moved(m, &next, reason)
		c.members[i] = &next
		c.publish()
		if moved {
			c.tell(e)
		}
		return true
	}
	return false
}

// Overrides are the words of an operator that outlive a restart.
type Overrides struct {
	Policy      string               `json:"policy,omitempty"` // pinned
	PolicyAt    time.Time            `json:"policy_at,omitzero"`
	Over        string               `json:"over,omitempty"`         // the configured policy that it was pinned over
	Engine      Mode                 `json:"engine,omitempty"`       // mode
	EngineAt    time.Time            `json:"engine_at,omitzero"`     // when it was said
	EngineOver  Mode                 `json:"engine_over,omitempty"`  // the configured mode that it was said over
	Endpoints   map[string]string    `json:"endpoints,omitempty"`    // word by address
	EndpointsAt map[string]time.Time `json:"endpoints_at,omitempty"` // when it was said
}

// Overrides returns what an operator said.
func (c *Cluster) Overrides() Overrides {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := Overrides{Policy: c.pinned}
	if c.pinned != "" {
		o.PolicyAt, o.Over = c.pinnedAt, c.configured
	}
	if c.mode != "" {
		o.Engine, o.EngineAt, o.EngineOver = c.mode, c.modeAt, c.options.Mode
	}
	for _, m := range c.members {
		if m.operator != Enable {
			if o.Endpoints == nil {
				o.Endpoints, o.EndpointsAt = map[string]string{}, map[string]time.Time{}
			}
			o.Endpoints[m.endpoint.Address] = m.operator.String()
			o.EndpointsAt[m.endpoint.Address] = m.since
		}
	}
	return o
}

// Restore takes overrides of an earlier run over. A pin or a mode does not
// come back when the file has changed that key since; an endpoint that is no
// longer there is passed over.
func (c *Cluster) Restore(o Overrides) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Policy != "" && o.Over == c.configured && c.known(o.Policy) {
		c.pinned, c.pinnedAt = o.Policy, o.PolicyAt
	}
	if mode, err := ParseMode(string(o.Engine)); err == nil && o.EngineOver == c.options.Mode {
		c.mode, c.modeAt = mode, o.EngineAt
	}
	for i, m := range c.members {
		word, err := ParseOperator(o.Endpoints[m.endpoint.Address])
		if err != nil || word == Enable {
			continue
		}
		next := *m
		next.operator = word
		if at := o.EndpointsAt[m.endpoint.Address]; !at.IsZero() {
			next.since = at
		}
		c.members[i] = &next
	}
	c.publish()
}
