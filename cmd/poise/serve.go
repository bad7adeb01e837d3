package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"poise/internal/app"
	"poise/internal/config"
)

// serveCommand runs the balancer.
func serveCommand() *cobra.Command {
	var file string
	var flags config.Flags
	c := &cobra.Command{
		Use:   "serve [-c FILE]",
		Short: "Run the balancer",
		Example: `  poise serve -c poise.yaml
  poise serve --listen :8080 --endpoint 127.0.0.1:9001 --endpoint 127.0.0.1:9002 --policy least-request`,
		Args: cobra.NoArgs,
	}
	c.Flags().StringVarP(&file, "config", "c", "", "configuration file")
	c.Flags().StringVar(&flags.Listen, "listen", ":8080", "address to listen on, without a file")
	c.Flags().StringArrayVar(&flags.Endpoints, "endpoint", nil, "address to send requests to, without a file; repeatable")
	c.Flags().StringVar(&flags.Policy, "policy", "", "policy, without a file (default adaptive)")
	c.Flags().StringVar(&flags.Admin, "admin", "", "address of the admin API, without a file (default 127.0.0.1:9900)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		o := app.Options{
			Path: file, Env: config.ProcessEnv(), Version: version, Stdout: c.OutOrStdout(),
			Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		}
		if err := configure(&o, file, flags, c); err != nil {
			return err
		}
		a, err := app.New(o)
		if err != nil {
			return err
		}
		return a.Run(c.Context())
	}
	return c
}

// configure reads the file, or makes a configuration of the flags.
func configure(o *app.Options, file string, flags config.Flags, c *cobra.Command) error {
	var problems config.Problems
	if file == "" {
		if len(flags.Endpoints) == 0 {
			return usageError{errors.New("nothing to serve: give a file with -c, or --endpoint HOST:PORT at least once")}
		}
		o.Config, problems = config.FromFlags(flags)
	} else {
		for _, name := range []string{"listen", "endpoint", "policy", "admin"} {
			if c.Flags().Changed(name) {
				return usageError{fmt.Errorf("--%s and -c exclude each other: write it into %s", name, file)}
			}
		}
		text, err := config.ReadFile(file)
		if err != nil {
			return usageError{err}
		}
		o.Document = config.Document{Name: file, Text: text}
		o.Config, problems = config.Parse(o.Document, o.Env)
	}
	if len(problems) > 0 {
		return usageError{problems}
	}
	return nil
}
