package stats

import (
	"math"
	"testing"
)

func TestTimesAreReadInThreeDigits(t *testing.T) {
	for _, tt := range []struct {
		seconds float64
		want    string
	}{
		{0, "-"},
		{-1, "-"},
		{math.NaN(), "-"},
		{0.0004, "0.40 ms"},
		{0.009994, "9.99 ms"},
		{0.009996, "10.0 ms"},
		{0.02084, "20.8 ms"},
		{0.09994, "99.9 ms"},
		{0.09996, "100 ms"},
		{0.1434, "143 ms"},
		{2.4091, "2409 ms"},
		{9.9994, "9999 ms"},
		{9.9996, "10.0 s"},
		{12.34, "12.3 s"},
		{math.Inf(1), "+Inf s"},
	} {
		if got := Readable(tt.seconds); got != tt.want {
			t.Errorf("%g s: %q; want %q", tt.seconds, got, tt.want)
		}
	}
}
