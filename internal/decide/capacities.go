package decide

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"poise/internal/twin"
)

const (
	manySamples = 50  // times of service that a speed is taken from, at least
	misfit      = 1.7 // by which two capacities may differ although they are the same
)

// learntApart compares capacities where the window does not show them: a
// policy that keeps away from narrow endpoints hides how narrow they are.
// What expected-delay learnt of them tells; where that is nothing either, an
// endpoint can do about as much as it had under way.
func learntApart(v *View, known []twin.Fitted) finding {
	all := slices.Clone(known)
	for i := range all {
		e := &all[i]
		at := slices.IndexFunc(v.Endpoints, func(w EndpointView) bool { return w.ID == e.ID })
		l := v.Endpoints[at].Live.Learnt()
		if learnt := int(math.Round(l.Capacity)); l.Shown && learnt > 0 {
			e.Slots, e.Bounded = learnt, true
		} else {
			e.Slots, e.Bounded = e.Most, false
		}
	}
	sure := slices.DeleteFunc(slices.Clone(all), func(e twin.Fitted) bool { return !e.Bounded || e.Samples < manySamples })
	if len(sure) == 0 {
		return finding{measured: 1}
	}
	order := func(a, b twin.Fitted) int { return cmp.Compare(able(a), able(b)) }
	least, most := slices.MinFunc(sure, order), slices.MaxFunc(all, order)
	f := finding{measured: able(most) / able(least), endpoint: least.Address}
	f.holds = f.measured >= misfit
	f.text = fmt.Sprintf("endpoints differ %.1f× in what they can do: as was learnt %s works on %d requests at once, %s on %d", f.measured, least.Address, least.Slots, most.Address, most.Slots)
	return f
}
