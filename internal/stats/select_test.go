package stats

import (
	"slices"
	"testing"
	"time"
)

func TestSelectFindsWhatASortWouldPutThere(t *testing.T) {
	dice := NewDice(1)
	for _, kind := range []struct {
		name string
		at   func(i, n int) time.Duration
	}{
		{"random", func(int, int) time.Duration { return time.Duration(dice.IntN(1 << 40)) }},
		{"few values", func(int, int) time.Duration { return time.Duration(dice.IntN(3)) }},
		{"sorted", func(i, _ int) time.Duration { return time.Duration(i) }},
		{"falling", func(i, n int) time.Duration { return time.Duration(n - i) }},
		{"all the same", func(int, int) time.Duration { return 7 }},
		{"a tent", func(i, n int) time.Duration { return time.Duration(min(i, n-i)) }},
		{"saw", func(i, _ int) time.Duration { return time.Duration(i % 17) }},
	} {
		for _, n := range []int{1, 2, 16, 17, 18, 33, 100, 1000, 5000} {
			all := make([]time.Duration, n)
			for i := range all {
				all[i] = kind.at(i, n)
			}
			sorted := slices.Sorted(slices.Values(all))
			for _, k := range []int{0, n / 4, n / 2, n * 99 / 100, n - 1} {
				v := slices.Clone(all)
				if got := Select(v, k); got != sorted[k] {
					t.Fatalf("%s: place %d of %d is %d; want %d", kind.name, k, n, got, sorted[k])
				}
				for i := range v {
					if i < k && v[i] > v[k] || i > k && v[i] < v[k] {
						t.Fatalf("%s: %d stands at %d of %d, on the wrong side of %d at %d", kind.name, v[i], i, n, v[k], k)
					}
				}
				slices.Sort(v)
				if !slices.Equal(v, sorted) {
					t.Fatalf("%s: the values themselves have changed", kind.name)
				}
			}
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	dice := NewDice(1)
	all := make([]time.Duration, 16384)
	for i := range all {
		all[i] = time.Duration(dice.IntN(1 << 30))
	}
	v := make([]time.Duration, len(all))
	for b.Loop() {
		copy(v, all)
		Select(v, len(v)*99/100)
	}
}
