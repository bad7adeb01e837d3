package main

import (
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/top"
	"poise/internal/watch"
)

// topCommand shows a running Poise live.
func topCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "top [CLUSTER]",
		Short: "Show clusters, endpoints and decisions live, and steer them by keys",
		Long: `Show clusters, endpoints and decisions live. Keys sort the endpoints, pin a policy, drain an endpoint, freeze the
engine; ? lists them all, and what moves requests is asked about first. Where the output is no terminal, lines are
written in place of it, a snapshot every --every with the decisions made meanwhile.`,
		Args: cobra.MaximumNArgs(1),
	}
	k := addClientFlags(c)
	lines := c.Flags().Bool("plain", false, "write lines, also to a terminal")
	every := c.Flags().Duration("every", time.Second, "time between two snapshots of lines")
	count := c.Flags().Int("count", 0, "end after so many snapshots of lines; 0: go on")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case *every < 100*time.Millisecond:
			return usageError{errors.New("--every must be at least 100ms")}
		case *count < 0:
			return usageError{errors.New("--count must not be negative")}
		}
		out := c.OutOrStdout()
		api := watch.API{Call: k.call, Stream: k.stream}
		if *lines || *count > 0 || !onTerminal(out) || !onTerminal(os.Stdin) || os.Getenv("TERM") == "dumb" {
			return watch.Lines(c.Context(), api, watch.LineOptions{
				Every: *every, Count: *count, Cluster: first(args), Zone: time.Local, Out: out, Err: c.ErrOrStderr(),
			})
		}
		o := top.Options{From: k.address, Cluster: first(args), Zone: time.Local, Colour: inColour(out)}
		return watch.Terminal(c.Context(), api, o, os.Stdin, out)
	}
	return c
}

// first is the first argument, "" when there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
