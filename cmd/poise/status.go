package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/admin"
	"poise/internal/stats"
)

// outTooLong is how long an endpoint may be out before `poise status` says so
// with its exit status.
const outTooLong = 5 * time.Minute

// statusCommand prints one snapshot of a running Poise.
func statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Show clusters, policies and endpoints; exit 3 while an endpoint has been out for over 5 minutes",
		Long: `Show clusters, policies and endpoints, and what the operator holds in force over the file.

Exit status 3 says that an endpoint has been out for over 5 minutes: its checks
fail, or it was never checked. One that the operator drained or disabled is
meant to be out and does not count.`,
		Args: cobra.NoArgs,
	}
	k := addClientFlags(c)
	asJSON := c.Flags().Bool("json", false, "print what the API answers")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var v admin.Status
		if err := k.call(c.Context(), "GET", "/api/v1/clusters", nil, &v); err != nil {
			return err
		}
		if err := printStatus(c.OutOrStdout(), &v, *asJSON); err != nil {
			return err
		}
		out := longOut(&v)
		for _, line := range out {
			fmt.Fprintln(c.ErrOrStderr(), "poise:", line)
		}
		if len(out) > 0 {
			return exitStatus(3)
		}
		return nil
	}
	return c
}

func printStatus(w io.Writer, v *admin.Status, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	for i := range v.Clusters {
		printCluster(w, &v.Clusters[i], v.Now)
	}
	held := heldByOperator(v)
	if len(held) > 0 {
		fmt.Fprintln(w, "held by the operator:")
	}
	for _, line := range held {
		fmt.Fprintln(w, " ", line)
	}
	fmt.Fprintln(w, "configuration:", v.Configuration.From)
	if note := v.Configuration.Note; note != "" {
		fmt.Fprintln(w, " ", note)
	}
	return nil
}

func printCluster(w io.Writer, v *admin.Cluster, now time.Time) {
	printPolicy(w, v)
	if v.Panic {
		fmt.Fprintln(w, "  PANIC: too few endpoints are healthy, so health is ignored")
	}
	printTrust(w, &v.Engine)
	t := columns(w)
	fmt.Fprintln(t, "endpoint\tstate\tfor\tin flight\tper s\tfailed\tp50\tp99\t")
	for _, e := range v.Endpoints {
		state := e.State
		if e.Reason != "" && e.State != "healthy" && !byOperator(e.State) {
			state += " (" + e.Reason + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%.0f\t%.1f%%\t%s\t%s\t\n", e.Address, state,
			age(now, e.Since), e.Inflight, e.Rate, 100*e.Failures, stats.Readable(e.P50), stats.Readable(e.P99))
	}
	_ = t.Flush()
}

// printTrust says how the engine's last forecasts came out.
func printTrust(w io.Writer, v *admin.EngineState) {
	f := v.Forecasts
	if f == nil {
		return
	}
	fmt.Fprintf(w, "  of the last %d forecasts %.0f %% fell inside their 90 %% band\n", f.Known, 100*f.Inside)
	if f.Distrusted {
		fmt.Fprintln(w, "  too few: the engine advises only, until they hold again or `poise engine auto` says otherwise")
	}
}

// columns writes columns that end where their words end.
func columns(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
}

// heldByOperator lists what was said at run time and outlives a reload, with
// its age.
func heldByOperator(v *admin.Status) (lines []string) {
	for _, c := range v.Clusters {
		if c.PinnedAt != nil {
			lines = append(lines, fmt.Sprintf("%s: policy %s over %s of the file, for %s", c.Name, c.Policy, c.Configured, age(v.Now, *c.PinnedAt)))
		}
		if c.Engine.HeldAt != nil {
			lines = append(lines, fmt.Sprintf("%s: engine %s over %s of the file, for %s", c.Name, c.Engine.Mode, c.Engine.Configured, age(v.Now, *c.Engine.HeldAt)))
		}
		for _, e := range c.Endpoints {
			if byOperator(e.State) {
				lines = append(lines, fmt.Sprintf("%s: endpoint %s %s, for %s", c.Name, e.Address, e.State, age(v.Now, e.Since)))
			}
		}
	}
	return lines
}

func byOperator(state string) bool { return state == "drain" || state == "disabled" }

// age is how long ago something was, by the clock of the balancer: this
// machine's may differ.
func age(now, then time.Time) time.Duration { return now.Sub(then).Round(time.Second) }

// longOut names the endpoints that have been out for too long. What an
// operator took out is meant to be out.
func longOut(v *admin.Status) (lines []string) {
	for _, c := range v.Clusters {
		for _, e := range c.Endpoints {
			if e.State != "healthy" && !byOperator(e.State) && v.Now.Sub(e.Since) > outTooLong {
				lines = append(lines, fmt.Sprintf("%s %s has been %s for %s", c.Name, e.Address, e.State, age(v.Now, e.Since)))
			}
		}
	}
	return lines
}
