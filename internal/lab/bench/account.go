package bench

import (
	"encoding/json"
	"math"
	"time"
)

// Account is what Poise's engine wrote down in a run, and what it could have
// found out.
type Account struct {
	Began   time.Time       `json:"began"`   // of the load
	Journal json.RawMessage `json:"journal"` // a page of GET /api/v1/decisions
	Workers []string        `json:"workers"` // their addresses, in the order of the scenario's endpoints
	Busy    []float64       `json:"busy"`    // share of its slots that each was at work over the measured span; nil where events or caches change what a job takes
}

// AccountOf reads that of a cell, an empty one where there is none.
func AccountOf(c *Cell) (a Account) {
	if json.Unmarshal(c.Detail["account"], &a) != nil {
		return Account{}
	}
	return a
}

func (p *play) account() *Account {
	if p.of.Program != poise || p.journal == nil {
		return nil
	}
	return &Account{p.began.UTC(), p.journal, p.stage.workers, p.busy()}
}

func (p *play) busy() []float64 {
	if p.sc.Keys.Count > 0 || len(p.sc.Events) > 0 {
		return nil
	}
	all := make([]float64, len(p.sc.Endpoints))
	for _, s := range p.measured() {
		if s.Worker < 0 || s.Worker >= len(all) || s.N >= len(p.plan) {
			continue
		}
		e := &p.sc.Endpoints[s.Worker].Settings
		slowness := e.Slow * serviceOf(e).Seconds() / base(p.sc).Seconds()
		all[s.Worker] += p.plan[s.N].Work.Seconds() * slowness / (float64(e.Slots) * (p.sc.Run - p.sc.Warm).Seconds())
	}
	for i := range all {
		all[i] = math.Round(1000*all[i]) / 1000
	}
	return all
}
