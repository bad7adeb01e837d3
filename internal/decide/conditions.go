package decide

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"poise/internal/stats"
	"poise/internal/twin"
)

// The conditions by name.
const (
	SlowEndpoint  = "slow_endpoint"
	ErrorRate     = "error_rate"
	Bursty        = "bursty"
	Heterogeneous = "heterogeneous"
	Affinity      = "affinity"
	HeavyTail     = "heavy_tail"
	FarEndpoint   = "far_endpoint"
	Overload      = "overload"
	HiddenLoad    = "hidden_load"
	NoData        = "no_data"
)

// Definition is what a condition means.
type Definition struct {
	Name, Definition string
	Threshold        float64
	Unit             string // of threshold and measured value: "times", "share", "records", or none
	Below            bool   // it holds below the threshold
}

// Conditions are all that there are. Rules name them; what a rule compares is
// the measured value.
var Conditions = []Definition{
	{SlowEndpoint, "time of service, in the last quarter of the window, of the slowest endpoint over the median one, from at least 30 requests and beyond 3 standard errors", 2, "times", false},
	{ErrorRate, "share of the cluster's attempts that failed; also when one endpoint alone fails beyond doubt more than 3 % plus three times the others", 0.05, "share", false},
	{Bursty, "variance over mean of the requests in tenths of a second; requests that come independently have 1", 5, "", false},
	{Heterogeneous, "what the fastest endpoint can do in a second over what the slowest can", 1.5, "times", false},
	{Affinity, "time of service of a request whose key the endpoint has just seen over that of a new key", 0.8, "times", true},
	{HeavyTail, "deviation over mean of the times of service; exponential ones have 1", 2, "", false},
	{FarEndpoint, "while less than 0.3 of the capacity is in use, or where an endpoint has one request at a time: the quickest of the last answers of an endpoint over those of the nearest one", 2, "times", false},
	{Overload, "share of the capacity in use; also when over 1 % of the requests were refused for want of room", full, "share", false},
	{HiddenLoad, "requests under way at the endpoints, as they report it, over those that were sent from here", 1.5, "times", false},
	{NoData, "requests in the window that is judged", leastRecords, "records", true},
}

// finding is what one condition comes to in a window.
type finding struct {
	holds    bool
	measured float64
	endpoint string
	text     string
	of       float64 // measured at the endpoint, if the condition is about the cluster
	limit    float64 // that it was held against, if that is not the condition's
}

// conditions finds out which of them hold.
func (j *Judge) conditions(v *View) {
	j.notice()
	endpoints := j.known(v)
	findings := [...]finding{
		j.slow(endpoints), j.failing(v), j.bursty(), j.unequal(v, endpoints), j.keys(),
		j.heavy(), j.far(v), j.overloaded(), j.hidden(v), j.tooFew(),
	}
	enough := j.enough()
	for i, d := range Conditions {
		f := findings[i]
		j.found.statistics = append(j.found.statistics, Statistic{d.Name, f.measured})
		if f.holds && (enough || d.Name == NoData || d.Name == ErrorRate || d.Name == Overload) {
			j.found.conditions = append(j.found.conditions, Condition{
				Name: d.Name, Endpoint: f.endpoint, Definition: d.Definition, Threshold: cmp.Or(f.limit, d.Threshold),
				Measured: cmp.Or(f.of, f.measured), Unit: d.Unit, Text: f.text,
			})
		}
	}
}

// known are the endpoints as the model has them. Of those that get next to
// nothing, because they are slow, the window cannot tell; what expected-delay
// learnt of them can.
func (j *Judge) known(v *View) []twin.Fitted {
	all := j.model.Endpoints()
	for i := range all {
		e := &all[i]
		if s := v.Endpoints[i].Live.Learnt().Service.Seconds(); e.Samples < 30 && s > 0 && v.Endpoints[i].Eligible {
			e.Service, e.LogMean, e.LogSE, e.Lately, e.Known, e.Samples = s, math.Log(s)-0.58, 0.1, 1, true, 30
		}
	}
	return all
}

