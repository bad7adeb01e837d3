package load

import (
	"context"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs o against the stub on a clock that only the test moves, so
// that every latency is known to the nanosecond.
func inBubble(t *testing.T, s *stub, o Options, check func(*Report)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.URL = "http://127.0.0.1:1/"
		r, err := run(t.Context(), o, world{s.dial, time.Sleep})
		s.all.Wait()
		if err != nil {
			t.Fatal(err)
		}
		check(r)
	})
}

func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > want*share {
		t.Errorf("%s is %.6g; want %.6g within %g %%", what, got, want, 100*share)
	}
}

func TestPercentilesAreThoseOfTheKnownDistribution(t *testing.T) {
	const histogramError = 0.001 // three significant digits
	for _, c := range []struct {
		name  string
		delay func(n int) time.Duration
		want  Latency
	}{
		{
			"every delay from 0.1 to 100 ms twice, shuffled",
			func(n int) time.Duration { return time.Duration(n*7919%1000+1) * 100 * time.Microsecond },
			Latency{Mean: 0.05005, P50: 0.05, P90: 0.09, P99: 0.099, P999: 0.0999, Max: 0.1},
		},
		{
			"two in a hundred take two seconds, the rest one millisecond",
			func(n int) time.Duration {
				if n%50 == 7 {
					return 2 * time.Second
				}
				return time.Millisecond
			},
			Latency{Mean: 0.04098, P50: 0.001, P90: 0.001, P99: 2, P999: 2, Max: 2},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &stub{answer: func(n int, conn net.Conn) bool { time.Sleep(c.delay(n)); return say(conn, ok) }}
			inBubble(t, s, Options{Rate: 1000, For: 2 * time.Second}, func(r *Report) {
				if r.Requests != 2000 || r.Failures != 0 || r.Late != 0 {
					t.Errorf("%d requests, %d failed, %d late; want 2000, none, none", r.Requests, r.Failures, r.Late)
				}
				within(t, "mean", r.Latency.Mean, c.want.Mean, histogramError)
				within(t, "p50", r.Latency.P50, c.want.P50, histogramError)
				within(t, "p90", r.Latency.P90, c.want.P90, histogramError)
				within(t, "p99", r.Latency.P99, c.want.P99, histogramError)
				within(t, "p99.9", r.Latency.P999, c.want.P999, histogramError)
				within(t, "max", r.Latency.Max, c.want.Max, histogramError)
			})
		})
	}
}

// queue serves one request at a time, each in a millisecond, in the order in
// which they came, and stalls for a second at one of them.
type queue struct {
	stallAt int
	made    sync.Once
	turn    chan struct{} // who waits for a channel is served in order
}

func (q *queue) answer(n int, c net.Conn) bool {
	q.made.Do(func() { q.turn = make(chan struct{}, 1) })
	q.turn <- struct{}{}
	if n == q.stallAt {
		time.Sleep(time.Second)
	}
	time.Sleep(time.Millisecond)
	<-q.turn
	return say(c, ok)
}

func TestAStallCountsForEveryRequestThatWasDueMeanwhile(t *testing.T) {
	const rate, n = 100, 300
	var mu sync.Mutex
	var all []Result
	o := Options{Rate: rate, For: 3 * time.Second, OnResult: func(r Result) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, r)
	}}
	s := &stub{answer: (&queue{stallAt: 100}).answer} // which is due after one second
	inBubble(t, s, o, func(r *Report) {
		if len(all) != n || r.Failures != 0 {
			t.Fatalf("%d requests, %d failed; want %d, none", len(all), r.Failures, n)
		}
		slices.SortFunc(all, func(a, b Result) int { return a.Due.Compare(b.Due) })
		free := time.Duration(0) // when the queue has served the one before
		slow := 0
		for i := range n {
			due := time.Duration(i) * time.Second / rate
			free = max(due, free) + time.Millisecond
			if i == 100 {
				free += time.Second
			}
			if all[i].Latency != free-due {
				t.Errorf("request %d, due after %v: %v; the queue made it %v", i, due, all[i].Latency, free-due)
			}
			if all[i].Latency > time.Millisecond {
				slow++
			}
		}
		if slow < 100 {
			t.Errorf("%d requests waited; want at least the 100 that were due during the stall", slow)
		}
		if r.Latency.P90 < 0.5 {
			t.Errorf("p90 is %.3f s; a third of the requests waited in the stall", r.Latency.P90)
		}
	})
}

func TestAClosedRunHidesAStall(t *testing.T) {
	q := &queue{stallAt: 0}
	s := &stub{answer: q.answer}
	inBubble(t, s, Options{Closed: 1, For: 2 * time.Second}, func(r *Report) {
		if r.Requests != 1000 || r.Latency.P99 > 0.0011 || r.Latency.Max < 1 {
			t.Errorf("%d requests, p99 %v s, max %v s; want 1000, 0.001, over 1: one request a connection sees the stall", r.Requests, r.Latency.P99, r.Latency.Max)
		}
	})
}

func TestLateIsWhatLeftOver10msAfterItWasDue(t *testing.T) {
	s := &stub{answer: func(_ int, c net.Conn) bool { time.Sleep(50 * time.Millisecond); return say(c, ok) }}
	inBubble(t, s, Options{Rate: 100, For: time.Second, Connections: 1}, func(r *Report) {
		// The n-th is due at 10n ms and leaves at 50n ms.
		if r.Late != 99 || !r.TooLate() {
			t.Errorf("%d late, too late: %v; want 99, true", r.Late, r.TooLate())
		}
		within(t, "max", r.Latency.Max, 0.050+99*0.040, 0.001)
	})
	inBubble(t, s, Options{Rate: 100, For: time.Second}, func(r *Report) {
		if r.Late != 0 || r.TooLate() {
			t.Errorf("%d late, too late: %v with connections enough; want none", r.Late, r.TooLate())
		}
		within(t, "max", r.Latency.Max, 0.050, 0.001)
	})
}

