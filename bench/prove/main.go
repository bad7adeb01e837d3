// Command prove measures what an issue must reach, prints the table, writes
// docs/evidence/ISSUE.json, and exits 1 unless every figure passes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"poise/bench/figure"
	"poise/bench/rig"
)

// A plan names the figures of an issue and measures them.
type plan struct {
	figures []figure.Figure
	measure func(context.Context, *figure.Sheet) error
}

var plans = map[int]plan{1: {figuresOf1, measure1}, 2: {figuresOf2, measure2}}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	issue := 0
	if len(os.Args) == 2 {
		issue, _ = strconv.Atoi(os.Args[1])
	}
	p, known := plans[issue]
	if !known {
		fmt.Fprintln(os.Stderr, "prove: NOT-RUN: no figures for this issue; say make prove ISSUE=1")
		os.Exit(2)
	}
	sheet := figure.NewSheet(issue, p.figures)
	sheet.Versions["machine"] = rig.Machine()
	err := p.measure(ctx, sheet)
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
	path := fmt.Sprintf("docs/evidence/%d.json", issue)
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