// usable are the endpoints whose speed is known well enough to compare.
func usable(endpoints []twin.Fitted, least int) []twin.Fitted {
	return slices.DeleteFunc(slices.Clone(endpoints), func(e twin.Fitted) bool {
		return !e.Known || e.Samples < least && e.Samples > 0 || e.Service <= 0
	})
}

func medianOf(v []twin.Fitted, of func(twin.Fitted) float64) float64 {
	all := make([]float64, 0, len(v))
	for _, e := range v {
		all = append(all, of(e))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// slow compares what endpoints take lately: of one that is slow since a few
// seconds, and gets little since, the mean of the window hides it.
func (j *Judge) slow(all []twin.Fitted) finding {
	known := usable(all, 30)
	if len(known) < 2 {
		return finding{measured: 1}
	}
	for i := range known {
		e := &known[i]
		e.Service, e.LogMean = e.Service*e.Lately, e.LogMean+math.Log(e.Lately)
	}
	middle := medianOf(known, func(e twin.Fitted) float64 { return e.Service })
	logs := medianOf(known, func(e twin.Fitted) float64 { return e.LogMean })
	worst := slices.MaxFunc(known, func(a, b twin.Fitted) int { return cmp.Compare(a.Service, b.Service) })
	f := finding{measured: worst.Service / middle, endpoint: worst.Address}
	f.holds = f.measured >= 2 && worst.LogMean-logs > 3*worst.LogSE
	f.text = fmt.Sprintf("%s takes %s for a request, %.1f× the median endpoint", worst.Address, stats.Readable(worst.Service), f.measured)
	return f
}

func (j *Judge) failing(v *View) finding {
	var attempts, failures float64
	for _, c := range j.state.Tally.Endpoints {
		attempts += float64(c.Attempts)
		failures += float64(c.Failures)
	}
	f := finding{measured: failures / max(attempts, 1)}
	f.holds = f.measured > 0.05 && attempts >= 20
	f.text = Percent(f.measured) + " of all attempts fail"
	for _, e := range v.Endpoints {
		var n, bad float64
		if c := j.state.Tally.Endpoints[e.ID]; c != nil {
			n, bad = float64(c.Attempts), float64(c.Failures)
		}
		rest := (failures - bad) / max(attempts-n, 1)
		if n >= 10 && wilson(bad, n) > 0.03+3*rest {
			f.holds, f.endpoint, f.of, f.limit = true, e.Address, bad/n, 0.03+3*rest
			f.text = fmt.Sprintf("%s fails %s of its requests, the others %s", e.Address, Percent(bad/n), Percent(rest))
		}
	}
	return f
}

// wilson is the lower bound of a share at two standard errors (Wilson 1927).
func wilson(failed, n float64) float64 {
	const z = 2.0
	p := failed / n
	return (p + z*z/(2*n) - z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))) / (1 + z*z/n)
}

func (j *Judge) bursty() finding {
	b := j.state.Last.Bursty
	return finding{holds: b >= 5, measured: b, text: fmt.Sprintf("requests come in bursts: their number varies %.1f× as much as by chance", b)}
}

