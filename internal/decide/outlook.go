package decide

import (
	"cmp"
	"math"

	"poise/internal/twin"
)

// Outlook is what a judge can say of requests to come: the window that ends
// now as a model, and what is known of how far the model can be trusted.
type Outlook struct {
	Model   *twin.Model
	Policy  string  // that picks
	Foreign float64 // as in the view
	Width   float64 // times the usual width of an interval, as earlier forecasts taught
}

// What makes a window good enough to be asked about.
const (
	LeastRequests = leastRecords // in the window
	Valid         = valid        // most that ln(measured / computed again) may be off
	Full          = full         // share of the capacity beyond which queues have no end
	ForeignLoad   = 1.5          // requests under way at the endpoints over one's own
)

// outlookRecords are those after which an outlook needs no longer window: 50 of
// those that count are above p99 then.
const outlookRecords = 7500

// Outlook looks at the window that ends now. The judge stays as it was.
func (j *Judge) Outlook(v *View) Outlook {
	policy := cmp.Or(v.Policy, j.state.Policy)
	o := Outlook{Policy: policy, Foreign: v.Foreign, Width: math.Exp(j.state.Width.LogWidth)}
	o.Model = twin.Fit(j.input(v, policy, j.memory.Clone(), outlookRecords))
	return o
}
