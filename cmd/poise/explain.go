package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
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

// policiesOf are the policies that have scores, the one that picks first.
func policiesOf(v *admin.Explanation) (all []string) {
	for _, e := range v.Endpoints {
		for p := range e.Scores {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if (a == v.Policy) != (b == v.Policy) {
			if a == v.Policy {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return all
}

func scoreText(scores map[string]float64, policy string) string {
	if s, ok := scores[policy]; ok {
		return fmt.Sprintf("%.4g", s)
	}
	return "-"
}

func printExplanation(w io.Writer, v *admin.Explanation) {
	picked := v.Picked
	if picked == "" {
		picked = "nowhere"
	}
	fmt.Fprintf(w, "%s: the next request goes to %s (%s)\n", v.Cluster, picked, v.Policy)
	t := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	others := policiesOf(v)
	fmt.Fprintf(t, "endpoint\tchance\tweight\tin flight\t%s\tleft out\n", strings.Join(others, "\t"))
	for _, e := range v.Endpoints {
		out := e.Excluded
		if out == "" {
			out = "-"
		}
		fmt.Fprintf(t, "%s\t%.1f%%\t%d\t%d\t", e.Address, 100*e.Chance, e.Weight, e.Inflight)
		for _, p := range others {
			fmt.Fprintf(t, "%s\t", scoreText(e.Scores, p))
		}
		fmt.Fprintln(t, out)
	}
	_ = t.Flush()
	fmt.Fprintln(w, v.Note)
}
