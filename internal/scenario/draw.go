package scenario

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"poise/internal/stats"
)

// Elsewhere marks a request that reaches an endpoint unseen by the balancers.
const Elsewhere = -1

// Job is one request, drawn before any policy has seen it, so that every
// policy gets the same ones.
type Job struct {
	At       time.Duration // since the start
	Size     float64       // quantile of its service time among all, [0, 1)
	Luck     uint64        // what decides whether it meets a failure
	Key      uint32
	Keyed    bool
	Balancer int32 // that it comes to, or Elsewhere
	Endpoint int32 // that it goes to, when it comes from elsewhere
}

// Hash is what a policy knows of the key.
func (j *Job) Hash() uint64 { return Mix(uint64(j.Key) + 1) }

// Mix spreads the bits of a number (Stafford's variant 13 of the finalizer of
// MurmurHash3).
func Mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// Draw draws the requests of a scenario. The same seed draws the same ones.
func Draw(s *Scenario, seed uint64) []Job {
	d := drawing{s: s, dice: stats.NewDice(Mix(seed ^ 0x706f697365))}
	d.arrivals()
	d.others()
	slices.SortStableFunc(d.jobs, func(a, b Job) int { return cmp.Compare(a.At, b.At) })
	return d.jobs
}

type drawing struct {
	s    *Scenario
	dice stats.Dice
	jobs []Job
}

func (d *drawing) exponential() float64 { return -math.Log(1 - d.dice.Float64()) }

// arrivals goes through the stretches of time in which arrivals and keys stay
// as they are.
func (d *drawing) arrivals() {
	arrivals, keys, from := d.s.Arrivals, newPopularity(d.s.Keys), time.Duration(0)
	for _, e := range d.s.Events {
		if e.Arrivals == nil && e.Keys == nil || e.At >= d.s.Run {
			continue
		}
		d.stretch(arrivals, keys, from, e.At)
		from = e.At
		if e.Arrivals != nil {
			arrivals = *e.Arrivals
		} else {
			keys = newPopularity(*e.Keys)
		}
	}
	d.stretch(arrivals, keys, from, d.s.Run)
}

func (d *drawing) stretch(a Arrivals, keys *popularity, from, to time.Duration) {
	if a.Rate <= 0 {
		return
	}
	b := burst{a: a, next: from.Seconds()}
	for t := from.Seconds(); ; {
		n := 1
		switch a.Process {
		case Steady:
			t += 1 / a.Rate
		case Batches:
			t += d.exponential() * a.Batch / a.Rate
			if a.Batch > 1 {
				n = 1 + int(math.Log(1-d.dice.Float64())/math.Log(1-1/a.Batch))
			}
		case Bursts:
			t = b.arrival(t, d)
		default:
			t += d.exponential() / a.Rate
		}
		if t >= to.Seconds() {
			return
		}
		for range n {
			d.job(t, keys)
		}
	}
}

func (d *drawing) job(t float64, keys *popularity) {
	j := Job{At: seconds(t), Size: d.dice.Float64(), Luck: d.dice.Uint64(), Balancer: int32(d.dice.IntN(d.s.Balancers))}
	if keys != nil {
		j.Key, j.Keyed = keys.draw(&d.dice), true
	}
	d.jobs = append(d.jobs, j)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// burst is where a modulated process stands.
type burst struct {
	a    Arrivals
	high bool
	next float64 // when the rate jumps
}

func (b *burst) arrival(t float64, d *drawing) float64 {
	for {
		factor := b.a.Low
		if b.high {
			factor = b.a.High
		}
		if factor > 0 {
			if wait := d.exponential() / (factor * b.a.Rate); t+wait < b.next {
				return t + wait
			}
		}
		t = b.next
		b.high = !b.high
		mean := b.a.LowFor
		if b.high {
			mean = b.a.HighFor
		}
		b.next = t + d.exponential()*mean.Seconds()
	}
}

// popularity draws keys.
type popularity struct{ cumulated []float64 }

func newPopularity(k Keys) *popularity {
	if k.Count == 0 {
		return nil
	}
	c := make([]float64, k.Count)
	sum := 0.0
	for i := range c {
		sum += math.Pow(float64(i+1), -k.Zipf)
		c[i] = sum
	}
	return &popularity{c}
}

func (k *popularity) draw(dice *stats.Dice) uint32 {
	last := k.cumulated[len(k.cumulated)-1]
	i := sort.SearchFloat64s(k.cumulated, dice.Float64()*last)
	return uint32(min(i, len(k.cumulated)-1))
}

// others draws what reaches endpoints from elsewhere.
func (d *drawing) others() {
	for i := range d.s.Endpoints {
		rate, from := d.s.Endpoints[i].Others, time.Duration(0)
		for _, e := range d.s.Events {
			if e.Settings == nil || e.Endpoint != i || e.At >= d.s.Run {
				continue
			}
			d.poisson(int32(i), rate, from, e.At)
			rate, from = e.Settings.Others, e.At
		}
		d.poisson(int32(i), rate, from, d.s.Run)
	}
}

func (d *drawing) poisson(endpoint int32, rate float64, from, to time.Duration) {
	if rate <= 0 {
		return
	}
	for t := from.Seconds(); ; {
		if t += d.exponential() / rate; t >= to.Seconds() {
			return
		}
		d.jobs = append(d.jobs, Job{At: seconds(t), Size: d.dice.Float64(), Luck: d.dice.Uint64(), Balancer: Elsewhere, Endpoint: endpoint})
	}
}
