package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/app"
	"poise/internal/config"
	"poise/internal/lab"
)

// demoConfig balances over the demo's workers. The checks and timeouts are
// short so that their effects fit into a stop of the tour.
const demoConfig = `listeners: [{address: %q}]
admin: {address: %q}
clusters:
  - name: default
    endpoints: [%s]
    policy: round-robin
    health: {path: /health, interval: 300ms, timeout: 200ms, rise: 1, fall: 2}
    timeouts: {connect: 500ms, head: 1s}
`

// demoCommand is one command to see it work.
func demoCommand() *cobra.Command {
	d := lab.Demo{Tour: true, Out: os.Stdout}
	var listen, admin string
	var noTour bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work: workers, the balancer, a load, and a tour of faults under several policies",
		Args:  cobra.NoArgs,
	}
	f := c.Flags()
	f.IntVar(&d.Workers, "workers", 5, "workers; of five or more the last two are slower")
	f.Float64Var(&d.Rate, "rate", 400, "requests a second")
	f.DurationVar(&d.For, "for", 96*time.Second, "how long the tour takes")
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "address of the balancer")
	f.StringVar(&admin, "admin", "127.0.0.1:9900", "address of its API")
	f.BoolVar(&noTour, "no-tour", false, "break nothing, only balance")
	f.BoolVar(&d.Quiet, "quiet", false, "only the summary")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d.Tour = !noTour
		switch {
		case d.Workers < 2 || d.Workers > 9:
			return usageError{errors.New("--workers must be from 2 to 9")}
		case d.Rate <= 0 || d.Rate > 5000:
			return usageError{errors.New("--rate must be more than 0 and at most 5000")}
		case d.Tour && d.For < lab.Shortest():
			return usageError{fmt.Errorf("the tour takes at least %v; give --for %v or more, or --no-tour", lab.Shortest(), lab.Shortest())}
		}
		d.Target, d.Admin = "http://"+listen+"/work", "http://"+admin
		level := slog.LevelInfo
		if d.Quiet {
			level = slog.LevelError
		}
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
		d.Start = func(endpoints []string) (func() error, error) {
			return startDemo(fmt.Sprintf(demoConfig, listen, admin, strings.Join(endpoints, ", ")), log)
		}
		missing, err := d.Run(c.Context())
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			return errors.New("not every stop of the tour had its effect:\n" + strings.Join(missing, "\n"))
		}
		return nil
	}
	return c
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
