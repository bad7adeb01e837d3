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
	for i, m := range c.members {
		next := *m
		next.health, next.reason = healthy, ""
		c.members[i] = &next
	}
	c.publish()
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
		before, after := m.state().Word, next.state().Word
		if before != after {
			next.since = c.options.Wall()
		}
		c.members[i] = &next
		c.publish()
		if before != after && c.options.OnChange != nil {
			c.options.OnChange(Event{Cluster: c.options.Name, Endpoint: address, What: "state", From: before, To: after, Reason: reason})
		}
		return true
	}
	return false
}

// Overrides are the words of an operator that outlive a restart.
type Overrides struct {
	Policy    string            `json:"policy,omitempty"` // pinned
	PolicyAt  time.Time         `json:"policy_at,omitzero"`
	Over      string            `json:"over,omitempty"` // the configured policy that it was pinned over
	Endpoints map[string]string `json:"endpoints,omitempty"`
}

// Overrides returns what an operator said.
func (c *Cluster) Overrides() Overrides {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := Overrides{Policy: c.pinned}
	if c.pinned != "" {
		o.PolicyAt, o.Over = c.pinnedAt, c.configured
	}
	for _, m := range c.members {
		if m.operator != Enable {
			if o.Endpoints == nil {
				o.Endpoints = map[string]string{}
			}
			o.Endpoints[m.endpoint.Address] = m.operator.String()
		}
	}
	return o
}

// Restore takes overrides of an earlier run over. A pin does not come back
// when the file has changed the policy since; an endpoint that is no longer
// there is passed over.
func (c *Cluster) Restore(o Overrides) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Policy != "" && o.Over == c.configured && (c.options.Builders[o.Policy] != nil) {
		c.pinned, c.pinnedAt = o.Policy, o.PolicyAt
	}
	for i, m := range c.members {
		word, err := ParseOperator(o.Endpoints[m.endpoint.Address])
		if err != nil || word == Enable {
			continue
		}
		next := *m
		next.operator = word
		c.members[i] = &next
	}
	c.publish()
}
