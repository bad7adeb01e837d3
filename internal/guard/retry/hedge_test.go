package retry

import (
	"testing"
	"time"

	"poise/internal/stats"
)

func TestWhenAHedgeIsSent(t *testing.T) {
	var spread, few, fast stats.Histogram
	for i := range 1000 {
		spread.Observe(time.Duration(i+1) * time.Millisecond)
		fast.Observe(20 * time.Microsecond)
	}
	few.Observe(time.Second)
	for _, row := range []struct {
		name   string
		hedge  Hedge
		recent *stats.Histogram
		want   time.Duration
		ok     bool
	}{
		{"never by default", Hedge{}, &spread, 0, false},
		{"after a fixed time, whatever was seen", Hedge{After: 80 * time.Millisecond}, &few, 80 * time.Millisecond, true},
		{"a fixed time wins over a quantile", Hedge{After: 80 * time.Millisecond, Quantile: 0.95}, &spread, 80 * time.Millisecond, true},
		{"after the 95th percentile", Hedge{Quantile: 0.95}, &spread, 950 * time.Millisecond, true},
		{"not while too little was seen", Hedge{Quantile: 0.95}, &few, 0, false},
		{"not at once, however fast the answers are", Hedge{Quantile: 0.95}, &fast, time.Millisecond, true},
		{"a quantile of one would be never", Hedge{Quantile: 1}, &spread, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := row.recent.Snapshot()
			got, ok := row.hedge.Delay(&s)
			if ok != row.ok || (got-row.want).Abs().Seconds() > 0.022*max(1, row.want.Seconds()) {
				t.Errorf("%v, %v; want %v, %v", got, ok, row.want, row.ok)
			}
		})
	}
}

func TestBackoffOfRetries(t *testing.T) {
	dice := stats.NewDice(1)
	if d := Backoff(1, &dice); d != 0 {
		t.Errorf("the first retry waits %v; want 0, it goes elsewhere", d)
	}
	for retry, bound := range map[int]time.Duration{2: 25 * time.Millisecond, 3: 50 * time.Millisecond, 5: 200 * time.Millisecond, 6: 250 * time.Millisecond, 1000: 250 * time.Millisecond} {
		longest, sum := time.Duration(0), time.Duration(0)
		for range 1000 {
			d := Backoff(retry, &dice)
			longest, sum = max(longest, d), sum+d
		}
		if longest > bound || longest < bound*9/10 || sum/1000 < bound*4/10 || sum/1000 > bound*6/10 {
			t.Errorf("retry %d waits up to %v, %v in the mean; want up to %v, spread evenly", retry, longest, sum/1000, bound)
		}
	}
}
