package decide

import (
	"testing"
	"time"

	"poise/internal/stats"
	"poise/internal/twin"
)

// compared is a judge of round-robin who has just compared some candidates.
func compared(off float64, candidates ...Candidate) *Judge {
	j := New(Options{Candidates: []string{"round-robin", "expected-delay", "hot-cold"}})
	j.model = &twin.Model{}
	j.state.Policy = "round-robin"
	j.now = stats.Instant(time.Hour)
	j.found = findings{off: off, invalid: off > valid || off < -valid, candidates: append([]Candidate{blocks("round-robin", 0.050, 0.050)}, candidates...)}
	j.compare()
	return j
}

// blocks is a candidate that loses a and b in turn.
func blocks(policy string, a, b float64) Candidate {
	return Candidate{Policy: policy, Loss: (a + b) / 2, blocks: []float64{a, b, a, b, a, b, a, b}}
}

// TestWindowsThatLostMoreThanTheModelComputesTell: what is not understood was
// lost under the incumbent.
func TestWindowsThatLostMoreThanTheModelComputesTell(t *testing.T) {
	for off, want := range map[float64]int{0: 1, 0.5: 1, -0.2: 1, -0.5: 0} {
		j := compared(off, blocks("hot-cold", 0.030, 0.030))
		if n := len(j.state.Compared.By["hot-cold"]); n != want {
			t.Errorf("measured over computed again is e^%.1f: %d windows are kept; want %d", off, n, want)
		}
	}
}

// TestThePreferredIsTakenWhereItMayBeAsGood: not where one window is sure of
// the difference, nor where the last ones together are.
func TestThePreferredIsTakenWhereItMayBeAsGood(t *testing.T) {
	preferred, sharp := blocks("expected-delay", 0.020, 0.045), blocks("expected-delay", 0.0324, 0.0326)
	hot := blocks("hot-cold", 0.029, 0.029)
	for _, c := range []struct {
		why  string
		is   Candidate
		want string
	}{
		{"12 % and no doubt", sharp, "hot-cold"},
		{"12 % that may be chance", preferred, "expected-delay"},
		{"24 %, chance or not", blocks("expected-delay", 0.022, 0.050), "hot-cold"},
		{"2 % and no doubt", blocks("expected-delay", 0.0295, 0.0296), "expected-delay"},
	} {
		if got := compared(0, c.is, hot).best().Policy; got != c.want {
			t.Errorf("%s: %s is taken; want %s", c.why, got, c.want)
		}
	}
	j := compared(0, blocks("expected-delay", 0.0337, 0.0339), hot) // sure
	j.now = j.now.Add(10 * time.Second)
	j.found.candidates[1] = blocks("expected-delay", 0.0250, 0.0400) // not sure
	j.compare()
	if got := j.best().Policy; got != "hot-cold" {
		t.Errorf("the window before was sure that it loses more, and %s is taken", got)
	}
}

// TestAModelThatComputesTooMuchIsBelievedAGain: it hides gains and makes none.
// One that computes too little makes them.
func TestAModelThatComputesTooMuchIsBelievedAGain(t *testing.T) {
	for _, c := range []struct {
		computed, loss float64 // of the incumbent, and of the candidate; 60 ms were measured
		want           bool
	}{
		{0.300, 0.036, true},
		{0.300, 0.050, false},
		{0.020, 0.036, false},
	} {
		j := New(Options{})
		j.found = findings{measured: twin.Prediction{Loss: 0.060}, past: twin.Prediction{Loss: c.computed}, off: logRatio(0.060, c.computed)}
		if got := j.beyondError(c.loss); got != c.want {
			t.Errorf("60 ms measured and %.0f computed: %.0f ms of another are believed: %v; want %v", c.computed*1e3, c.loss*1e3, got, c.want)
		}
	}
}
