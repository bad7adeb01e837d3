package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/admin"
	"poise/internal/stats"
	"poise/internal/watch"
)

// decisionsCommand prints the engine's journal.
func decisionsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "decisions [ID]",
		Short: "Show what the decision engine decided and why",
		Long: `Show what the decision engine decided and why: a line for each entry of its journal, with the outcome of a switch
once it is measured. With an ID, all that the entry rests on.`,
		Args: cobra.MaximumNArgs(1),
	}
	k := addClientFlags(c)
	f := c.Flags()
	follow := f.Bool("follow", false, "go on with new entries as they come")
	asJSON := f.Bool("json", false, "print entries as the API has them, a line each")
	cluster := f.String("cluster", "", "only of this cluster")
	since := f.Duration("since", 0, "only of so long ago, as in 10m")
	limit := f.Int("limit", 20, "at most so many of the latest")
	c.RunE = func(c *cobra.Command, args []string) error {
		p := decisionPrinter{out: c.OutOrStdout(), json: *asJSON, cluster: *cluster}
		if len(args) == 1 {
			var d admin.Decision
			if err := k.call(c.Context(), http.MethodGet, "/api/v1/decisions/"+url.PathEscape(args[0]), nil, &d); err != nil {
				return err
			}
			if *asJSON {
				return p.print(&d)
			}
			printDecision(p.out, &d)
			return nil
		}
		query := url.Values{"limit": {strconv.Itoa(*limit)}}
		if *cluster != "" {
			query.Set("cluster", *cluster)
		}
		if *since > 0 {
			query.Set("since", since.String())
		}
		var v admin.Decisions
		if err := k.call(c.Context(), http.MethodGet, "/api/v1/decisions?"+query.Encode(), nil, &v); err != nil {
			return err
		}
		for i := range v.Decisions {
			if err := p.print(&v.Decisions[i]); err != nil {
				return err
			}
		}
		if *follow {
			return p.follow(c.Context(), k)
		}
		if len(v.Decisions) == 0 && !*asJSON {
			fmt.Fprintln(p.out, "nothing has been decided yet")
		}
		return nil
	}
	return c
}

// decisionPrinter prints entries as they come.
type decisionPrinter struct {
	out     io.Writer
	json    bool
	cluster string // "" for all
	last    uint64
}

func (p *decisionPrinter) print(d *admin.Decision) error {
	p.last = max(p.last, d.ID)
	if p.json {
		return json.NewEncoder(p.out).Encode(d)
	}
	fmt.Fprintf(p.out, "%s  %-4d %s  %s\n", d.Time.Local().Format("15:04:05"), d.ID, d.Cluster, d.Text)
	if d.Outcome != nil {
		fmt.Fprintf(p.out, "          ↳ %s\n", d.Outcome.Text)
	}
	return nil
}

// again is the pause before a stream that broke off is asked for once more.
const again = time.Second

// follow prints what the stream brings until ctx is done.
func (p *decisionPrinter) follow(ctx context.Context, k *client) error {
	for {
		err := p.listen(ctx, k)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		select { // poise restarts, or sent us away for being slow
		case <-ctx.Done():
			return nil
		case <-time.After(again):
		}
	}
}

func (p *decisionPrinter) listen(ctx context.Context, k *client) error {
	return k.stream(ctx, "", func(e watch.Event) error {
		if e.Kind != "decision" {
			return nil
		}
		var d admin.Decision
		if json.Unmarshal(e.Data, &d) != nil {
			return k.stranger()
		}
		if p.cluster != "" && d.Cluster != p.cluster {
			return nil
		}
		if d.Outcome != nil && d.ID <= p.last && !p.json { // its line stands above
			fmt.Fprintf(p.out, "%s  %-4d %s  ↳ %s\n", time.Now().Format("15:04:05"), d.ID, d.Cluster, d.Outcome.Text)
			return nil
		}
		return p.print(&d)
	})
}

// printDecision prints all that an entry rests on.
func printDecision(w io.Writer, d *admin.Decision) {
	fmt.Fprintf(w, "decision %d, %s, cluster %s: %s\n%s\n", d.ID, d.Time.Local().Format(time.DateTime), d.Cluster, d.Action, d.Text)
	e := &d.Evidence
	if e.Records > 0 {
		fmt.Fprintf(w, "\nevidence: %d requests in %.1f s, %.0f a second, %.0f %% of the capacity in use, %.2f %% failed\n", e.Records, e.Window, e.Rate, 100*e.Load, 100*e.Failures)
		if e.Learnt > 0 {
			fmt.Fprintf(w, "  endpoints answer so often that %.1f %% of the answers were enough to learn from\n", 100*e.Learnt)
		}
		fmt.Fprintf(w, "  loss measured %s, computed for the same requests %s\n", stats.Readable(e.Measured), stats.Readable(e.Predicted))
	}
	for _, n := range e.Notes {
		fmt.Fprintf(w, "  %s\n", n)
	}
	if len(e.Endpoints) > 0 {
		t := columns(w)
		fmt.Fprintln(t, "  endpoint\trequests\ttakes\tat once\tfails\t")
		for _, m := range e.Endpoints {
			least := ""
			if !m.Bounded {
				least = "≥ "
			}
			fmt.Fprintf(t, "  %s\t%d\t%s\t%s%d\t%.1f %%\t\n", m.Address, m.Records, stats.Readable(m.Service), least, m.Capacity, 100*m.Failing)
		}
		_ = t.Flush()
	}
	if len(d.Conditions) > 0 {
		fmt.Fprintln(w, "\nconditions:")
	}
	for _, c := range d.Conditions {
		fmt.Fprintf(w, "  %s: %s\n    %s; here %.3g, the threshold is %.3g\n", c.Name, c.Text, c.Definition, c.Measured, c.Threshold)
	}
	if len(d.Candidates) > 0 {
		fmt.Fprintln(w, "\npredicted loss:")
		t := columns(w)
		fmt.Fprintln(t, "  policy\tloss\t90 % interval\tmean\tp99\tfailed\t")
		for _, c := range d.Candidates {
			fmt.Fprintf(t, "  %s\t%s\t%s … %s\t%s\t%s\t%.2f %%\t%s\n", c.Policy, stats.Readable(c.Loss), stats.Readable(c.Low), stats.Readable(c.High), stats.Readable(c.Mean), stats.Readable(c.P99), 100*c.Failures, c.Note)
		}
		_ = t.Flush()
	}
	if len(d.Gates) > 0 {
		fmt.Fprintln(w, "\ngates:")
	}
	for _, g := range d.Gates {
		mark := "passed"
		if !g.Passed {
			mark = "held  "
		}
		fmt.Fprintf(w, "  %s %s: %s\n", mark, g.Name, g.Why)
	}
	if d.Outcome != nil {
		fmt.Fprintf(w, "\noutcome after %.0f s: %s\n", d.Outcome.After, d.Outcome.Text)
	}
}
