package guard

import (
	"cmp"
	"slices"
)

// Options choose what is measured.
type Options struct {
	Size    string   // Full or Quick
	Figures []string // none means all
	Policy  string   // "" means all
	Arms    []string // none means all
	Seeds   int      // the first so many; 0 means all
	Lanes   int      // runs at once; 0 means one
}

func (o *Options) lanes() int { return max(1, o.Lanes) }

// Seeds are those of the full size; quick takes the first.
const Seeds = 3

// Arms are those that a figure is measured with.
func Arms() []string { return slices.Concat(arms, others) }

var (
	arms   = []string{Guard, Control} // of Poise
	others = []string{HAProxy, Nginx}
)

func (o *Options) wants(arm string) bool { return len(o.Arms) == 0 || slices.Contains(o.Arms, arm) }

// plan returns the runs in an order of which every beginning is balanced: all
// seeds one after the other; within a seed each figure under one policy, then
// each under the next; the arms of one side by side. What is no Poise has no
// policy, and runs with the first.
func plan(o Options) (keys []Key) {
	seeds, turns := cmp.Or(o.Seeds, Seeds), len(Policies)
	if o.Size == Quick {
		seeds = 1
		if o.Policy == "" {
			turns = 1
		}
	}
	for seed := 1; seed <= seeds; seed++ {
		for turn := range turns {
			for i := range Scenarios {
				id := Scenarios[i].ID
				policy := Policies[(i+turn+seed-1)%len(Policies)]
				if len(o.Figures) > 0 && !slices.Contains(o.Figures, id) {
					continue
				}
				of := arms
				if o.Policy != "" && o.Policy != policy {
					of = nil
				}
				for _, arm := range of {
					if o.wants(arm) {
						keys = append(keys, Key{o.Size, id, policy, arm, seed})
					}
				}
				for _, arm := range others {
					if turn == 0 && o.wants(arm) {
						keys = append(keys, Key{o.Size, id, "", arm, seed})
					}
				}
			}
		}
	}
	return keys
}
