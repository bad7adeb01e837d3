package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/stats"
	"poise/internal/whatif"
)

// whatifCommand asks for a forecast.
func whatifCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "whatif CLUSTER",
		Short: "Forecast p50, p99, failures and headroom under other circumstances",
		Long: `Forecast what clients would see with more or fewer requests, without an endpoint,
with more endpoints, with a slower one, or under another policy. The engine
replays its last seconds as they were and as they would be; requests never wait
for that. Headroom is how many times the requests of now are taken until p99 is
twice what it is now.

What cannot be answered, as with too little data or in overload, is answered
with the reason and exit status 1.`,
		Example: `  poise whatif web --load +50%
  poise whatif web --without 10.0.0.3:8080
  poise whatif web --load 2x --add 2xlike:10.0.0.1:8080
  poise whatif web --policy least-request`,
		Args: cobra.ExactArgs(1),
	}
	k := addClientFlags(c)
	var words whatif.Words
	c.Flags().StringVar(&words.Load, "load", "", "requests, as in +50%, -20% or 1.5x")
	c.Flags().StringArrayVar(&words.Without, "without", nil, "address of an endpoint that is left out (repeatable)")
	c.Flags().StringArrayVar(&words.Add, "add", nil, "endpoints that are added, as in 2xlike:ADDRESS (repeatable)")
	c.Flags().StringArrayVar(&words.Slow, "slow", nil, "an endpoint that is slower, as in 2x:ADDRESS (repeatable)")
	c.Flags().StringVar(&words.Policy, "policy", "", "policy that picks; the one of now when not given")
	asJSON := c.Flags().Bool("json", false, "print what the API answers")
	c.RunE = func(c *cobra.Command, args []string) error {
		if _, err := whatif.Parse(&words); err != nil {
			return usageError{err}
		}
		var v whatif.Answer
		if err := k.call(c.Context(), http.MethodPost, clusterPath(args[0])+"/whatif", words, &v); err != nil {
			return err
		}
		if *asJSON {
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(v)
		}
		printAnswer(c.OutOrStdout(), &v)
		return nil
	}
	return c
}

func printAnswer(w io.Writer, v *whatif.Answer) {
	fmt.Fprintf(w, "%s under %s: %s\n", v.Cluster, v.Policy, v.Scenario)
	fmt.Fprintln(w, v.Text)
	t := columns(w)
	fmt.Fprintln(t, "\tp50\tp99\tfailures\tcapacity in use\t")
	fmt.Fprintf(t, "now, measured\t%s\t%s\t%s\t%.0f%%\t\n", stats.Readable(v.Now.P50.Value), stats.Readable(v.Now.P99.Value), share(v.Now.Failures.Value), 100*v.Now.Load)
	if f := v.Then; f != nil {
		fmt.Fprintf(t, "then, forecast\t%s\t%s\t%s\t%.0f%%\t\n", stats.Readable(f.P50.Value), stats.Readable(f.P99.Value), share(f.Failures.Value), 100*f.Load)
		fmt.Fprintf(t, "90%% interval\t%s\t%s\t%s\t\t\n", span(&f.P50), span(&f.P99), share(f.Failures.Low)+" to "+share(f.Failures.High))
	}
	_ = t.Flush()
	if h := v.Headroom; h != nil && h.AtLeast {
		fmt.Fprintf(w, "headroom is at least %.1f×; beyond that: %s\n", h.Times, h.Why)
	}
	fmt.Fprintf(w, "from %d requests in %.1f s, %.0f a second\n", v.Requests, v.Window, v.Rate)
}

func share(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

func span(f *whatif.Figure) string {
	return stats.Readable(f.Low) + " to " + stats.Readable(f.High)
}

// foretellTime bounds how long an operator's word waits for a forecast of it.
const foretellTime = 5 * time.Second

// foretell prints what taking an endpoint out is going to do. The word is the
// operator's: nothing here keeps it from being given.
func foretell(ctx context.Context, w io.Writer, k *client, cluster, address string) {
	ctx, cancel := context.WithTimeout(ctx, foretellTime)
	defer cancel()
	words := whatif.Words{Without: []string{address}}
	var v whatif.Answer
	if err := k.call(ctx, http.MethodPost, clusterPath(cluster)+"/whatif", words, &v); err != nil {
		fmt.Fprintln(w, "no forecast:", err)
		return
	}
	fmt.Fprintf(w, "without %s: %s\n", address, v.Text)
}
