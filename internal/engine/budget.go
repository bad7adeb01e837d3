package engine

import "time"

const (
	// budgetShare is how much of one core the engine may use in the long run, and
	// budgetDepth how far it may work ahead: whatever minute is looked at, it has
	// not used more than 1 % of it, a judgement that takes half as long again as
	// the one before included.
	budgetShare = 0.0085 * slower
	budgetDepth = 50 * time.Millisecond * slower
	// mostDebt is how far it can be behind, when learning alone takes more.
	mostDebt = 3 * time.Second
	// sliceWork is how long the engine works before it steps aside while it
	// judges, and slicePause is for how long: on one core nobody waits longer
	// for it than for the scheduler.
	sliceWork  = 500 * time.Microsecond
	slicePause = 2 * time.Millisecond
)

// budget keeps the engine's work below its share of a core.
type budget struct {
	left  time.Duration // CPU time that may be used now; below 0 when too much was
	at    time.Time
	spent time.Duration // reading of the thread's clock
	used  time.Duration // in all
}

// settle takes off what was used since the last call and adds what time
// allows.
func (b *budget) settle(now time.Time, spent time.Duration) {
	if b.at.IsZero() {
		b.at, b.spent, b.left = now, spent, budgetDepth
	}
	allowed := time.Duration(budgetShare * float64(max(now.Sub(b.at), 0)))
	work := max(spent-b.spent, 0)
	b.used += work
	b.left = min(max(b.left+allowed-work, -mostDebt), budgetDepth)
	b.at, b.spent = now, spent
}

// mayJudge reports whether there is CPU time for a judgement that took so long
// the last time.
func (b *budget) mayJudge(took time.Duration) bool {
	return b.left > 0 && b.left >= min(took, budgetDepth)
}
