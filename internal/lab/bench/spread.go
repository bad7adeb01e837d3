package bench

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// The bootstrap: a run is cut into blocks, long enough that what waits in one
// is mostly gone in the next but one; each is replaced by one of its
// neighbourhood, so that what happens in the middle of a run stays there.
//
// Source: E. Paparoditis, D. N. Politis, Local block bootstrap, Comptes Rendus
// Mathematique 335 (2002).
const (
	blockTime = time.Second
	nearby    = 2 // blocks on each side
	resamples = 400
	seed      = 0x706f697365
)

// Spread returns 95 % intervals of what a run of these samples says. They hold
// what differs within the run and nothing that differs between runs.
func Spread(in []Sample) map[string][2]float64 {
	if len(in) == 0 {
		return nil
	}
	first, last := in[0].Due, in[0].Due
	for _, s := range in {
		first, last = min(first, s.Due), max(last, s.Due)
	}
	blocks := int((last-first)/blockTime) + 1
	b := &bootstrap{costs: make([]cost, len(in)), weights: make([]int, blocks), found: map[string][]float64{}}
	for i, s := range in {
		b.costs[i] = cost{ms(s.Latency), int((s.Due - first) / blockTime), s.Failed}
		if s.Failed {
			b.costs[i].ms = ms(FailureCost)
		}
	}
	slices.SortFunc(b.costs, func(a, c cost) int { return cmp.Compare(a.ms, c.ms) })
	dice := rand.New(rand.NewPCG(seed, uint64(len(in))))
	for range resamples {
		b.draw(dice)
		b.once()
	}
	out := map[string][2]float64{}
	for name, all := range b.found {
		slices.Sort(all)
		out[name] = [2]float64{rounded(quantile(all, 0.025)), rounded(quantile(all, 0.975))}
	}
	return out
}

type cost struct {
	ms     float64
	block  int
	failed bool
}

type bootstrap struct {
	costs   []cost // the least first
	weights []int  // how often each block was drawn
	found   map[string][]float64
}

func (b *bootstrap) draw(dice *rand.Rand) {
	clear(b.weights)
	n := len(b.weights)
	for i := range n {
		from, to := max(0, i-nearby), min(n-1, i+nearby)
		b.weights[from+dice.IntN(to-from+1)]++
	}
}

// once computes everything of one resample in one pass over the sorted costs.
func (b *bootstrap) once() {
	whole, good, failed := 0, 0, 0
	sum, goodSum := 0.0, 0.0
	for i := range b.costs {
		c := &b.costs[i]
		w := b.weights[c.block]
		whole += w
		sum += float64(w) * c.ms
		if c.failed {
			failed += w
		} else {
			good += w
			goodSum += float64(w) * c.ms
		}
	}
	if whole == 0 {
		return
	}
	worst := int(math.Ceil(tailShare * float64(whole)))
	tail, seen, answered := 0.0, 0, 0
	marks := []struct {
		name string
		at   int
	}{{"p50", int(math.Ceil(0.5 * float64(good)))}, {"p90", int(math.Ceil(0.9 * float64(good)))}, {"p99", int(math.Ceil(0.99 * float64(good)))}, {"p99.9", int(math.Ceil(0.999 * float64(good)))}}
	for i := range b.costs {
		c := &b.costs[i]
		w := b.weights[c.block]
		if over := seen + w - (whole - worst); over > 0 {
			tail += float64(min(over, w)) * c.ms
		}
		seen += w
		if c.failed {
			continue
		}
		answered += w
		for len(marks) > 0 && w > 0 && answered >= marks[0].at {
			b.put(marks[0].name, c.ms)
			marks = marks[1:]
		}
	}
	b.put("loss", sum/float64(whole)+tailWeight*tail/float64(worst))
	b.put("failed", 100*float64(failed)/float64(whole))
	if good > 0 {
		b.put("mean", goodSum/float64(good))
	}
}

func (b *bootstrap) put(name string, v float64) { b.found[name] = append(b.found[name], v) }
