// Package cluster owns the endpoints of a cluster: which there are, which may
// be picked, and by what policy. Every change makes a new immutable Snapshot;
// a request reads the current one with a single atomic load.
package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"poise/internal/balance"
	"poise/internal/lb"
)

// ErrNoSuchEndpoint is wrapped by errors about an address that the cluster
// does not have.
var ErrNoSuchEndpoint = errors.New("no such endpoint")

// untilEngine is what adaptive runs while there is no decision engine.
const untilEngine = "hot-cold"

const adaptiveNote = "adaptive runs " + untilEngine + " until the decision engine exists"

// Options are what a cluster goes by.
type Options struct {
	Name     string
	Policy   string // of lb.Policies, or lb.Adaptive
	Builders map[string]balance.Builder
	Balance  balance.Options
	Affinity *lb.Affinity // what is learnt of keys; nil for nothing
	// Panic is the share of usable endpoints, in [0, 1], below which health is
	// ignored. 0 means never.
	Panic float64
	// AwaitCheck makes a new endpoint wait for its first health check.
	AwaitCheck bool
	// Attach gives an endpoint what the transport keeps for its address, and
	// a function that takes it away when the address leaves the cluster.
	Attach func(*lb.Endpoint) (transport any, detach func())
	// Guard ejects endpoints; nil when nobody does.
	Guard    Guard
	Wall     func() time.Time
	OnChange func(Event)
}

// Guard is what a cluster asks of what ejects its endpoints. It is called with
// the cluster's lock held and must not call back.
type Guard interface {
	// Watch is told before each snapshot which endpoints are enabled in the
	// tier in use, and for each whether the checks find it well.
	Watch(enabled []*lb.Endpoint, well []bool)
	// Ejected reports whether e is out, in which state, and whether that is
	// ignored because too few are left.
	Ejected(e *lb.Endpoint) (state State, out, ignored bool)
}

// Spec is an endpoint as it is configured.
type Spec struct {
	Address  string // host:port
	Weight   int    // 0 means 1
	Zone     string
	Priority int
}

// Event is a change that an operator wants to read about.
type Event struct {
	Cluster  string
	Endpoint string // "" when it is about the cluster
	What     string // "state", "policy" or "panic"
	From, To string
	Reason   string
}

// Snapshot is a cluster at one moment. It never changes.
type Snapshot struct {
	Version    uint64
	Policy     string // that picks
	Configured string // what the file says
	Pinned     bool
	PinnedAt   time.Time
	Note       string
	Members    []*lb.Endpoint
	Eligible   []*lb.Endpoint
	States     []State // one for each member
	Panic      bool    // too few are usable: health is ignored
	Tier       int     // priority of the endpoints in use
	Picker     balance.Picker

	sticky map[uint64]*lb.Endpoint
}

// ByHash returns the endpoint whose address has the hash, when it takes the
// requests of clients that were with it before: a drained one still does.
func (s *Snapshot) ByHash(hash uint64) (*lb.Endpoint, bool) {
	e, ok := s.sticky[hash]
	return e, ok
}

// Cluster publishes snapshots. Its methods may be called from any goroutine.
type Cluster struct {
	options  Options
	snapshot atomic.Pointer[Snapshot]
	cursor   balance.Cursor

	mu         sync.Mutex // serialises publishers
	members    []*member
	configured string
	pinned     string
	pinnedAt   time.Time
	lastID     uint32
	gone       lb.Totals // of endpoints that have left
	leaving    []leaver
}

// New returns a cluster with its first snapshot published.
func New(o Options, specs []Spec) *Cluster {
	c := &Cluster{options: o, configured: o.Policy}
	c.SetEndpoints(specs)
	return c
}

// Name returns the cluster's name.
func (c *Cluster) Name() string { return c.options.Name }

// Snapshot returns the current snapshot, never nil.
func (c *Cluster) Snapshot() *Snapshot { return c.snapshot.Load() }

// SetEndpoints makes specs the endpoints. An address that stays keeps its
// counters, its state and its connections.
func (c *Cluster) SetEndpoints(specs []Spec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := map[string]*member{}
	for _, m := range c.members {
		old[m.endpoint.Address] = m
	}
	var next []*member
	for _, s := range specs {
		if m := old[s.Address]; m != nil {
			delete(old, s.Address)
			next = append(next, m.reshaped(s))
			continue
		}
		next = append(next, c.newMember(s))
	}
	slices.SortFunc(next, func(a, b *member) int { return cmp.Compare(a.endpoint.Address, b.endpoint.Address) })
	c.members = next
	c.publish()
	for _, m := range old {
		c.retire(m)
	}
	c.settle()
}

