package top

import (
	"fmt"
	"time"

	"poise/internal/admin"
	"poise/internal/stats"
)

// Lines are a snapshot in plain text: a line for each cluster and endpoint,
// each of which begins with the time and the cluster, for logs and grep.
func Lines(v *admin.Status, zone *time.Location) (all []string) {
	at := v.Now.In(zone).Format(time.TimeOnly)
	for i := range v.Clusters {
		c := &v.Clusters[i]
		rate, inflight, in := 0.0, 0, 0
		for j := range c.Endpoints {
			rate, inflight = rate+c.Endpoints[j].Rate, inflight+c.Endpoints[j].Inflight
			if c.Endpoints[j].Eligible {
				in++
			}
		}
		line := fmt.Sprintf("%s %s  policy %s, %s; engine %s; %s/s, %d in flight, %d of %d in use",
			at, c.Name, c.Policy, byWhom(c), c.Engine.Mode, number(rate), inflight, in, len(c.Endpoints))
		if c.Panic {
			line += "; PANIC, health is ignored"
		}
		all = append(all, clean(line))
		for j := range c.Endpoints {
			e := &c.Endpoints[j]
			line := fmt.Sprintf("%s %s  %s  %s for %s, %d in flight, %s/s, %s failed, p50 %s, p99 %s", at, c.Name, e.Address, e.State,
				age(v.Now.Sub(e.Since)), e.Inflight, number(e.Rate), failed(e.Failures, e.Rate).text, stats.Readable(e.P50), stats.Readable(e.P99))
			if why := remark(e); why != "" {
				line += "; " + why
			}
			all = append(all, clean(line))
		}
	}
	return all
}

func byWhom(c *admin.Cluster) string {
	switch {
	case c.Engine.Challenger != "":
		return fmt.Sprintf("trying %s on %.0f %%", c.Engine.Challenger, 100*c.Engine.Share)
	case c.Engine.Adaptive:
		return "chosen by the engine"
	case c.Pinned:
		return "pinned"
	}
	return "as configured"
}

// Line is a decision in plain text.
func Line(d *admin.Decision, zone *time.Location) string {
	line := fmt.Sprintf("%s %s  decision %d: %s", d.Time.In(zone).Format(time.TimeOnly), d.Cluster, d.ID, d.Text)
	if d.Outcome != nil {
		line += "; outcome: " + d.Outcome.Text
	}
	return clean(line)
}
