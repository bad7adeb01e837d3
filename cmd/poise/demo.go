package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/app"
	"poise/internal/config"
	"poise/internal/lab"
	"poise/internal/listener"
)

// demoConfig balances over the demo's workers. The checks, ejections and
// timeouts are short so that their effects fit into a stop of the tour.
const demoConfig = `listeners: [{address: %q}]
admin: {address: %q}
engine: {evaluate: %v, dwell: %v}
clusters:
  - name: default
    endpoints: [%s]
    policy: adaptive
    health: {path: /health, interval: 300ms, timeout: 200ms, rise: 1, fall: 2}
    outliers: {base: 500ms, max: 2s}
    slow_start: 1s
    timeouts: {connect: 500ms, head: 1s}
`

// demoCommand is one command to see it work.
func demoCommand() *cobra.Command {
	d := lab.Demo{Tour: true}
	var listen, admin string
	var noTour bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work: workers, the balancer, a load, and a tour of faults under several policies",
		Long: `See it work: workers, the balancer and a load in one process, on loopback only, and a tour of faults
under several policies, with a table at the end. Ctrl-C ends it with the table so far.
Exit 0 only when every stop of the tour had its expected effect.`,
		Args: cobra.NoArgs,
	}
	f := c.Flags()
	f.IntVar(&d.Workers, "workers", 5, "workers; of five or more the last two are slower")
	f.Float64Var(&d.Rate, "rate", 400, "requests a second")
	f.DurationVar(&d.For, "for", 120*time.Second, "how long the tour takes")
	f.StringSliceVar(&d.Policies, "policies", lab.DefaultPolicies(), "policies of the tour: some of "+strings.Join(lab.Policies(), ", "))
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "address of the balancer")
	f.StringVar(&admin, "admin", "127.0.0.1:9900", "address of its API")
	f.BoolVar(&noTour, "no-tour", false, "break nothing, only balance")
	f.BoolVar(&d.Quiet, "quiet", false, "only the summary")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d.Tour, d.Out = !noTour, c.OutOrStdout()
		d.Live, d.Colour = onTerminal(d.Out), inColour(d.Out)
		if err := checkDemo(&d); err != nil {
			return usageError{err}
		}
		for _, a := range []struct{ flag, address string }{{"--listen", listen}, {"--admin", admin}} {
			if err := free(a.flag, a.address); err != nil {
				return err
			}
		}
		d.Target, d.Admin = "http://"+listen+"/work", "http://"+admin
		log := slog.New(d.Log())
		d.Start = func(endpoints []string) (func() error, error) {
			return startDemo(fmt.Sprintf(demoConfig, listen, admin, lab.EngineEvaluate, lab.EngineDwell, strings.Join(endpoints, ", ")), log)
		}
		outcome, err := d.Run(c.Context())
		switch {
		case err != nil:
			return err
		case len(outcome.Missing) > 0:
			return errors.New("not every stop of the tour had its effect:\n" + strings.Join(outcome.Missing, "\n"))
		case !outcome.Good():
			return exitStatus(1) // the summary says why
		}
		return nil
	}
	return c
}

func checkDemo(d *lab.Demo) error {
	shortest := lab.Shortest(len(d.Policies))
	switch {
	case d.Workers < 2 || d.Workers > 9:
		return errors.New("--workers must be from 2 to 9")
	case d.Rate <= 0 || d.Rate > 5000:
		return errors.New("--rate must be more than 0 and at most 5000")
	case d.For <= 0:
		return errors.New("--for must be more than 0, as in 120s")
	case len(d.Policies) == 0:
		return errors.New("--policies names none")
	case d.Tour && d.For < shortest:
		return fmt.Errorf("a tour under %s takes at least %v; give --for %v or more, fewer --policies, or --no-tour", fmt.Sprintf("%d of the policies", len(d.Policies)), shortest, shortest)
	}
	for i, p := range d.Policies {
		if !slices.Contains(lab.Policies(), p) || slices.Contains(d.Policies[:i], p) {
			return fmt.Errorf("--policies: %q is unknown to the tour, or named twice; it knows %s", p, strings.Join(lab.Policies(), ", "))
		}
	}
	return nil
}

// free tries an address before anything is started, so that the error can name
// the flag.
func free(flag, address string) error {
	ln, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another process; stop it, or choose another with %s, as in %s %s", address, flag, flag, nextPort(address))
	}
	if err != nil {
		return listener.BindError(address, err)
	}
	return ln.Close()
}

// nextPort is a free port of the same address.
func nextPort(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return net.JoinHostPort(host, "18080")
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return net.JoinHostPort(host, port)
}

// startDemo runs a balancer in this process.
func startDemo(text string, log *slog.Logger) (stop func() error, err error) {
	doc := config.Document{Name: "demo", Text: []byte(text)}
	k, problems := config.Parse(doc, config.ProcessEnv())
	if len(problems) > 0 {
		return nil, usageError{problems}
	}
	a, err := app.New(app.Options{Config: k, Document: doc, Version: version, Log: log, Stdout: os.Stdout})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	for a.Ready() != nil {
		select {
		case err := <-done:
			cancel()
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
	return func() error { cancel(); return <-done }, nil
}
