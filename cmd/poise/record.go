package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// recordCommand saves what the engine is given at one cluster.
func recordCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "record CLUSTER --for 60s -o FILE",
		Short: "Save a window of what a running poise measured",
		Long: `Save what the engine's judgement of a cluster is given from now on: records of attempts, the endpoints, what was
decided. The same decisions can be made again from it. It holds addresses and figures, hashes of keys, and nothing else
of any request.`,
		Args: cobra.ExactArgs(1),
	}
	k := addClientFlags(c)
	lasts := c.Flags().Duration("for", time.Minute, "how long")
	out := c.Flags().StringP("output", "o", "", "file to write")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *out == "" {
			return usageError{errors.New("say where to with -o, as in -o window.poise")}
		}
		answer, err := k.open(c.Context(), clusterPath(args[0])+"/record?for="+lasts.String(), "")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return k.refused(answer)
		}
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		n, err := io.Copy(f, answer.Body)
		if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s holds what came until it broke off: %w", *out, err)
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %d bytes in %s\n", *out, n, lasts)
		return nil
	}
	return c
}
