// Command poise is an adaptive HTTP load balancer: `poise serve` balances,
// the other commands watch it, steer it, test it and measure it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set when a release is built.
var version = "dev"

// usageError is an error of the arguments or of the configuration: exit 2.
type usageError struct{ error }

// exitStatus is a result that only the exit status tells.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run returns the exit status: 0 done, 1 failed, 2 unusable arguments or
// configuration.
func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line != "" {
			fmt.Fprintln(os.Stderr, "poise:", line)
		}
	}
	if _, usage := errors.AsType[usageError](err); usage {
		return 2
	}
	return 1
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "poise",
		Short:         "An adaptive HTTP load balancer",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		serveCommand(), demoCommand(), workerCommand(), loadCommand(), benchCommand(), simCommand(), checkCommand(), schemaCommand(),
		statusCommand(), topCommand(), policyCommand(), engineCommand(), decisionsCommand(), recordCommand(), endpointCommand(), explainCommand(), whatifCommand(),
		reloadCommand(), healthzCommand(), versionCommand(),
	)
	root.AddCommand(notBuilt()...)
	asUsage(root)
	return root
}

// asUsage makes what cobra finds wrong with arguments exit with 2.
func asUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see `%s --help`", err, c.CommandPath())}
	})
	for _, sub := range c.Commands() {
		if args := sub.Args; args != nil {
			sub.Args = func(c *cobra.Command, a []string) error {
				if err := args(c, a); err != nil {
					return usageError{fmt.Errorf("%w; usage: %s", err, c.UseLine())}
				}
				return nil
			}
		}
		asUsage(sub)
	}
	if c.HasParent() || c.Args != nil {
		return
	}
	c.Args = func(c *cobra.Command, a []string) error {
		if len(a) == 0 {
			return nil
		}
		hint := ""
		if near := c.SuggestionsFor(a[0]); len(near) > 0 {
			hint = "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return usageError{fmt.Errorf("there is no command %q%s", a[0], hint)}
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
}

// notBuilt are the commands of the contract that are still to come. They say
// so, and help does not list them.
func notBuilt() []*cobra.Command {
	var all []*cobra.Command
	for _, name := range []string{"upgrade"} {
		all = append(all, &cobra.Command{
			Use: name, Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error { return fmt.Errorf("poise %s: not built yet", name) },
		})
	}
	return all
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			revision := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = " " + s.Value[:min(12, len(s.Value))]
					}
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "poise %s%s %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
