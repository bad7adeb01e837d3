package learn

import (
	"math"
	"testing"
	"time"

	"poise/internal/lb"
)

// visit answers a request with a key; the endpoint remembers its last 200 keys.
type cached struct {
	recent map[uint64]int
	served int
	most   int
}

func (c *cached) hit(key uint64) bool {
	c.served++
	at, ok := c.recent[key]
	c.recent[key] = c.served
	return ok && c.served-at <= c.most
}

// serve has three endpoints serve keys at random for some seconds; a hit takes
// hit and a miss 40 ms.
func (w *world) serve(from, to time.Duration, caches []*cached, hit time.Duration, keys int) {
	i := 0
	for at := from; at < to; at += ms {
		e, key := w.dice.IntN(len(caches)), uint64(w.dice.IntN(keys))
		mean := 40 * ms
		if caches[e].hit(key) {
			mean = hit
		}
		r := w.record(at, e, w.exponential(mean), 1)
		r.Key, r.Flags = key, lb.Keyed
		w.learner.Observe(&r)
		if i++; i%100 == 0 {
			w.learner.Tick(w.start.Add(at))
		}
	}
}

func newCaches(n, most int) (all []*cached) {
	for range n {
		all = append(all, &cached{recent: map[uint64]int{}, most: most})
	}
	return all
}

func TestEffectOfKeysIsFoundWithItsReach(t *testing.T) {
	w := newWorld(3)
	w.serve(0, 40*time.Second, newCaches(3, 256), 5*ms, 600)
	hit, miss, near := w.affinity.Effect()
	if ratio := hit / miss; ratio < 0.1 || ratio > 0.17 || near != 256 {
		t.Errorf("a hit takes %.3f of a miss up to distance %d; want 0.125 up to 256", ratio, near)
	}
	for i := range 3 { // 35 % are hits: the mean is 27.7 ms
		if s := w.learnt(i).Service; !within(time.Duration(float64(s)*miss), 40*ms, 0.2) {
			t.Errorf("endpoint %d: %v times %.2f; a miss takes 40 ms", i, s, miss)
		}
	}
}

func TestKeysWithoutAnEffectHaveNone(t *testing.T) {
	w := newWorld(3)
	w.serve(0, 60*time.Second, newCaches(3, 256), 40*ms, 600)
	if hit, miss, near := w.affinity.Effect(); hit != 1 || miss != 1 || near != 0 {
		t.Errorf("hit %.2f, miss %.2f, near %d; want none", hit, miss, near)
	}
}

func TestEffectThatEndsIsForgotten(t *testing.T) {
	w := newWorld(3)
	caches := newCaches(3, 256)
	w.serve(0, 30*time.Second, caches, 5*ms, 600)
	if _, _, near := w.affinity.Effect(); near == 0 {
		t.Fatal("there was none to forget")
	}
	w.serve(30*time.Second, 120*time.Second, caches, 40*ms, 600)
	if hit, _, near := w.affinity.Effect(); near != 0 || hit != 1 {
		t.Errorf("hit %.2f, near %d a minute and a half after it ended", hit, near)
	}
	for i := range 3 {
		if s := w.learnt(i).Service; !within(s, 40*ms, 0.2) {
			t.Errorf("endpoint %d counts as %v; want 40 ms", i, s)
		}
	}
}

// The one that happens to get hits is not faster than the others.
func TestHitsDoNotMakeAnEndpointFast(t *testing.T) {
	w := newWorld(3)
	caches := newCaches(3, 256)
	w.serve(0, 30*time.Second, caches, 5*ms, 600)
	for i := range 10_000 { // the first serves a few keys, the others new ones
		e, key := i%3, uint64(i%20)
		if e > 0 {
			key = uint64(1000 + i)
		}
		mean := 40 * ms
		if caches[e].hit(key) {
			mean = 5 * ms
		}
		at := 30*time.Second + time.Duration(i)*ms
		r := w.record(at, e, w.exponential(mean), 1)
		r.Key, r.Flags = key, lb.Keyed
		w.learner.Observe(&r)
		if i%100 == 0 {
			w.learner.Tick(w.start.Add(at))
		}
	}
	if a, b := w.learnt(0).Service, w.learnt(1).Service; !within(a, b, 0.25) {
		t.Errorf("with hits only it counts as %v, the others as %v; a key that is new takes all of them 40 ms", a, b)
	}
}

func TestKeyIsAtHomeWhereItWasLast(t *testing.T) {
	w := newWorld(3)
	visit := func(e int, key uint64) {
		r := w.record(time.Second, e, 20*ms, 0)
		r.Key, r.Flags = key, lb.Keyed
		w.learner.Observe(&r)
	}
	visit(0, 7)
	visit(2, 7)
	if h := w.affinity.Home(7); !h.At(3) || h.Distance(w.members[2].Live.Served()) != 0 {
		t.Error("the key is not where it was last")
	}
	w.learner.keys.effect = effect{hit: 0.5, hitLog: math.Log(0.5), near: 64, mean: 1}
	visit(1, 7) // its home was busy, say
	if !w.affinity.Home(7).At(3) {
		t.Error("a request that went elsewhere moved the home of its key")
	}
	for i := range uint64(65) {
		visit(2, 100+i)
	}
	visit(1, 7)
	if !w.affinity.Home(7).At(2) {
		t.Error("the key's home has forgotten it, and it did not move")
	}
}
