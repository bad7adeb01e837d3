// Command run takes cells of the arena that are missing, or lists them:
//
//	go run ./bench/arena/run -size quick -scenarios mixed,own -subjects 'poise least-request,haproxy leastconn'
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"poise/bench/arena"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	size := flag.String("size", arena.Quick, "quick, trial, full or long")
	scenarios := flag.String("scenarios", strings.Join(arena.Against, ","), "which")
	subjects := flag.String("subjects", strings.Join(append([]string{arena.Adaptive}, arena.Peers...), ","), "which")
	rounds := flag.Int("rounds", 0, "how many; 0 means as many as the size has")
	budget := flag.Duration("budget", 0, "begin nothing that would end later; 0 means do all")
	dir := flag.String("cells", arena.Cells, "where cells are kept")
	report := flag.String("report", "", "write arena.md, arena.json and arena.svg of all cells into this directory, and measure nothing")
	flag.Parse()
	if err := run(ctx, arena.Choice{Size: *size, Scenarios: list(*scenarios), Subjects: list(*subjects), Rounds: *rounds}, *budget, *dir, *report); err != nil {
		fmt.Fprintln(os.Stderr, "arena:", err)
		os.Exit(1)
	}
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func run(ctx context.Context, c arena.Choice, budget time.Duration, dir, report string) error {
	keys, err := c.Plan()
	if err != nil {
		return err
	}
	r, err := arena.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer r.Close()
	if report != "" {
		return r.Report(report)
	}
	return r.Take(ctx, keys, budget)
}