func (c *Cluster) newMember(s Spec) *member {
	c.lastID++
	e := &lb.Endpoint{
		ID: c.lastID, Cluster: c.options.Name, Address: s.Address, Weight: max(s.Weight, 1), Zone: s.Zone, Priority: s.Priority,
		Hash: xxhash.Sum64String(s.Address), Live: &lb.Live{}, Stats: &lb.Stats{},
	}
	m := &member{endpoint: e, operator: Enable, since: c.options.Wall()}
	if c.options.AwaitCheck {
		m.health = unchecked
	}
	if c.options.Attach != nil {
		e.Transport, m.detach = c.options.Attach(e)
	}
	return m
}

// retire ends a member that has left. Requests that hold it finish: closing
// its pool closes only the connections that wait.
func (c *Cluster) retire(m *member) {
	c.leaving = append(c.leaving, leaver{m.endpoint, c.options.Wall()})
	if m.detach != nil {
		m.detach()
	}
}

// Configure changes what the file says. An operator's pin stays, unless the
// file changed that very key.
func (c *Cluster) Configure(policy string, panicShare float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if policy != c.configured {
		c.pinned = ""
	}
	c.configured = policy
	c.options.Panic = panicShare
	c.publish()
}

// Pin makes a policy the one that picks, over what the file says. Adaptive
// takes the pin away where the file says adaptive, and otherwise lets the
// engine choose. The error lists the policies.
func (c *Cluster) Pin(policy string) error {
	if policy == "least-connections" {
		policy = "least-request"
	}
	if !c.known(policy) {
		return fmt.Errorf("there is no policy %q; there are %s and %s", policy, strings.Join(lb.Policies, ", "), lb.Adaptive)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pinned, c.pinnedAt = policy, c.options.Wall()
	if policy == lb.Adaptive && c.configured == lb.Adaptive {
		c.pinned = ""
	}
	c.publish()
	return nil
}

func (c *Cluster) known(policy string) bool {
	return policy == lb.Adaptive || c.options.Builders[policy] != nil
}

// publish makes the next snapshot of what the cluster is now. The caller holds
// the lock.
func (c *Cluster) publish() {
	old := c.snapshot.Load()
	s := &Snapshot{Version: 1, Configured: c.configured, Policy: c.configured, sticky: map[uint64]*lb.Endpoint{}}
	if c.pinned != "" {
		s.Policy, s.Pinned, s.PinnedAt = c.pinned, true, c.pinnedAt
	}
	if s.Policy == lb.Adaptive {
		s.Policy, s.Note = untilEngine, adaptiveNote
	}
	for _, m := range c.members {
		s.Members = append(s.Members, m.endpoint)
		s.States = append(s.States, m.state())
		if m.takesSticky() {
			s.sticky[m.endpoint.Hash] = m.endpoint
		}
	}
	s.Eligible, s.Tier, s.Panic = eligible(c.members, c.options.Panic)
	if c.options.Guard != nil {
		c.leaveOutEjected(s)
	}
	s.Picker = c.options.Builders[s.Policy](balance.Set{Members: s.Members, Eligible: s.Eligible, Cursor: &c.cursor, Affinity: c.options.Affinity}, c.options.Balance)
	if old != nil {
		s.Version = old.Version + 1
	}
	c.snapshot.Store(s)
	c.report(old, s)
}

// Refresh publishes once more: the guard has ejected or readmitted somebody.
func (c *Cluster) Refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.publish()
}

// report tells what a publish changed for the cluster as a whole.
func (c *Cluster) report(old, s *Snapshot) {
	event := Event{Cluster: c.options.Name, What: "policy", To: s.Policy, Reason: s.Note}
	if old != nil {
		event.From = old.Policy
		if s.Pinned && event.Reason == "" {
			event.Reason = "pinned by the operator"
		}
	}
	if event.From != event.To || old.Pinned != s.Pinned {
		c.tell(event)
	}
	if old != nil && old.Panic != s.Panic {
		c.tell(panicEvent(c.options.Name, s))
	}
}

func panicEvent(cluster string, s *Snapshot) Event {
	e := Event{Cluster: cluster, What: "panic", From: "on", To: "off", Reason: "enough endpoints are healthy again"}
	if s.Panic {
		e.From, e.To = "off", "on"
		e.Reason = fmt.Sprintf("too few of %d endpoints are healthy, so health is ignored", len(s.Members))
	}
	return e
}
