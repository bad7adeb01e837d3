package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"poise/internal/admin"
)

// policyCommand shows or pins the policy of a cluster.
func policyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy CLUSTER [NAME]",
		Short: "Show or pin the policy of a cluster at run time",
		Long:  "Show the policy of a cluster, or pin one over what the file says. `adaptive` hands it back to the engine: the pin goes where the file says adaptive, and elsewhere the engine chooses from then on.",
		Args:  cobra.RangeArgs(1, 2),
	}
	k := addClientFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		var v admin.Cluster
		method, path, body := http.MethodGet, clusterPath(args[0]), any(nil)
		if len(args) == 2 {
			method, path, body = http.MethodPut, path+"/policy", map[string]string{"policy": args[1]}
		}
		if err := k.call(c.Context(), method, path, body, &v); err != nil {
			return err
		}
		printPolicy(c.OutOrStdout(), &v)
		return nil
	}
	return c
}

func printPolicy(w io.Writer, v *admin.Cluster) {
	how := "as configured"
	if v.Pinned {
		how = "pinned; the file says " + v.Configured
	}
	fmt.Fprintf(w, "%s: %s (%s)\n", v.Name, v.Policy, how)
	if v.Note != "" {
		fmt.Fprintln(w, v.Note)
	}
}

// endpointCommand gives an operator's word on one endpoint.
func endpointCommand() *cobra.Command {
	c := &cobra.Command{
		Use:       "endpoint CLUSTER ADDRESS enable|disable|drain",
		Short:     "Enable, disable or drain an endpoint",
		Long:      "drain sends no new clients to an endpoint and lets those stay that a cookie keeps there; disable sends nobody. Both first print what the engine forecasts of it, and are then done. The word holds until it is taken back.",
		Args:      cobra.ExactArgs(3),
		ValidArgs: []string{"enable", "disable", "drain"},
	}
	k := addClientFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if args[2] == "drain" || args[2] == "disable" {
			foretell(c.Context(), c.OutOrStdout(), k, args[0], args[1])
		}
		var v admin.Cluster
		path := clusterPath(args[0]) + "/endpoints/" + url.PathEscape(args[1]) + "/state"
		if err := k.call(c.Context(), http.MethodPut, path, map[string]string{"state": args[2]}, &v); err != nil {
			return err
		}
		for _, e := range v.Endpoints {
			if e.Address == args[1] {
				fmt.Fprintf(c.OutOrStdout(), "%s %s: %s, %d in flight\n", v.Name, e.Address, e.State, e.Inflight)
			}
		}
		return nil
	}
	return c
}

// reloadCommand applies the configuration file now.
func reloadCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "reload",
		Short: "Apply the configuration file now",
		Long:  "Apply the configuration file now, even where it removes listeners or most of a cluster's endpoints. A bad file changes nothing.",
		Args:  cobra.NoArgs,
	}
	k := addClientFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := k.call(c.Context(), http.MethodPost, "/api/v1/reload", nil, nil); err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), "the file is in force")
		return nil
	}
	return c
}

// healthzCommand is a probe for scripts.
func healthzCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "healthz",
		Short: "Probe a running poise: exit 0 when it is alive",
		Args:  cobra.NoArgs,
	}
	k := addClientFlags(c)
	ready := c.Flags().Bool("ready", false, "ask whether it is ready for traffic, not only alive")
	cluster := c.Flags().String("cluster", "", "ask whether this cluster has a usable endpoint")
	c.RunE = func(c *cobra.Command, _ []string) error {
		path := "/healthz"
		switch {
		case *cluster != "":
			path = "/readyz?cluster=" + url.QueryEscape(*cluster)
		case *ready:
			path = "/readyz"
		}
		answer, err := k.send(c.Context(), http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
			return k.refused(answer)
		}
		b, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		text := strings.TrimSpace(string(b))
		if answer.StatusCode != http.StatusOK {
			return errors.New(text)
		}
		fmt.Fprintln(c.OutOrStdout(), text)
		return nil
	}
	return c
}
