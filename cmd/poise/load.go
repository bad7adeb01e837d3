package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"poise/internal/load"
)

var errTooLate = errors.New("over 1 % of the requests left late: the generator or the machine could not keep up, so these latencies are not the server's; lower --rate")

// loadCommand generates load.
func loadCommand() *cobra.Command {
	var o load.Options
	var asJSON, quiet bool
	c := &cobra.Command{
		Use:   "load URL --rate R --for D",
		Short: "Generate load on an open timeline, latency counted from when each request was due",
		Long: `Generate load on an open timeline: each request is due at a moment that does not depend on the answers before
it, and its latency counts from then. Ctrl-C reports what was measured. Exit 1 when over 1 % of the requests left
more than 10 ms late.`,
		Example: `  poise load http://127.0.0.1:8080/work --rate 400 --for 10s
  poise load http://127.0.0.1:8080/work --closed 64 --for 5s`,
		Args: cobra.ExactArgs(1),
	}
	f := c.Flags()
	f.Float64Var(&o.Rate, "rate", 100, "requests a second")
	f.DurationVar(&o.For, "for", 0, "how long, as in 10s")
	f.IntVar(&o.Closed, "closed", 0, "instead of a rate: so many connections, each as fast as it gets answers")
	f.StringVar(&o.Arrivals, "arrivals", "constant", "constant or poisson")
	f.IntVar(&o.Connections, "connections", 10000, "most connections at once")
	f.DurationVar(&o.Timeout, "timeout", 0, "of one request (default 10s)")
	f.StringVar(&o.Method, "method", "GET", "method")
	f.IntVar(&o.Body, "body", 0, "bytes of the request's body")
	f.StringArrayVar(&o.Header, "header", nil, "a field as in 'Name: value'; repeatable")
	f.IntVar(&o.Keys, "key-space", 0, "send X-Key, one of so many keys")
	f.Float64Var(&o.Zipf, "zipf", 0, "skew of the keys, above 1")
	f.Uint64Var(&o.Seed, "seed", 1, "what the dice start from")
	f.BoolVar(&o.AllowRemote, "allow-remote", false, "load another machine than this one")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	f.BoolVar(&quiet, "quiet", false, "no line a second")
	c.RunE = func(c *cobra.Command, args []string) error {
		o.URL = args[0]
		if o.For == 0 {
			return usageError{errors.New("say for how long with --for, as in --for 10s")}
		}
		if err := o.Validate(); err != nil {
			return usageError{err}
		}
		if !quiet && !asJSON {
			o.OnSecond = progress(c.ErrOrStderr(), &o)
		}
		report, err := load.Run(c.Context(), o)
		if o.OnSecond != nil && onTerminal(c.ErrOrStderr()) {
			fmt.Fprint(c.ErrOrStderr(), "\r\x1b[K")
		}
		if err != nil {
			return err
		}
		if asJSON {
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			err = e.Encode(report)
		} else {
			_, err = io.WriteString(c.OutOrStdout(), report.String())
		}
		if err == nil && report.TooLate() && o.Closed == 0 {
			err = errTooLate
		}
		return err
	}
	return c
}

// progress shows the seconds of a run: on a terminal in one line that stays
// where it is, elsewhere in one line each.
func progress(w io.Writer, o *load.Options) func(load.Second) {
	before, after := "", "\n"
	if onTerminal(w) {
		before, after = "\r\x1b[K", ""
	}
	return func(s load.Second) {
		fmt.Fprintf(w, "%s%4d s of %v  %6d requests  %4d failed  p50 %8.2f ms  p99 %8.2f ms%s", before, s.At, o.For, s.Requests, s.Failures,
			float64(s.P50.Microseconds())/1000, float64(s.P99.Microseconds())/1000, after)
	}
}
