package twin

import (
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
)

// taught is the policy that picks by what was learnt.
const taught = "expected-delay"

// teach gives a policy that learns a copy of what was learnt, which goes on
// learning from the replay.
func (r *replay) teach(policy string, set *balance.Set) {
	if policy != taught || r.m.in.Teach == nil || r.m.in.Options.Ablate.ColdStart {
		return
	}
	r.learner, set.Affinity = r.m.in.Teach(r.ends, r.alike())
}

// alike says whose knowledge the added endpoints begin with.
func (r *replay) alike() (all []Alike) {
	for i := range r.parts {
		if p := &r.parts[i]; p.like != 0 {
			all = append(all, Alike{ID: p.ID, Like: p.like})
		}
	}
	return all
}

func (r *replay) learn(at time.Duration, i int32, outcome lb.Outcome) {
	j, o := &r.jobs[i], &r.out[i]
	rec := lb.Record{
		Sent: r.m.in.Now.Add(j.at), Took: at - j.at, Latency: o.latency, Key: j.key,
		Endpoint: r.ends[r.went[i]].ID, Inflight: uint16(min(r.met[i], 65535)), Outcome: outcome, Attempt: 1,
	}
	if j.keyed >= 0 {
		rec.Flags |= lb.Keyed
	}
	r.learner.Observe(&rec)
	if at-r.ticked >= tickEvery {
		r.ticked = at
		r.learner.Tick(r.m.in.Now.Add(at))
	}
}
