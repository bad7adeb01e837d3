package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"poise/internal/config"
)

// defaultFile is what `poise check` reads when no file is named.
const defaultFile = "poise.yaml"

// checkCommand validates a configuration.
func checkCommand() *cobra.Command {
	var file string
	var resolved bool
	c := &cobra.Command{
		Use:   "check [-c FILE]",
		Short: "Validate a configuration: every mistake at once, each with its place",
		Args:  cobra.NoArgs,
	}
	c.Flags().StringVarP(&file, "config", "c", defaultFile, "configuration file")
	c.Flags().BoolVar(&resolved, "resolved", false, "print it with every default filled in")
	c.RunE = func(c *cobra.Command, _ []string) error {
		text, err := config.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) && !c.Flags().Changed("config") {
			return usageError{fmt.Errorf("there is no %s here; name a file with -c", defaultFile)}
		}
		if err != nil {
			return usageError{err}
		}
		k, problems := config.Parse(config.Document{Name: file, Text: text}, config.ProcessEnv())
		for _, p := range problems {
			fmt.Fprintln(c.ErrOrStderr(), p)
			if excerpt := p.Excerpt(text); excerpt != "" {
				fmt.Fprintln(c.ErrOrStderr(), "    "+strings.ReplaceAll(excerpt, "\n", "\n    "))
			}
		}
		if len(problems) > 0 {
			return exitStatus(2)
		}
		if resolved {
			_, err := c.OutOrStdout().Write(k.Resolved())
			return err
		}
		endpoints := 0
		for _, cluster := range k.Clusters {
			endpoints += len(cluster.Endpoints)
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: ok: %s, %s, %s, %s\n", file, count(len(k.Listeners), "listener"),
			count(len(k.Routes), "route"), count(len(k.Clusters), "cluster"), count(endpoints, "endpoint"))
		return nil
	}
	return c
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// schemaCommand prints the JSON Schema of the configuration.
func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration, for editors",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(config.Schema())
			return err
		},
	}
}