// unequal compares what endpoints can do in a second. Of one that never had
// so much to do that somebody waited, only the least that it can do is known.
func (j *Judge) unequal(v *View, all []twin.Fitted) finding {
	known := usable(all, 30)
	if len(known) < 2 {
		return finding{measured: 1}
	}
	order := func(a, b twin.Fitted) int { return cmp.Compare(able(a), able(b)) }
	bounded := !slices.ContainsFunc(known, func(e twin.Fitted) bool { return !e.Bounded })
	if !bounded { // compare how fast they are, and what is certain of the rest
		order = func(a, b twin.Fitted) int { return cmp.Compare(1/a.Service, 1/b.Service) }
	}
	weak, strong := slices.MinFunc(known, order), slices.MaxFunc(known, order)
	f := finding{measured: weak.Service / strong.Service}
	certain := math.Abs(strong.LogMean-weak.LogMean) > 4*math.Hypot(strong.LogSE, weak.LogSE)
	if bounded {
		f.measured = able(strong) / able(weak)
		certain = certain || wider(weak, strong)
	}
	if w, s, ratio := apartInSlots(known); ratio > f.measured || !certain && ratio > 1 {
		f.measured, weak, strong, certain = ratio, w, s, true
	}
	f.endpoint, f.holds = weak.Address, f.measured >= 1.5 && certain
	f.text = unequalText(weak, strong, f.measured)
	if l := learntApart(v, known); l.holds && !f.holds {
		return l
	}
	return f
}

// able is what an endpoint can do in a second.
func able(e twin.Fitted) float64 { return float64(e.Slots) / e.Service }

// wider reports whether b works on more at once than a, or on fewer, beyond
// doubt.
func wider(a, b twin.Fitted) bool {
	return a.Limit > 0 && b.Least > a.Limit || b.Limit > 0 && a.Least > b.Limit
}

// apartInSlots returns the two whose capacities differ most beyond doubt, and
// by how much at the least; 1 if none do.
func apartInSlots(known []twin.Fitted) (weak, strong twin.Fitted, ratio float64) {
	ratio = 1
	for _, w := range known {
		if !w.Bounded || w.Limit == 0 {
			continue
		}
		for _, s := range known {
			if r := float64(s.Least) / s.Service * w.Service / float64(w.Limit); s.Least > w.Limit && r > ratio {
				weak, strong, ratio = w, s, r
			}
		}
	}
	return weak, strong, ratio
}

// unequalText names what differs: the speed, the slots, or both.
func unequalText(weak, strong twin.Fitted, times float64) string {
	if weak.Slots == strong.Slots || !wider(weak, strong) {
		return fmt.Sprintf("endpoints differ %.1f× in speed: %s takes %s for a request, %s %s", times, weak.Address, stats.Readable(weak.Service), strong.Address, stats.Readable(strong.Service))
	}
	return fmt.Sprintf("endpoints differ %.1f× in what they can do: %s works on %s at once and takes %s for each, %s on %s and takes %s",
		times, weak.Address, slotsText(weak), stats.Readable(weak.Service), strong.Address, slotsText(strong), stats.Readable(strong.Service))
}

func slotsText(e twin.Fitted) string {
	if e.Bounded {
		return fmt.Sprint(e.Slots)
	}
	return fmt.Sprintf("%d or more", max(e.Least, 1))
}

func (j *Judge) keys() finding {
	ratio, on := j.model.Reuse()
	return finding{holds: on, measured: ratio, text: fmt.Sprintf("endpoints answer a key that they have just seen in %.2f of the time of a new one", ratio)}
}

func (j *Judge) heavy() finding {
	s := j.model.Spread()
	return finding{holds: s >= 2, measured: s, text: fmt.Sprintf("a few requests take far longer than the rest (deviation %.1f× the mean)", s)}
}

func (j *Judge) overloaded() finding {
	load := j.model.Load()
	f := finding{holds: load > full, measured: load, text: fmt.Sprintf("%s of the capacity is in use: no choice of endpoints helps", Percent(load))}
	if s := j.shedShare(); s > refused {
		f.holds, f.text = true, fmt.Sprintf("%s of the requests were refused for want of room", Percent(s))
	}
	return f
}

func (j *Judge) hidden(v *View) finding {
	return finding{holds: v.Foreign > 1.5, measured: v.Foreign, text: fmt.Sprintf("endpoints have %.1f× as much under way as was sent from here: others send to them too", v.Foreign)}
}

func (j *Judge) tooFew() finding {
	n := j.model.Jobs()
	return finding{holds: n < leastRecords, measured: float64(n), text: fmt.Sprintf("%d requests in the window are too few to judge by", n)}
}
