package bench

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"poise/internal/scenario"
)

// Key names one run. All runs of a scenario in a round have the same jobs.
type Key struct {
	Scenario string `json:"scenario"`
	Subject  string `json:"subject"`
	Round    int    `json:"round"` // from 1
}

func (k Key) String() string { return fmt.Sprintf("%s, %s, round %d", k.Scenario, k.Subject, k.Round) }

// File implements cells.Key.
func (k Key) File() string {
	return filepath.Join(fileName(k.Scenario), fmt.Sprintf("%s-%d.json", fileName(k.Subject), k.Round))
}

// fileName keeps what a name of a file may hold anywhere.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, text)
}

// plan returns the runs in an order of which every beginning is balanced: a
// round after the other; within one each scenario, and its subjects side by
// side, in another order each time.
func (o *Options) plan() []Key { return o.planOf(o.Rounds) }

func (o *Options) planOf(rounds int) (keys []Key) {
	for round := 1; round <= rounds; round++ {
		for i, sc := range o.Scenarios {
			for _, n := range turn(len(o.Subjects), round+i) {
				if of := &o.Subjects[n]; of.suits(sc) {
					keys = append(keys, Key{sc.Name, of.Name, round})
				}
			}
		}
	}
	return keys
}

// turn is an order of n for each turn: it begins with another one, and the rest
// is shuffled, so that nobody always runs beside the same.
func turn(n, at int) []int {
	order := rand.New(rand.NewPCG(seed, uint64(at))).Perm(n)
	if n > 0 {
		first := slices.Index(order, at%n)
		order[0], order[first] = order[first], order[0]
	}
	return order
}

func (o *Options) scenario(name string) *scenario.Scenario {
	i := slices.IndexFunc(o.Scenarios, func(s *scenario.Scenario) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return o.Scenarios[i]
}

func (o *Options) subject(name string) *Subject {
	i := slices.IndexFunc(o.Subjects, func(s Subject) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &o.Subjects[i]
}

// seedOf a round.
func (o *Options) seedOf(round int) uint64 { return max(1, o.Seed) + uint64(round) - 1 }

// Plan says what would be measured and about how long that takes.
func (o *Options) Plan() (runs int, takes time.Duration) {
	return len(o.plan()), o.takes(o.Rounds) + time.Duration(len(o.Subjects))*beforehand
}
