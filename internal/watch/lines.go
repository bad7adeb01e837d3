package watch

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"poise/internal/admin"
	"poise/internal/top"
)

// LineOptions say how a Poise is shown in lines.
type LineOptions struct {
	Every   time.Duration  // between two snapshots
	Count   int            // snapshots before it ends; 0 for no end
	Cluster string         // only this one; "" for all
	Zone    *time.Location // of the times
	Out     io.Writer      // what is seen
	Err     io.Writer      // what goes wrong meanwhile
}

func (o *LineOptions) wants(cluster string) bool { return o.Cluster == "" || o.Cluster == cluster }

// Lines writes a snapshot every so often, and the decisions that were made
// between two, until ctx is done. Where the first cannot be had it returns
// why; later it says so and tries again.
func Lines(ctx context.Context, api API, o LineOptions) error {
	var last uint64 // decision that is known
	first, failed := true, 0
	for done := 0; ; {
		err := snapshot(ctx, api, &o, &last, first)
		pause := o.Every
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			failed++
			pause = max(wait(failed), o.Every)
			fmt.Fprintf(o.Err, "poise: %s; again in %v\n", oneLine(err), pause)
		default:
			done, failed, first = done+1, 0, false
		}
		if done == o.Count && done > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// snapshot writes one. The first leaves out decisions that were made before.
func snapshot(ctx context.Context, api API, o *LineOptions, last *uint64, first bool) error {
	var v admin.Status
	if err := api.Call(ctx, "GET", "/api/v1/clusters", nil, &v); err != nil {
		return err
	}
	v.Clusters = slices.DeleteFunc(v.Clusters, func(c admin.Cluster) bool { return !o.wants(c.Name) })
	if len(v.Clusters) == 0 && o.Cluster != "" {
		return noCluster(o.Cluster)
	}
	var d admin.Decisions
	if err := api.Call(ctx, "GET", fmt.Sprintf("/api/v1/decisions?limit=%d", recent), nil, &d); err != nil {
		return err
	}
	newest := uint64(0)
	for i := range d.Decisions {
		newest = max(newest, d.Decisions[i].ID)
	}
	if newest < *last { // it has started anew, and counts from one
		*last = 0
	}
	for i := range d.Decisions {
		if e := &d.Decisions[i]; e.ID > *last && !first && o.wants(e.Cluster) {
			if _, err := fmt.Fprintln(o.Out, top.Line(e, o.Zone)); err != nil {
				return err
			}
		}
	}
	*last = newest
	for _, line := range top.Lines(&v, o.Zone) {
		if _, err := fmt.Fprintln(o.Out, line); err != nil {
			return err
		}
	}
	return nil
}
