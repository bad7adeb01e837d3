package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/admin"
)

// outTooLong is how long an endpoint may be out before `poise status` says so
// with its exit status.
const outTooLong = 5 * time.Minute

// statusCommand prints one snapshot of a running Poise.
func statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Show clusters, policies and endpoints; exit 3 while an endpoint has been out for over 5 minutes",
		Args:  cobra.NoArgs,
	}
	k := addClientFlags(c)
	asJSON := c.Flags().Bool("json", false, "print what the API answers")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var v admin.Status
		if err := k.call(c.Context(), "GET", "/api/v1/clusters", nil, &v); err != nil {
			return err
		}
		if *asJSON {
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			if err := e.Encode(v); err != nil {
				return err
			}
		} else {
			for i := range v.Clusters {
				printCluster(c.OutOrStdout(), &v.Clusters[i])
			}
			if note := v.Configuration.Note; note != "" {
				fmt.Fprintln(c.OutOrStdout(), "configuration:", note)
			}
		}
		if out := longOut(v.Clusters); out != "" {
			fmt.Fprintln(c.ErrOrStderr(), out)
			return exitStatus(3)
		}
		return nil
	}
	return c
}

func printCluster(w io.Writer, v *admin.Cluster) {
	printPolicy(w, v)
	if v.PinnedAt != nil {
		fmt.Fprintf(w, "  pinned %s ago\n", time.Since(*v.PinnedAt).Round(time.Second))
	}
	if v.Panic {
		fmt.Fprintln(w, "  PANIC: too few endpoints are healthy, so health is ignored")
	}
	t := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "endpoint\tstate\tfor\tin flight\tper s\tfailed\tp50\tp99\t")
	for _, e := range v.Endpoints {
		state := e.State
		if e.Reason != "" {
			state += " (" + e.Reason + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%.0f\t%.1f%%\t%s\t%s\t\n", e.Address, state,
			time.Since(e.Since).Round(time.Second), e.Inflight, e.Rate, 100*e.Failures, millis(e.P50), millis(e.P99))
	}
	_ = t.Flush()
}

func millis(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", 1000*seconds)
}

// longOut names an endpoint that has been out for too long, "" for none. What
// an operator took out is meant to be out.
func longOut(clusters []admin.Cluster) string {
	for _, c := range clusters {
		for _, e := range c.Endpoints {
			operators := e.State == "drain" || e.State == "disabled"
			if !operators && e.State != "healthy" && time.Since(e.Since) > outTooLong {
				return fmt.Sprintf("%s %s has been %s for %s", c.Name, e.Address, e.State, time.Since(e.Since).Round(time.Second))
			}
		}
	}
	return ""
}
