package guard

import (
	"testing"
	"time"

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
