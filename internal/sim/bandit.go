package sim

import (
	"fmt"
	"math"
	"time"

	"poise/internal/decide"
	"poise/internal/lb"
	"poise/internal/stats"
)

// bandit is the baseline that knows nothing but what each policy cost when it
// ran: discounted UCB (Garivier and Moulines 2011). It keeps a policy for as
// long as the engine must, so that both switch equally often at most.
type bandit struct {
	arms  []arm
	now   int // the arm that runs
	since stats.Instant
	costs []float32
}

// arm is one policy and what it cost, older times counting less.
type arm struct {
	policy string
	n, sum float64
}

const (
	banditDwell    = 60 * time.Second
	banditDiscount = 0.9 // a dwell
	banditWide     = 0.3 // of the exploration, in logarithms of the loss
)

func newBandit(policies []string, now stats.Instant) *bandit {
	b := &bandit{since: now}
	for _, p := range policies {
		b.arms = append(b.arms, arm{policy: p})
	}
	return b
}

func (b *bandit) observe(records []lb.Record) {
	for i := range records {
		r := &records[i]
		cost := float32(r.Latency.Seconds())
		if r.Outcome.Failed() {
			cost = float32(FailureCost.Seconds())
		}
		b.costs = append(b.costs, cost)
	}
}

func (b *bandit) tick(m *mind, now stats.Instant) {
	if now.Sub(b.since) < banditDwell || len(b.costs) == 0 {
		return
	}
	loss := Loss(b.costs)
	b.costs = b.costs[:0]
	b.since = now
	for i := range b.arms {
		b.arms[i].n *= banditDiscount
		b.arms[i].sum *= banditDiscount
	}
	a := &b.arms[b.now]
	a.n++
	a.sum -= math.Log(loss)
	b.now = b.choose()
	to := b.arms[b.now].policy
	told := Told{At: now.Sub(start), Action: decide.Hold, Text: fmt.Sprintf("%s cost %s; next is %s", m.b.policy, stats.Readable(loss), to)}
	if to != m.b.policy {
		told.Action = decide.Switch
	}
	m.decisions = append(m.decisions, told)
	m.run(to, 1, now)
}

// choose returns an arm that never ran, else the one with the best upper
// bound.
func (b *bandit) choose() int {
	total := 0.0
	for i := range b.arms {
		if b.arms[i].n == 0 {
			return i
		}
		total += b.arms[i].n
	}
	best, most := 0, math.Inf(-1)
	for i := range b.arms {
		a := &b.arms[i]
		if v := a.sum/a.n + banditWide*math.Sqrt(max(0, math.Log(total))/a.n); v > most {
			best, most = i, v
		}
	}
	return best
}
