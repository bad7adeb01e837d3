package whatif

import "testing"

func TestAWideIntervalSaysNothing(t *testing.T) {
	for half, want := range map[float64]bool{0.1: false, 0.65: false, 0.75: true, 9: true} {
		if f := around(0.05, half); f.vague() != want {
			t.Errorf("%v to %v: vague %v; want %v", f.Low, f.High, f.vague(), want)
		}
	}
}
