package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"poise/bench/figure"
	"poise/bench/plot"
	"poise/bench/rig"
	"poise/internal/lab/bench"
	"poise/internal/scenario"
)

// forecasts asks 20 questions and looks what then is, of as many at once as
// there are lanes. What is void is asked again alone.
func forecasts(ctx context.Context, s *figure.Sheet, poise string, lanes int) error {
	size, err := bench.SizeOf("full")
	if err != nil {
		return err
	}
	sc, _ := scenario.Find("own") // a runner wants one; questions have their own
	of, err := bench.Own("least-request")
	if err != nil {
		return err
	}
	r, err := bench.Open(bench.Options{Size: size, Scenarios: []*scenario.Scenario{sc}, Subjects: []bench.Subject{of}, Poise: poise, Lanes: lanes, Evaluate: 10 * time.Second, Dwell: time.Minute, Say: say})
	if err != nil {
		return err
	}
	defer r.Close()
	var questions []int
	for i := range bench.Trials() {
		questions = append(questions, i)
	}
	var all []*bench.Forecast
	for some := range slices.Chunk(questions, max(1, lanes)) {
		got, err := r.Try(ctx, some...)
		if err != nil {
			return err
		}
		for _, f := range got {
			if f, err = alone(ctx, r, f); err != nil {
				return err
			}
			say(told(f))
			all = append(all, f)
		}
	}
	count(s, all)
	return drawForecasts(all)
}

// alone asks again what was void.
func alone(ctx context.Context, r *bench.Runner, f *bench.Forecast) (*bench.Forecast, error) {
	for again := 0; f.Void != "" && again < 2; again++ {
		say(fmt.Sprintf("%s: void, %s; again, alone", f.Name, f.Void))
		got, err := r.Try(ctx, f.N)
		if err != nil {
			return nil, err
		}
		f = got[0]
	}
	if f.Void != "" {
		return nil, fmt.Errorf("%s is void: %s", f.Name, f.Void)
	}
	return f, nil
}

// count puts what the questions showed into the sheet. A refusal is no
// forecast, and none of the figures counts it as one.
func count(s *figure.Sheet, all []*bench.Forecast) {
	near, naive, held, promises := 0, 0, 0, 0
	for i, f := range all {
		for _, p := range []bench.Promise{f.P50, f.P99} {
			promises++
			if p.Near() {
				near++
			}
			if p.Naive() {
				naive++
			}
			if f.Refused == "" && p.Held() {
				held++
			}
		}
		s.Sample(i, f.Name, map[string]float64{"p50 was": f.P50.Was, "p50 said": f.P50.Said, "p50 came": f.P50.Came, "p99 was": f.P99.Was, "p99 said": f.P99.Said, "p99 came": f.P99.Came})
	}
	percent := func(n int) float64 { return 100 * float64(n) / float64(promises) }
	s.Add("B1 near", percent(near))
	s.Control("B1 near", percent(naive))
	s.Add("B1 held", percent(held))
	s.Add("B1 not too wide", percent(held))
}

func told(f *bench.Forecast) string {
	if f.Refused != "" {
		return fmt.Sprintf("%s: no forecast: %s; then p50 %.1f, p99 %.1f ms", f.Name, f.Refused, f.P50.Came, f.P99.Came)
	}
	return fmt.Sprintf("%s: p50 was %.1f, said %.1f (%.1f–%.1f), came %.1f; p99 was %.1f, said %.1f (%.1f–%.1f), came %.1f ms", f.Name,
		f.P50.Was, f.P50.Said, f.P50.Low, f.P50.High, f.P50.Came, f.P99.Was, f.P99.Said, f.P99.Low, f.P99.High, f.P99.Came)
}

// drawForecasts draws each forecast above what then came.
func drawForecasts(all []*bench.Forecast) error {
	c := plot.Chart{
		Title: "What poise whatif said, and what then came",
		Notes: []string{
			rig.Machine() + ", " + time.Now().UTC().Format(time.DateOnly) + ", poise " + rig.Commit(),
			fmt.Sprintf("Grey is the forecast with its 90 %% interval, blue what %g s then showed. Least-request until it is changed.", bench.TrialMeasures.Seconds()),
		},
		Columns: []string{"p50, ms", "p99, ms"},
	}
	for _, f := range all {
		change, situation, _ := strings.Cut(f.Name, ", ")
		if n := len(c.Panels); n == 0 || c.Panels[n-1].Title != change {
			c.Panels = append(c.Panels, plot.Panel{Title: change})
		}
		p := &c.Panels[len(c.Panels)-1]
		said, came := plot.Row{Name: situation + ", said"}, plot.Row{Name: "came", Strong: true}
		for _, v := range []bench.Promise{f.P50, f.P99} {
			value := plot.Value{Median: v.Said, Lo: v.Low, Hi: v.High}
			if f.Refused != "" {
				value.Missing = "no forecast"
			}
			said.Values, came.Values = append(said.Values, value), append(came.Values, plot.Value{Median: v.Came, Lo: math.Inf(-1), Hi: math.Inf(1)})
		}
		p.Rows = append(p.Rows, said, came)
	}
	f, err := os.Create("docs/evidence/whatif.svg")
	if err != nil {
		return err
	}
	if err := c.Write(f); err != nil {
		return err
	}
	return f.Close()
}
