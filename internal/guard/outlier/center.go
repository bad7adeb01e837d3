package outlier

import (
	"math"
	"slices"
)

// Center returns the median of the logarithms and their spread, as a standard
// deviation. Of two endpoints the faster one is the typical one: their median
// would lie between them. It changes the values.
func Center(logs []float64) (typical, spread float64, known bool) {
	if len(logs) < 2 {
		return 0, 0, false
	}
	slices.Sort(logs)
	if len(logs) == 2 {
		return logs[0], 0, true
	}
	typical = logs[(len(logs)-1)/2]
	for i, v := range logs {
		logs[i] = math.Abs(v - typical)
	}
	slices.Sort(logs)
	return typical, 1.4826 * logs[(len(logs)-1)/2], true
}
