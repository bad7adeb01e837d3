package arena

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sort"
	"time"

	"poise/internal/load"
)

// Draw returns the jobs of a run. They depend on the scenario and the seed
// alone, so that whatever is measured gets the same.
func (s *Scenario) Draw(seed int, run time.Duration) (plan []load.Job) {
	if s.Of != nil {
		return s.drawn(seed, run)
	}
	name := fnv.New64a()
	_, _ = name.Write([]byte(s.ID))
	dice := rand.New(rand.NewPCG(uint64(seed), name.Sum64()))
	keys := newKeys(s.Keys, s.Skew)
	job := func(at float64) bool {
		d := time.Duration(at * float64(time.Second))
		if d >= run {
			return false
		}
		j := load.Job{At: d, Work: s.Work.draw(dice)}
		if keys != nil {
			j.Key = keys.draw(dice)
		}
		plan = append(plan, j)
		return true
	}
	gap, size := 1/s.Rate, func() int { return 1 }
	if s.Arrivals == Batches {
		gap *= batch
		size = func() int { return geometric(dice, batch) }
	}
	for at := dice.ExpFloat64() * gap; ; at += dice.ExpFloat64() * gap {
		for range size() {
			if !job(at) {
				return plan
			}
		}
	}
}

// geometric draws a number from 1 on with a mean.
func geometric(dice *rand.Rand, mean float64) int {
	return 1 + int(math.Log(1-dice.Float64())/math.Log(1-1/mean))
}

// draw returns what a job takes, at least a microsecond, since a job of
// nothing is none.
func (w Work) draw(dice *rand.Rand) time.Duration {
	d := float64(w.Mean)
	switch w.Distribution {
	case "exponential":
		d *= dice.ExpFloat64()
	case "heavy":
		if dice.Float64() < longShare {
			d *= long
		} else {
			d *= short
		}
	}
	return max(time.Duration(d).Round(time.Microsecond), time.Microsecond)
}

// keys draws from 1 to n, the k-th in proportion to 1/k^skew.
type keys struct{ upTo []float64 }

func newKeys(n int, skew float64) *keys {
	if n == 0 {
		return nil
	}
	k := &keys{make([]float64, n)}
	sum := 0.0
	for i := range n {
		sum += math.Pow(float64(i+1), -skew)
		k.upTo[i] = sum
	}
	return k
}

func (k *keys) draw(dice *rand.Rand) uint64 {
	at := dice.Float64() * k.upTo[len(k.upTo)-1]
	return uint64(sort.SearchFloat64s(k.upTo, at) + 1)
}
