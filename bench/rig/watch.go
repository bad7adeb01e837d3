package rig

import (
	"slices"
	"time"
)

// Watch looks at all cores once a second until stop is called. It returns how
// busy the busiest core was over the busiest stretch of so many seconds, and
// what share of all cores the host kept back over the whole time.
func Watch(stretch int) (stop func() (busiest, stolen float64), err error) {
	first, err := readTicks()
	if err != nil {
		return nil, err
	}
	end, seen := make(chan struct{}), make(chan []ticks)
	go func() {
		all := []ticks{first}
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for {
			select {
			case <-end:
				seen <- all
				return
			case <-second.C:
				if t, err := readTicks(); err == nil {
					all = append(all, t)
				}
			}
		}
	}()
	return func() (float64, float64) {
		close(end)
		return busiestOf(<-seen, stretch)
	}, nil
}

func busiestOf(all []ticks, stretch int) (busiest, stolen float64) {
	var cores []int
	for c := range all[0] {
		cores = append(cores, c)
	}
	slices.Sort(cores)
	for i := range all {
		if j := max(0, i-stretch); i-j == stretch || i == len(all)-1 {
			busiest = max(busiest, all[i].since(all[j], cores).busiest)
		}
	}
	return busiest, all[len(all)-1].since(all[0], cores).stolen
}
