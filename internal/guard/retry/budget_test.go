package retry

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"poise/internal/stats"
)

func spendAll(b *Budget, now stats.Instant) int {
	n := 0
	for b.Spend(now) {
		n++
	}
	return n
}

func TestBudgetAllowsTheReserveAtOnceAndNoMore(t *testing.T) {
	b := NewBudget(0.2)
	if got := spendAll(b, 0); got != budgetReserve {
		t.Errorf("spent %d at once; want %d", got, budgetReserve)
	}
}

func TestBudgetEarnsItsShareOfRequests(t *testing.T) {
	b := NewBudget(0.2)
	spendAll(b, 0)
	for range 100 {
		b.Request()
	}
	if got := spendAll(b, 0); got != 20 {
		t.Errorf("100 requests earned %d retries; want 20", got)
	}
}

func TestBudgetPaysItsFloorWithoutTraffic(t *testing.T) {
	b := NewBudget(0.2)
	spendAll(b, 0)
	if got := spendAll(b, stats.Instant(2*time.Second)); got != 2*budgetFloor {
		t.Errorf("two quiet seconds earned %d retries; want %d", got, 2*budgetFloor)
	}
}

func TestBudgetDoesNotSaveUpMoreThanTheReserve(t *testing.T) {
	b := NewBudget(0.2)
	for range 100_000 {
		b.Request()
	}
	if got := spendAll(b, stats.Instant(time.Hour)); got > budgetReserve {
		t.Errorf("saved up %d retries; want at most %d", got, budgetReserve)
	}
}

func TestBudgetOfNothingAllowsNothing(t *testing.T) {
	b := NewBudget(0)
	b.Request()
	if b.Spend(stats.Instant(time.Hour)) {
		t.Error("a budget of 0 allowed a retry")
	}
}

func TestHedgesAreRetriesTooButFewer(t *testing.T) {
	b := NewBudget(0.2).WithHedges(0.05)
	hedges := func() (n int) {
		for b.SpendHedge(0) {
			n++
		}
		return n
	}
	if n := hedges(); n != hedgeReserve {
		t.Errorf("%d hedges at once; want %d", n, hedgeReserve)
	}
	if n := spendAll(b, 0); n != budgetReserve-hedgeReserve {
		t.Errorf("then %d retries; want %d, what the hedges have left", n, budgetReserve-hedgeReserve)
	}
	for range 100 {
		b.Request()
	}
	if n := hedges(); n != 5 {
		t.Errorf("100 requests earned %d hedges; want 5", n)
	}
	if n := spendAll(b, 0); n != 15 {
		t.Errorf("and %d retries; want 15", n)
	}
	for range 100 {
		b.Request()
	}
	spendAll(b, 0)
	if n := hedges(); n != 0 {
		t.Errorf("%d hedges although the retries have used up everything", n)
	}
	if NewBudget(0.2).SpendHedge(0) || NewBudget(0).WithHedges(0.5).SpendHedge(0) {
		t.Error("a hedge without a budget for it")
	}
}

func TestReloadMakesNoRetries(t *testing.T) {
	b := NewBudget(0.2)
	spendAll(b, 0)
	b.Configure(0.3, 0)
	if n := spendAll(b, 0); n != 0 {
		t.Errorf("a change of the share made %d retries", n)
	}
	for range 100 {
		b.Request()
	}
	if n := spendAll(b, 0); n != 30 {
		t.Errorf("100 requests earned %d retries; want 30, as the new share says", n)
	}
	b.Configure(0, 0)
	if b.Request(); b.Spend(stats.Instant(time.Hour)) {
		t.Error("a budget that was turned off allowed a retry")
	}
	b.Configure(0.2, 0)
	if n := spendAll(b, stats.Instant(time.Hour)); n != budgetReserve {
		t.Errorf("turned on again it allows %d; want the reserve", n)
	}
}

func TestRequestEarnsLessWhileMostFails(t *testing.T) {
	for _, row := range []struct {
		name    string
		failing float64
		want    int
	}{
		{"nothing fails", 0, 200},
		{"a quarter fails", 0.25, 150},
		{"everything fails", 1, 0},
		{"more than everything is everything", 1.5, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, got := NewBudget(0.2), 0
			spendAll(b, 0)
			b.Discount(row.failing)
			for range 1000 {
				b.Request()
				got += spendAll(b, 0)
			}
			if got != row.want {
				t.Errorf("1000 requests earned %d; want %d", got, row.want)
			}
		})
	}
}

// TestFloorDoesNotComeOnTopOfTraffic: at 100 requests a second they earn twice
// what the floor pays, and the floor pays nothing.
func TestFloorDoesNotComeOnTopOfTraffic(t *testing.T) {
	b, got := NewBudget(0.2), 0
	now := stats.Instant(time.Hour)
	spendAll(b, now)
	for range 1000 {
		now = now.Add(10 * time.Millisecond)
		b.Request()
		got += spendAll(b, now)
	}
	if got < 195 || got > 201 {
		t.Errorf("ten seconds of 100 requests earned %d; want 200", got)
	}
}

// TestAttemptsAreBoundedByRequests is the promise of the budget: whatever
// comes when, what was spent is at most the reserve, the share of the
// requests, and the floor.
func TestAttemptsAreBoundedByRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		hedge := rapid.Float64Range(0, 0.3).Draw(t, "hedge share")
		b := NewBudget(share).WithHedges(hedge)
		start := stats.Instant(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "start"))
		spendAll(b, start)
		now, requests, spent, hedges := start, 0, 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"requests": func(t *rapid.T) {
				for range rapid.IntRange(1, 50).Draw(t, "n") {
					b.Request()
					requests++
				}
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "pause")))
			},
			"outage": func(t *rapid.T) { b.Discount(rapid.Float64Range(0, 1).Draw(t, "failing")) },
			"retry": func(t *rapid.T) {
				for range rapid.IntRange(1, 50).Draw(t, "n") {
					if b.Spend(now) {
						spent++
					}
				}
			},
			"hedge": func(*rapid.T) {
				if b.SpendHedge(now) {
					spent++
					hedges++
				}
			},
			"": func(t *rapid.T) {
				most := share*float64(requests) + budgetFloor*now.Sub(start).Seconds() + 1
				if float64(spent) > most {
					t.Fatalf("%d spent of %d requests in %v; the budget is %.1f", spent, requests, now.Sub(start), most)
				}
				if float64(hedges) > hedge*float64(requests)+hedgeReserve+1 {
					t.Fatalf("%d hedges of %d requests", hedges, requests)
				}
				if left := b.all.left.Load(); left < 0 || left > b.all.limit.Load()+b.all.share.Load() {
					t.Fatalf("%d millionths left of %d", left, b.all.limit.Load())
				}
			},
		})
	})
}

func TestBudgetHoldsBetweenGoroutines(t *testing.T) {
	b := NewBudget(0.2)
	spendAll(b, stats.Instant(time.Hour))
	var spent atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5000 {
				b.Request()
				if b.Spend(stats.Instant(time.Hour)) {
					spent.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := spent.Load() + int64(spendAll(b, stats.Instant(time.Hour))); n != 8000 {
		t.Errorf("40000 requests earned %d retries; want 8000", n)
	}
}
