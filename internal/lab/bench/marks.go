package bench

import (
	"fmt"
	"slices"
	"strings"

	"poise/internal/report"
	"poise/internal/scenario"
)

// marksOf says in words what happens in a run, and from when to when.
func marksOf(sc *scenario.Scenario) (all []report.Mark) {
	open := map[int]int{} // mark of an endpoint that lasts
	end := sc.Run.Seconds()
	for _, e := range sc.Events {
		at := e.At.Seconds()
		switch {
		case e.Arrivals != nil:
			all = append(all, report.Mark{From: at, To: at, Text: "arrivals " + arrivals(e.Arrivals)})
		case e.Keys != nil && e.Keys.Count > 0:
			all = append(all, report.Mark{From: at, To: at, Text: fmt.Sprintf("keys %d zipf %g", e.Keys.Count, e.Keys.Zipf)})
		case e.Keys != nil:
			all = append(all, report.Mark{From: at, To: at, Text: "keys off"})
		default:
			i := e.Endpoint
			if of, is := open[i]; is {
				all[of].To = at
				delete(open, i)
			}
			if text := difference(&sc.Endpoints[i].Settings, e.Settings); text != "" {
				open[i] = len(all)
				all = append(all, report.Mark{From: at, To: end, Endpoints: []int{i}, Text: text})
			}
		}
	}
	return merged(sc, all)
}

func arrivals(a *scenario.Arrivals) string {
	text := fmt.Sprintf("%g/s", a.Rate)
	switch a.Process {
	case scenario.Batches:
		text += fmt.Sprintf(" batches %g", a.Batch)
	case scenario.Bursts:
		text += fmt.Sprintf(" bursts %gx", a.High)
	case scenario.Steady:
		text += " steady"
	}
	return text
}

// difference of two settings in the words of a scenario, "" of none.
func difference(before, after *scenario.Settings) string {
	var all []string
	add := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(after.Slow != before.Slow, "slow x%g", after.Slow)
	add(after.Service != before.Service, "service %v", after.Service)
	add(after.Slots != before.Slots, "slots %d", after.Slots)
	add(after.Network != before.Network, "network %v", after.Network)
	add(after.Fails != before.Fails, "fails %g%%", 100*after.Fails)
	add(after.Hangs != before.Hangs, "hangs %g%%", 100*after.Hangs)
	add(after.Refuses != before.Refuses, "refuses %g%%", 100*after.Refuses)
	if after.Cache != before.Cache {
		add(after.Cache.Keys == 0, "cache off")
		add(after.Cache.Keys > 0, "cache %d", after.Cache.Keys)
	}
	return strings.Join(all, " ")
}

// merged puts together what happens to several endpoints at once, and names
// them.
func merged(sc *scenario.Scenario, marks []report.Mark) (all []report.Mark) {
	for _, m := range marks {
		i := slices.IndexFunc(all, func(o report.Mark) bool {
			return len(o.Endpoints) > 0 && len(m.Endpoints) > 0 && o.From == m.From && o.To == m.To && o.Text == m.Text
		})
		if i < 0 {
			all = append(all, m)
			continue
		}
		all[i].Endpoints = append(all[i].Endpoints, m.Endpoints...)
	}
	for i := range all {
		if len(all[i].Endpoints) > 0 {
			all[i].Text = endpointsText(sc, all[i].Endpoints) + " " + all[i].Text
		}
	}
	return all
}

// endpointsText is as in "web[0..3]" or "web[2]".
func endpointsText(sc *scenario.Scenario, of []int) string {
	if len(of) == len(sc.Endpoints) {
		return "all"
	}
	first, last := &sc.Endpoints[of[0]], &sc.Endpoints[of[len(of)-1]]
	switch {
	case len(of) == 1:
		return fmt.Sprintf("%s[%d]", first.Group, first.Index)
	case first.Group == last.Group && last.Index-first.Index == len(of)-1:
		return fmt.Sprintf("%s[%d..%d]", first.Group, first.Index, last.Index)
	}
	var names []string
	for _, i := range of {
		names = append(names, fmt.Sprintf("%s[%d]", sc.Endpoints[i].Group, sc.Endpoints[i].Index))
	}
	return strings.Join(names, ", ")
}
