// Command prove measures what an issue must reach, prints the table, writes
// docs/evidence/ISSUE.json, and exits 1 unless every figure passes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"poise/bench/figure"
	"poise/bench/guard"
	"poise/bench/rig"
)

// A plan names the figures of an issue and measures them.
type plan struct {
	figures []figure.Figure
	measure func(context.Context, *figure.Sheet) error
	kept    bool // figures that are not measured keep what the file says of them
}

var plans = map[int]plan{1: {figures: figuresOf1, measure: measure1}}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	size := flag.String("size", guard.Full, "of issues 3 to 5: full, or quick, which gives no verdict")
	only := flag.String("figure", "", "of issues 2 to 5: only these figures, separated by commas")
	policy := flag.String("policy", "", "of issue 3: only this policy")
	arms := flag.String("arm", "", "of issue 3: only these arms, separated by commas")
	seeds := flag.Int("seeds", guard.Seeds, "of issue 3: only the first so many seeds")
	lanes := flag.Int("lanes", 1, "of issues 3 to 5: how many runs at once")
	flag.Parse()
	issue, _ := strconv.Atoi(flag.Arg(0))
	if err := choosePlan(issue, asked{*size, *only, *policy, *arms, *seeds, *lanes}); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(2)
	}
	p, known := plans[issue]
	if !known {
		fmt.Fprintln(os.Stderr, "prove: NOT-RUN: no figures for this issue; say make prove ISSUE=1")
		os.Exit(2)
	}
	sheet := figure.NewSheet(issue, p.figures)
	sheet.Versions["machine"] = rig.Machine()
	err := p.measure(ctx, sheet)
	path := fmt.Sprintf("docs/evidence/%d.json", issue)
	if p.kept {
		if err := sheet.Keep(path); err != nil {
			fmt.Fprintln(os.Stderr, "prove:", err)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		for _, f := range sheet.Figures {
			if v, _ := f.Judge(); v == figure.NotRun {
				first, _, _ := strings.Cut(err.Error(), "\n") // the rest stands above the table
				sheet.NotRun(f.ID, first)
			}
		}
	}
	all := sheet.Print(os.Stdout)
	if err = os.MkdirAll("docs/evidence", 0o755); err == nil {
		err = sheet.Write(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
	}
	if err != nil || !all {
		os.Exit(1)
	}
}

// choosePlan makes the plan of an issue of which a part can be chosen.
func choosePlan(issue int, a asked) error {
	switch issue {
	case 2:
		chosen, err := choose2(a.figures)
		plans[2] = plan{figuresOf2, func(ctx context.Context, s *figure.Sheet) error { return measure2(ctx, s, chosen) }, true}
		return err
	case 3:
		chosen, err := choose(a)
		plans[3] = plan{figures: figuresOf3(), measure: func(ctx context.Context, s *figure.Sheet) error { return measure3(ctx, s, chosen) }}
		return err
	case 4:
		chosen, err := choose4(a.figures)
		plans[4] = plan{figuresOf4(), func(ctx context.Context, s *figure.Sheet) error { return measure4(ctx, s, chosen, a) }, true}
		return err
	case 5:
		plans[5] = plan{figuresOf5(), func(ctx context.Context, s *figure.Sheet) error { return measure5(ctx, s, a) }, true}
	}
	return nil
}
