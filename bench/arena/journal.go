package arena

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"poise/bench/figure"
	"poise/internal/lab/bench"
)

// A decision is an entry of Poise's journal, as far as it is asked here.
type decision struct {
	Time       time.Time   `json:"time"`
	Policy     string      `json:"policy"`
	Action     string      `json:"action"`
	To         string      `json:"to"`
	Text       string      `json:"text"`
	Candidates []candidate `json:"candidates"`
	Evidence   struct {
		Window    float64 `json:"window"`   // seconds
		Measured  float64 `json:"measured"` // loss, seconds
		Records   int     `json:"records"`
		Endpoints []model `json:"endpoints"`
	} `json:"evidence"`
}

// A candidate is a policy with the loss that is predicted for it.
type candidate struct {
	Policy          string
	Loss, Low, High float64 // seconds
}

// A model is what the engine found out about an endpoint.
type model struct {
	Address  string
	Records  int
	Service  float64 // seconds
	Capacity int
}

// A journal are the decisions of a run, the oldest first, and when the span
// that is measured began.
type journal struct {
	began     time.Time
	decisions []decision
}

// journalOf reads that of a cell; it is empty where a build keeps none.
func journalOf(c *bench.Cell) (j journal) {
	var page struct{ Decisions []decision }
	a := bench.AccountOf(c)
	if json.Unmarshal(a.Journal, &page) != nil {
		return journal{}
	}
	j.began, j.decisions = a.Began, page.Decisions
	slices.SortStableFunc(j.decisions, func(a, b decision) int { return a.Time.Compare(b.Time) })
	return j
}

// late are the judgements of the second half of a run: by then the window
// holds nothing of the beginning.
func (j *journal) late(run time.Duration) (all []decision) {
	for _, d := range j.decisions {
		if d.Evidence.Records > 0 && len(d.Candidates) > 0 && d.Time.Sub(j.began) >= run/2 {
			all = append(all, d)
		}
	}
	return all
}

// ofPolicy is the loss in seconds that was predicted for a policy, the median
// of several judgements; NaN of none.
func ofPolicy(all []decision, policy string) float64 {
	var of []float64
	for _, d := range all {
		for _, c := range d.Candidates {
			if c.Policy == policy {
				of = append(of, c.Loss)
			}
		}
	}
	return figure.Median(of)
}

// experienced is the loss in seconds that the engine measured: a mean, as a loss
// is one, where a window in twenty may have most of it.
func experienced(all []decision) float64 {
	sum := 0.0
	for _, d := range all {
		sum += d.Evidence.Measured
	}
	return sum / float64(len(all)) // NaN of none
}

// covered counts the forecasts for the policy in force, and how many of them
// held what was then measured: by the first judgement whose window began after
// the forecast, under the same policy.
func (j *journal) covered() (held, all int) {
	for i, d := range j.decisions {
		at := slices.IndexFunc(d.Candidates, func(c candidate) bool { return c.Policy == d.Policy })
		if at < 0 || d.Candidates[at].High == 0 {
			continue
		}
		for _, e := range j.decisions[i+1:] {
			if e.Policy != d.Policy {
				break
			}
			if e.Evidence.Records == 0 || e.Time.Add(-time.Duration(e.Evidence.Window*float64(time.Second))).Before(d.Time) {
				continue
			}
			all++
			if m := e.Evidence.Measured; m >= d.Candidates[at].Low && m <= d.Candidates[at].High {
				held++
			}
			break
		}
	}
	return held, all
}

// final is the policy that the engine had come to.
func (j *journal) final() string {
	for _, d := range slices.Backward(j.decisions) {
		if d.Action == "switch" || d.Action == "undo" {
			return d.To
		}
		if d.Policy != "" {
			return d.Policy
		}
	}
	return ""
}

// steps are the capacities that are told apart.
var steps = []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128}

// fits reports whether a model is within a step of the slots and a tenth of
// the service time that an endpoint has.
func (m *model) fits(slots int, service time.Duration) bool {
	near := func(v int) int {
		best := 0
		for i, s := range steps {
			if math.Abs(float64(s-v)) < math.Abs(float64(steps[best]-v)) {
				best = i
			}
		}
		return best
	}
	d := near(m.Capacity) - near(slots)
	return d >= -1 && d <= 1 && math.Abs(m.Service/service.Seconds()-1) <= 0.1
}
