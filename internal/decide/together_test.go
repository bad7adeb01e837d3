package decide

import (
	"math"
	"strings"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
)

// noisy is a judge of hot-cold whose windows say of least-request that it
// gains so much, each with so much noise on its eight blocks.
func noisy(seed uint64, gain, noise float64) *history {
	h := &history{dice: stats.NewDice(seed), j: New(Options{Candidates: []string{"hot-cold", "least-request"}})}
	h.j.oracle = func(policy string) twin.Prediction {
		p := twin.Prediction{Policy: policy, Requests: 1000}
		for i := range p.Blocks {
			p.Blocks[i] = 0.040
			if policy != "hot-cold" {
				p.Blocks[i] *= 1 - gain + noise*normal(&h.dice)
			}
			p.Loss += p.Blocks[i] / float64(len(p.Blocks))
		}
		return p
	}
	h.v = View{Now: stats.Instant(time.Hour), Cluster: "web", Policy: "hot-cold", Endpoints: []EndpointView{
		{Endpoint: &lb.Endpoint{ID: 1, Address: "a", Weight: 1, Live: &lb.Live{}}, Eligible: true},
	}}
	return h
}

func normal(d *stats.Dice) float64 {
	return math.Sqrt(-2*math.Log(1-d.Float64())) * math.Cos(2*math.Pi*d.Float64())
}

// evaluate asks for a number of evaluations and returns when the first change
// was begun, counted from 1, or 0.
func (h *history) evaluate(n int) (at int, d Decision) {
	for i := range n {
		h.v.Now = h.v.Now.Add(10 * time.Second)
		if d = h.j.Evaluate(&h.v); d.Changed {
			return i + 1, d
		}
	}
	return 0, d
}

func TestWindowsThatAreTooNoisyAloneTellTogether(t *testing.T) {
	alone, together := 0, 0
	for seed := range uint64(100) {
		at, d := noisy(seed, 0.25, 0.5).evaluate(mostWindows) // t of 1.3 in a window
		switch {
		case at == 0:
		case strings.Contains(d.Text, "over the last"):
			together++
			if !strings.Contains(d.Text, "windows predicted loss 4") || at < leastWindows {
				t.Fatalf("after %d windows: %s", at, d.Text)
			}
		default:
			alone++
		}
	}
	if together < 30 || alone+together < 60 {
		t.Errorf("of 100 times that a policy gains 25 %% it is taken within a minute in %d by a window alone and in %d by several; want most, a third by several", alone, together)
	}
}

func TestNoiseDoesNotAddUpToAGain(t *testing.T) {
	changed := 0
	for seed := range uint64(200) {
		if at, _ := noisy(seed, 0, 0.45).evaluate(60); at > 0 {
			changed++
		}
	}
	if changed > 30 { // of 12,000 windows with a standard error of 16 %; a canary would follow
		t.Errorf("in %d of 200 times ten minutes a policy is taken that gains nothing", changed)
	}
}

func TestAGainBelowTheMarginIsLeftAlone(t *testing.T) {
	for seed := range uint64(20) {
		if at, d := noisy(seed, 0.05, 0.02).evaluate(30); at > 0 {
			t.Fatalf("window %d: %s", at, d.Text)
		}
	}
}

// TestWindowsOfAnotherIncumbentDoNotCount: what they compared with is gone.
func TestWindowsOfAnotherIncumbentDoNotCount(t *testing.T) {
	h := noisy(1, 0.25, 1.5)
	h.evaluate(leastWindows)
	if n := len(h.j.state.Compared.By["least-request"]); n != leastWindows {
		t.Fatalf("%d windows are kept; want %d", n, leastWindows)
	}
	h.j.Operator("least-request", true)
	h.j.Operator("hot-cold", false)
	h.evaluate(1)
	if n := len(h.j.state.Compared.By["least-request"]); n != 1 {
		t.Errorf("%d windows are kept after a change of policy; want 1", n)
	}
}
