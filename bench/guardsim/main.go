// Command guardsim plays every shipped scenario under every policy with the
// guard and without it, in simulated time, and says where the guard costs more
// than it saves.
//
//	go run ./bench/guardsim -out docs/evidence/guard-sim.md
//	go run ./bench/guardsim -scenarios homog-95,mmpp -policies round-robin
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"poise/internal/scenario"
	"poise/internal/sim"
	"poise/internal/sim/suite"
)

// policies are those that the guard is tried under: each way to choose once.
const policies = "round-robin,least-request,p2c,peak-ewma,hot-cold,expected-delay,bounded-hash"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "guardsim:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	names := flag.String("scenarios", "", "which, separated by commas; all shipped ones when empty")
	choice := flag.String("policies", policies, "which, separated by commas")
	seeds := flag.Int("seeds", 2, "how many")
	first := flag.Uint64("seed", 1, "the first of them")
	out := flag.String("out", "", "file to write the table to; standard output when empty")
	data := flag.String("data", "", "file to write the cells to, as JSON")
	before := flag.String("before", "", "file of cells of an earlier build, to show beside")
	flag.Parse()
	p := suite.Plan{Skip: suite.Keyless}
	for i := range *seeds {
		p.Seeds = append(p.Seeds, *first+uint64(i))
	}
	for name := range strings.SplitSeq(*choice, ",") {
		c, err := sim.ParseContender(name)
		if err != nil {
			return err
		}
		p.Contenders = append(p.Contenders, c)
	}
	for _, s := range scenario.Shipped() {
		if *names == "" || slices.Contains(strings.Split(*names, ","), s.Name) {
			p.Scenarios = append(p.Scenarios, s)
		}
	}
	if len(p.Scenarios) == 0 {
		return fmt.Errorf("no shipped scenario is called %q; `poise sim --list` names them", *names)
	}
	t, err := compare(ctx, &p)
	if err != nil {
		return err
	}
	if *before != "" {
		if err := t.beside(*before); err != nil {
			return err
		}
	}
	if *data != "" {
		text, err := json.MarshalIndent(t.cells, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*data, text, 0o644); err != nil {
			return err
		}
	}
	if *out == "" {
		_, err = os.Stdout.WriteString(t.text())
		return err
	}
	return os.WriteFile(*out, []byte(t.text()), 0o644)
}
