package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"poise/internal/admin"
	"poise/internal/cluster"
)

// engineCommand shows or says what the decision engine may do.
func engineCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "engine [auto|advise|freeze] [CLUSTER]",
		Short: "Show or say what the decision engine may do",
		Long: `Show or say what the decision engine may do, in one cluster or in all. auto switches policies by itself, advise
only says in the journal what it would do, freeze leaves everything as it is. The word holds over a reload, and with
state.dir over a restart, until the file changes engine.mode. auto and advise also take a cluster up again that the
engine leaves alone after a failure of its own.`,
		Args:      cobra.RangeArgs(0, 2),
		ValidArgs: cluster.Modes,
	}
	k := addClientFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			var v admin.Status
			if err := k.call(c.Context(), http.MethodGet, "/api/v1/clusters", nil, &v); err != nil {
				return err
			}
			printEngines(c.OutOrStdout(), v.Clusters)
			return nil
		}
		if _, err := cluster.ParseMode(args[0]); err != nil {
			return usageError{fmt.Errorf("%w; usage: %s", err, c.UseLine())}
		}
		body := map[string]string{"mode": args[0]}
		if len(args) == 2 {
			var v admin.Cluster
			if err := k.call(c.Context(), http.MethodPut, clusterPath(args[1])+"/engine", body, &v); err != nil {
				return err
			}
			printEngines(c.OutOrStdout(), []admin.Cluster{v})
			return nil
		}
		var v admin.Status
		if err := k.call(c.Context(), http.MethodPut, "/api/v1/engine", body, &v); err != nil {
			return err
		}
		printEngines(c.OutOrStdout(), v.Clusters)
		return nil
	}
	return c
}

func printEngines(w io.Writer, all []admin.Cluster) {
	for i := range all {
		v, how := &all[i], "as configured"
		if v.Engine.Held {
			how = "by the operator; the file says " + v.Engine.Configured
		}
		fmt.Fprintf(w, "%s: engine %s (%s), policy %s", v.Name, v.Engine.Mode, how, v.Policy)
		if !v.Engine.Adaptive {
			fmt.Fprint(w, ", which is not the engine's to choose")
		}
		fmt.Fprintln(w)
		if v.Engine.Challenger != "" {
			fmt.Fprintf(w, "  %s is tried on %.0f %% of the requests\n", v.Engine.Challenger, 100*v.Engine.Share)
		}
		if v.Engine.Fault != "" {
			fmt.Fprintf(w, "  out of order: %s; `poise engine auto %s` begins anew\n", v.Engine.Fault, v.Name)
		}
	}
}
