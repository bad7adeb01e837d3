package arena

import (
	"fmt"
	"slices"
	"strings"
)

// A Choice is what is to be measured.
type Choice struct {
	Size      string
	Scenarios []string
	Subjects  []string
	Rounds    int // 0 means as many as the size has
}

// Plan returns the runs in an order of which every beginning is balanced: a
// round after the other; within one each scenario, and its subjects side by
// side, each round beginning with another of them.
func (c *Choice) Plan() (keys []Key, err error) {
	if lengths[c.Size] == 0 {
		return nil, fmt.Errorf("size %q: there are %s, %s, %s and %s", c.Size, Full, Quick, Trial, Long)
	}
	for _, id := range c.Scenarios {
		if found(id) == nil {
			return nil, fmt.Errorf("scenario %q: there are %s", id, strings.Join(names(Suite, func(s Scenario) string { return s.ID }), ", "))
		}
	}
	for _, name := range c.Subjects {
		if subject(name) == nil {
			return nil, fmt.Errorf("subject %q: there are %s", name, strings.Join(names(Subjects, func(s Subject) string { return s.Name }), "; "))
		}
	}
	rounds := c.Rounds
	if rounds == 0 {
		rounds = Rounds[c.Size]
	}
	for round := 1; round <= rounds; round++ {
		for i, id := range c.Scenarios {
			k := (round + i) % max(1, len(c.Subjects))
			for _, name := range slices.Concat(c.Subjects[k:], c.Subjects[:k]) {
				if found(id).Keys > 0 || !slices.Contains(Keyed, name) {
					keys = append(keys, Key{c.Size, id, name, round})
				}
			}
		}
	}
	return keys, nil
}

func names[T any](all []T, of func(T) string) (out []string) {
	for _, v := range all {
		out = append(out, of(v))
	}
	return out
}

// Choices are what the figures need.
func Choices(size string) []Choice {
	own := []string{Scaled}
	for _, p := range Advised {
		own = append(own, "poise advised "+p)
	}
	trusted := size
	if size == Quick {
		trusted = Trial
	}
	return []Choice{
		{Size: size, Scenarios: Against, Subjects: slices.Concat([]string{Adaptive, "poise expected-delay", byControl}, Peers, Keyed)},
		{Size: trusted, Scenarios: Predicted, Subjects: own},
	}
}
