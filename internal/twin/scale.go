package twin

import (
	"cmp"
	"slices"
)

// scale returns the jobs of load times the requests. More of them are copies
// at the times of others half a window away: as bursty as the window is, and
// independent of what they are copies of. Fewer are drawn by chance.
func (m *Model) scale(load float64) []job {
	if load == 0 || load == 1 || len(m.jobs) == 0 {
		return m.jobs
	}
	load = min(max(load, 0.01), 10)
	var out []job
	for round := 0; float64(round) < load; round++ {
		share := min(load-float64(round), 1)
		for i := range m.jobs {
			if uniform(m.in.Options.Seed+uint64(17+round), uint64(i)) >= share {
				continue
			}
			j := m.jobs[i]
			if round > 0 {
				other := (i + round*len(m.jobs)/int(load+2)) % len(m.jobs)
				j.at = m.jobs[other].at
			}
			out = append(out, j)
		}
	}
	slices.SortStableFunc(out, func(a, b job) int { return cmp.Compare(a.at, b.at) })
	return out
}
