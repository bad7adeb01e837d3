package twin

import (
	"slices"
	"time"

	"poise/internal/stats"
)

// tailWeight and tailShare make the loss: the mean, and a tenth of the mean of
// the worst hundredth.
const (
	tailWeight = 0.1
	tailShare  = 0.01
)

// Prediction is what a policy would have come to.
type Prediction struct {
	Policy    string
	Requests  int // that were counted
	Mean      time.Duration
	P50, P99  time.Duration   // of the answers; a failure is none
	Failures  float64         // share
	Loss      float64         // seconds: mean + 0.1 × mean of the worst 1 %, a failure counting its cost
	Blocks    [Blocks]float64 // parts of the window; their mean is Loss
	Abandoned bool            // the policy had no endpoint to offer
}

// Measured is the same of what happened.
func (m *Model) Measured() Prediction { return m.predict(m.in.Incumbent, m.measured, m.jobs) }

func (m *Model) predict(policy string, outcomes []outcome, jobs []job) Prediction {
	p := Prediction{Policy: policy}
	losses := make([]float64, 0, len(outcomes))
	answers := make([]time.Duration, 0, len(outcomes))
	failed := 0
	skip := m.warm()
	for i, o := range outcomes {
		switch {
		case jobs[i].silent || jobs[i].at < skip:
		case o.failed:
			failed++
			losses = append(losses, m.in.Options.FailureCost.Seconds())
		default:
			losses = append(losses, o.latency.Seconds())
			answers = append(answers, o.latency)
		}
	}
	p.Requests = len(losses)
	if p.Requests == 0 {
		return p
	}
	p.Failures = float64(failed) / float64(p.Requests)
	p.answers(answers)
	p.Loss, p.Blocks = inBlocks(losses, worst(answers, failed, m.in.Options.FailureCost))
	return p
}

// warm is when a replay is warm: what came before is not counted.
func (m *Model) warm() time.Duration {
	return m.begin + time.Duration(float64(m.end-m.begin)*warmUp)
}

func (p *Prediction) answers(answers []time.Duration) {
	if len(answers) == 0 {
		return
	}
	var sum time.Duration
	for _, a := range answers {
		sum += a
	}
	p.Mean = sum / time.Duration(len(answers))
	p.P50, p.P99 = stats.Select(answers, len(answers)/2), stats.Select(answers, len(answers)*99/100)
}

// Loss returns the loss of requests in order of their arrival, in seconds,
// and the part of each block. The mean of the worst hundredth is written as
// q + E(x-q)+ / 0.01 with q the 99th percentile (Rockafellar and Uryasev,
// 2000), which is a mean and so has a part of every block.
func Loss(losses []float64) (total float64, blocks [Blocks]float64) {
	if len(losses) == 0 {
		return 0, blocks
	}
	sorted := slices.Clone(losses)
	slices.Sort(sorted)
	return inBlocks(losses, sorted[tail(len(losses))])
}

// tail is the place of the 99th percentile among n.
func tail(n int) int { return min(int(float64(n)*(1-tailShare)), n-1) }

// worst returns the 99th percentile of answers and of failures that all cost
// the same, in seconds.
func worst(answers []time.Duration, failures int, cost time.Duration) float64 {
	at := tail(len(answers) + failures)
	below := 0
	for _, a := range answers {
		if a < cost {
			below++
		}
	}
	switch {
	case at < below:
		return stats.Select(answers, at).Seconds()
	case at < below+failures:
		return cost.Seconds()
	}
	return stats.Select(answers, at-failures).Seconds()
}

func inBlocks(losses []float64, q float64) (total float64, blocks [Blocks]float64) {
	n := len(losses)
	for b := range blocks {
		part := losses[b*n/Blocks : (b+1)*n/Blocks]
		var sum, over float64
		for _, x := range part {
			sum += x
			over += max(x-q, 0)
		}
		if len(part) > 0 {
			k := float64(len(part))
			blocks[b] = sum/k + tailWeight*(q+over/k/tailShare)
		}
		total += blocks[b] * float64(len(part)) / float64(n)
	}
	return total, blocks
}
