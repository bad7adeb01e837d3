package recording

import (
	"encoding"
	"encoding/binary"
	"time"

	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/learn"
	"poise/internal/stats"
)

// recordSize is that of a record in a file.
const recordSize = 8 + 8 + 8 + 8 + 4 + 2 + 2 + 1 + 1 + 1

func appendRecord(b []byte, r *lb.Record) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(r.Sent))
	b = le.AppendUint64(b, uint64(r.Took))
	b = le.AppendUint64(b, uint64(r.Latency))
	b = le.AppendUint64(b, r.Key)
	b = le.AppendUint32(b, r.Endpoint)
	b = le.AppendUint16(b, r.Inflight)
	b = le.AppendUint16(b, r.Route)
	return append(b, byte(r.Outcome), r.Attempt, byte(r.Flags))
}

func parseRecord(b []byte) lb.Record {
	le := binary.LittleEndian
	return lb.Record{
		Sent: stats.Instant(le.Uint64(b)), Took: time.Duration(le.Uint64(b[8:])), Latency: time.Duration(le.Uint64(b[16:])),
		Key: le.Uint64(b[24:]), Endpoint: le.Uint32(b[32:]), Inflight: le.Uint16(b[36:]), Route: le.Uint16(b[38:]),
		Outcome: min(lb.Outcome(b[40]), lb.OutcomeCount-1), Attempt: b[41], Flags: lb.Flags(b[42]),
	}
}

// view is a decide.View as plain data.
type view struct {
	Now       stats.Instant `json:"now"`
	Cluster   string        `json:"cluster"`
	Policy    string        `json:"policy"`
	Pinned    bool          `json:"pinned,omitempty"`
	Endpoints []endpoint    `json:"endpoints,omitempty"`
	Pending   []lb.Pending  `json:"pending,omitempty"`
	Lost      uint64        `json:"lost,omitempty"`
	Shed      uint64        `json:"shed,omitempty"`
	Foreign   float64       `json:"foreign,omitempty"`
	Cursor    uint64        `json:"cursor,omitempty"`
	Notes     []string      `json:"notes,omitempty"`
	Learner   []byte        `json:"learner,omitempty"`
	Affinity  []byte        `json:"affinity,omitempty"`
}

type endpoint struct {
	ID       uint32       `json:"id"`
	Address  string       `json:"address"`
	Weight   int          `json:"weight"`
	Zone     string       `json:"zone,omitempty"`
	Priority int          `json:"priority,omitempty"`
	Hash     uint64       `json:"hash"`
	Eligible bool         `json:"eligible"`
	Why      string       `json:"why,omitempty"`
	Live     lb.LiveState `json:"live"`
}

// Snapshot is a view as it was before a judge saw it: what is live in it goes
// on living.
type Snapshot struct{ view view }

// Take takes one.
func Take(v *decide.View) Snapshot { return Snapshot{plain(v, true)} }

func plain(v *decide.View, whole bool) view {
	p := view{
		Now: v.Now, Cluster: v.Cluster, Policy: v.Policy, Pinned: v.Pinned, Lost: v.Lost, Shed: v.Shed,
		Foreign: v.Foreign, Cursor: v.Cursor, Notes: v.Notes,
	}
	if !whole { // a step looks at nothing else
		return p
	}
	p.Pending = v.Pending
	for _, e := range v.Endpoints {
		p.Endpoints = append(p.Endpoints, endpoint{
			ID: e.ID, Address: e.Address, Weight: e.Weight, Zone: e.Zone, Priority: e.Priority, Hash: e.Hash,
			Eligible: e.Eligible, Why: e.Why, Live: e.Live.State(),
		})
	}
	if v.Learner != nil {
		p.Learner = bytesOf(v.Learner)
	}
	if v.Affinity != nil {
		p.Affinity = bytesOf(v.Affinity)
	}
	return p
}

func bytesOf(v any) []byte {
	if m, ok := v.(encoding.BinaryMarshaler); ok {
		if data, err := m.MarshalBinary(); err == nil {
			return data
		}
	}
	return nil
}

// live makes a view that a judge can judge.
func (p *view) live() (*decide.View, error) {
	v := &decide.View{
		Now: p.Now, Cluster: p.Cluster, Policy: p.Policy, Pinned: p.Pinned, Pending: p.Pending, Lost: p.Lost,
		Shed: p.Shed, Foreign: p.Foreign, Cursor: p.Cursor, Notes: p.Notes, Affinity: &lb.Affinity{},
	}
	var all []*lb.Endpoint
	for i := range p.Endpoints {
		e := &p.Endpoints[i]
		l := &lb.Live{}
		l.SetState(e.Live)
		end := &lb.Endpoint{
			ID: e.ID, Cluster: p.Cluster, Address: e.Address, Weight: e.Weight, Zone: e.Zone, Priority: e.Priority,
			Hash: e.Hash, Live: l, Stats: &lb.Stats{},
		}
		all = append(all, end)
		v.Endpoints = append(v.Endpoints, decide.EndpointView{Endpoint: end, Eligible: e.Eligible, Why: e.Why})
	}
	if u, ok := any(v.Affinity).(encoding.BinaryUnmarshaler); ok && p.Affinity != nil {
		if err := u.UnmarshalBinary(p.Affinity); err != nil {
			return nil, err
		}
	}
	if p.Learner == nil {
		return v, nil
	}
	learner := learn.New(learn.Options{Affinity: v.Affinity})
	if u, ok := any(learner).(encoding.BinaryUnmarshaler); ok {
		if err := u.UnmarshalBinary(p.Learner); err != nil {
			return nil, err
		}
		learner.Members(all)
		for i := range p.Endpoints { // Members publishes
			all[i].Live.SetState(p.Endpoints[i].Live)
		}
		v.Learner = learner
	}
	return v, nil
}
