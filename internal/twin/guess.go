package twin

import "math"

// guess is what a station's attempts say of its capacity.
type guess struct {
	slots     int
	least     int // the first capacity that is not refuted
	limit     int // the last one, 0 if no larger one was refuted
	score     float64
	unlimited float64 // the score if nobody waited
	service   []float64
}

// try scores every capacity and returns the best. Scores are smoothed over
// evaluations in scores: one window of a few hundred attempts is noisy.
func (m *Model) try(s *station, w []attempt, most int, scores []float64, implied func(*station, []attempt, int) []float64) guess {
	best := guess{score: math.Inf(1), service: m.scratch.best[:0]}
	var tried [len(hypotheses)]float64
	n := 0
	for h, slots := range hypotheses {
		service := implied(s, w, slots)
		score := m.score(s, w, service)
		if len(s.own) >= enough {
			if scores[h] != 0 {
				score = 0.6*scores[h] + 0.4*score
			}
			scores[h] = score
		}
		tried[h], n = score, h+1
		best.unlimited = score
		if score < best.score-distinct {
			best.slots, best.score = slots, score
			best.service = append(best.service[:0], service...)
		}
		if slots >= most {
			break
		}
	}
	m.scratch.best = best.service
	best.bounds(tried[:n], len(s.own))
	return best
}

// bounds finds between which capacities the true one is beyond doubt: those
// outside explain the attempts worse by more than chance makes of a
// correlation of so many.
func (g *guess) bounds(scores []float64, attempts int) {
	chance := chanceOf(attempts)
	g.least, g.limit = 0, 0
	for h, score := range scores {
		if score > g.score+chance {
			continue
		}
		if g.least == 0 {
			g.least = hypotheses[h]
		}
		g.limit = hypotheses[h]
	}
	if g.limit == hypotheses[len(scores)-1] {
		g.limit = 0
	}
}

// chanceOf is by how much chance alone can make the score of one capacity worse
// than that of another.
func chanceOf(attempts int) float64 { return distinct + 2/math.Sqrt(float64(max(attempts, 1))) }

// allows reports whether a capacity is not refuted.
func (g *guess) allows(slots int) bool {
	return g.least > 0 && slots >= g.least && (g.limit == 0 || slots <= g.limit)
}