func TestTooLateIsOverOneInAHundred(t *testing.T) {
	for late, want := range map[int64]bool{0: false, 10: false, 11: true} {
		if r := (&Report{Requests: 1000, Late: late}); r.TooLate() != want {
			t.Errorf("%d of 1000 late: %v; want %v", late, r.TooLate(), want)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := &stub{answer: func(_ int, c net.Conn) bool { time.Sleep(time.Second); return say(c, ok) }}
	inBubble(t, s, Options{Rate: 1000, For: time.Second, Connections: 20}, func(r *Report) {
		if s.most.Load() != 20 {
			t.Errorf("%d connections at once; want 20", s.most.Load())
		}
		if r.Requests != 1000 {
			t.Errorf("%d requests; want all 1000, late as they are", r.Requests)
		}
	})
}

func TestAnInterruptedRunReportsWhatItMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// One in ten takes 5 s, the others 1 ms.
		s := &stub{answer: func(n int, c net.Conn) bool {
			if n%10 == 0 {
				time.Sleep(5 * time.Second)
			} else {
				time.Sleep(time.Millisecond)
			}
			return say(c, ok)
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second-5*time.Millisecond)
		defer cancel()
		began := time.Now()
		r, err := run(ctx, Options{URL: "http://127.0.0.1:1/", Rate: 100, For: time.Minute}, world{s.dial, time.Sleep})
		took := time.Since(began)
		s.all.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 180 || r.Failures != 0 || r.Unfinished != 20 {
			t.Errorf("%d requests, %d failed, %d unfinished; want 180, 0, 20", r.Requests, r.Failures, r.Unfinished)
		}
		if took != 2*time.Second-5*time.Millisecond {
			t.Errorf("it ended after %v; want at once", took)
		}
	})
}

func TestTheTimelineIsThatOfItsSeed(t *testing.T) {
	moments := func(o Options) []time.Duration {
		var all []time.Duration
		began := time.Now()
		for due := range (&generator{options: o}).timeline(began) {
			all = append(all, due.Sub(began))
		}
		return all
	}
	constant := moments(Options{Rate: 250, For: 4 * time.Second})
	if len(constant) != 1000 || constant[999] != 3996*time.Millisecond {
		t.Errorf("constant: %d moments, the last at %v; want 1000, 3.996s", len(constant), constant[len(constant)-1])
	}
	o := Options{Rate: 1000, For: 100 * time.Second, Arrivals: "poisson", Seed: 7}
	poisson := moments(o)
	if n := float64(len(poisson)); math.Abs(n-1e5) > 4*math.Sqrt(1e5) {
		t.Errorf("poisson: %v arrivals; want 100000 within four standard deviations", n)
	}
	short := 0 // gaps shorter than the mean: 1-1/e of them
	for i := 1; i < len(poisson); i++ {
		if poisson[i]-poisson[i-1] < time.Millisecond {
			short++
		}
	}
	within(t, "share of short gaps", float64(short)/float64(len(poisson)), 1-1/math.E, 0.01)
	if !slices.Equal(poisson, moments(o)) {
		t.Error("the same seed gave other moments")
	}
	o.Seed = 8
	if slices.Equal(poisson, moments(o)) {
		t.Error("another seed gave the same moments")
	}
}

func TestKeysFollowTheirSkewAndSeed(t *testing.T) {
	draw := func(o Options) (all []uint64) {
		key := o.keys(0)
		for range 10_000 {
			all = append(all, key())
		}
		return all
	}
	even := draw(Options{Keys: 10, Seed: 1})
	skewed := draw(Options{Keys: 10, Zipf: 2, Seed: 1})
	count := func(keys []uint64, k uint64) (n int) {
		for _, key := range keys {
			if key == k {
				n++
			}
		}
		return n
	}
	if n := count(even, 0); n < 900 || n > 1100 {
		t.Errorf("key 0 was drawn %d times of 10000 among ten; want about 1000", n)
	}
	if a, b := count(skewed, 0), count(skewed, 1); a < 6000 || a < 3*b {
		t.Errorf("zipf 2: key 0 %d times, key 1 %d times; want about 6400 and a quarter of it", a, b)
	}
	if m := slices.Max(even); m != 9 {
		t.Errorf("the highest key of ten is %d; want 9", m)
	}
	if !slices.Equal(even, draw(Options{Keys: 10, Seed: 1})) {
		t.Error("the same seed drew other keys")
	}
}

func TestAPlanIsSentAsItWasDrawn(t *testing.T) {
	s := &stub{answer: func(_ int, c net.Conn) bool { return say(c, ok) }}
	plan := []Job{{At: 0, Work: time.Millisecond}, {At: 70 * time.Millisecond, Key: 9}, {At: 70 * time.Millisecond}, {At: time.Second}}
	var mu sync.Mutex
	began, due := time.Time{}, map[int]time.Duration{}
	o := Options{Plan: plan, OnResult: func(r Result) {
		mu.Lock()
		defer mu.Unlock()
		if r.N == 0 {
			began = r.Due
		}
		due[r.N] = r.Due.Sub(began)
	}}
	inBubble(t, s, o, func(r *Report) {
		if r.Requests != 4 || r.Late != 0 || r.Seconds < 1 || r.Seconds > 1.1 {
			t.Errorf("%d requests, %d late, %.3f s; want 4, none, a second", r.Requests, r.Late, r.Seconds)
		}
		for i, j := range plan {
			if due[i] != j.At {
				t.Errorf("job %d was due at %v; want %v", i, due[i], j.At)
			}
		}
	})
}
