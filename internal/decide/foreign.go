package decide

import "poise/internal/lb"

// Foreign finds out, from one look to the next, how much more the endpoints
// have under way than was sent from here, by what they report. Its zero value
// begins.
type Foreign struct {
	last map[uint32]lb.Reported
}

const (
	leastReports  = 30 // in all, for anything to be said
	reportsOfEach = 5  // of an endpoint, for it to count
)

// Look returns the requests under way at the endpoints over those that came
// from here, since the last look; 0 where nothing, or too little, is reported.
// Each endpoint counts by its own mean: a policy that keeps away from those
// that others use does not hide that they do.
func (f *Foreign) Look(all []EndpointView) float64 {
	next := make(map[uint32]lb.Reported, len(f.last))
	var theirs, ours float64
	var count uint64
	for _, e := range all {
		if e.Stats == nil {
			continue
		}
		now := e.Stats.Reports.Totals()
		if now.Count == 0 {
			continue
		}
		was := f.last[e.ID]
		next[e.ID] = now
		n := now.Count - was.Count
		if count += n; n < reportsOfEach {
			continue
		}
		theirs += float64(now.Theirs-was.Theirs) / float64(n)
		ours += float64(now.Ours-was.Ours) / float64(n)
	}
	f.last = next
	if count < leastReports || ours <= 0 {
		return 0
	}
	return theirs / ours
}
