package outlier

import (
	"math"
	"testing"
)

func TestCenterOfLatencies(t *testing.T) {
	logs := func(ms []float64) (all []float64) {
		for _, v := range ms {
			all = append(all, math.Log(v))
		}
		return all
	}
	for _, row := range []struct {
		name    string
		ms      []float64
		typical float64
		spread  float64
		known   bool
	}{
		{"of nothing", nil, 1, 0, false},
		{"of one", []float64{5}, 1, 0, false},
		{"of two it is the faster", []float64{50, 5}, 5, 0, true},
		{"of equals there is no spread", []float64{5, 5, 5}, 5, 0, true},
		{"an outlier moves neither", []float64{5, 5, 5, 500}, 5, 0, true},
		{"of three the middle", []float64{1, 2, 4}, 2, 1.4826 * math.Ln2, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			typical, spread, known := Center(logs(row.ms))
			if known != row.known || known && (!near(math.Exp(typical), row.typical, 1e-9) || !near(spread, row.spread, 1e-9)) {
				t.Errorf("%g, %g, %v; want %g, %g, %v", math.Exp(typical), spread, known, row.typical, row.spread, row.known)
			}
		})
	}
}
