package p2c

import "testing"

// Shares of single endpoints do not show whether pairs are even: moving only
// the collision leaves them as they are.
func TestEveryPairIsDrawnEquallyOften(t *testing.T) {
	for n := 2; n <= 8; n++ {
		pairs := map[[2]int]int{}
		for a := range n {
			for b := range n - 1 {
				i, j := distinct(a, b)
				pairs[[2]int{min(i, j), max(i, j)}]++
			}
		}
		for i := range n {
			for j := i + 1; j < n; j++ {
				if got := pairs[[2]int{i, j}]; got != 2 {
					t.Errorf("of %d endpoints the pair %d, %d comes from %d draws of %d; want 2", n, i, j, got, n*(n-1))
				}
			}
		}
		if want := n * (n - 1) / 2; len(pairs) != want {
			t.Errorf("of %d endpoints %d pairs; want %d", n, len(pairs), want)
		}
	}
}
