package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"poise/internal/admin"
)

// explainCommand says where the next request would go, and why.
func explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain CLUSTER [--key K]",
		Short: "Show where the next request to a cluster would go, and who is left out and why",
		Args:  cobra.ExactArgs(1),
	}
	k := addClientFlags(c)
	key := c.Flags().String("key", "", "value of what the cluster's hash_key names, as a user's name")
	c.RunE = func(c *cobra.Command, args []string) error {
		path := clusterPath(args[0]) + "/explain"
		if c.Flags().Changed("key") {
			path += "?key=" + url.QueryEscape(*key)
		}
		var v admin.Explanation
		if err := k.call(c.Context(), http.MethodGet, path, nil, &v); err != nil {
			return err
		}
		printExplanation(c.OutOrStdout(), &v)
		return nil
	}
	return c
}

func printExplanation(w io.Writer, v *admin.Explanation) {
	picked := v.Picked
	if picked == "" {
		picked = "nowhere"
	}
	fmt.Fprintf(w, "%s: the next request goes to %s (%s)\n", v.Cluster, picked, v.Policy)
	t := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(t, "endpoint\tchance\tweight\tin flight\tleft out")
	for _, e := range v.Endpoints {
		out := e.Excluded
		if out == "" {
			out = "-"
		}
		fmt.Fprintf(t, "%s\t%.1f%%\t%d\t%d\t%s\n", e.Address, 100*e.Chance, e.Weight, e.Inflight, out)
	}
	_ = t.Flush()
	fmt.Fprintln(w, v.Note)
}
