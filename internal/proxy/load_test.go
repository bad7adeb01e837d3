package proxy

import (
	"testing"

	"poise/internal/lb"
)

func TestOnlyNumbersAreReports(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "17": 17, "": -1, "-1": -1, "1.5": -1, " 2": -1, "99999999999999999999": lb.MostReported} {
		n, ok := count([]byte(text))
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("%q is %d; want %d", text, n, want)
		}
	}
}
