// Command peers measures Poise beside nginx, HAProxy, Caddy and net/http: the
// same endpoints and loads, interleaved in rotated order. It prints tables and,
// for a whole run, writes docs/evidence/peers.{json,md,svg}. Finished cells are
// kept, so that a run that was interrupted goes on where it was.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"poise/bench/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench-peers:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	name := flag.String("size", "full", "quick (3 minutes) or full (an hour)")
	only := flag.String("case", "", "only these, separated by commas: "+strings.Join(partNames(), ", "))
	fresh := flag.Bool("fresh", false, "forget what earlier runs have measured")
	out := flag.String("out", "", "folder of the report (docs/evidence for a whole run, else .cache/bench-peers)")
	flag.Parse()
	size, known := sizes[*name]
	if !known {
		return fmt.Errorf("size %q is neither quick nor full", *name)
	}
	parts, err := choose(size, *only)
	if err != nil {
		return err
	}
	fmt.Println("building and installing; the first time takes minutes")
	b, err := rig.Open(ctx, size.proxies...)
	if err != nil {
		return err
	}
	defer b.Close()
	r := &runner{Bench: b, size: size, machine: rig.Machine()}
	build, err := b.Fingerprint()
	if err != nil {
		return err
	}
	path := filepath.Join(".cache", "bench-peers", *name+".jsonl")
	if *fresh {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	s, kept, err := openStore(path, identity{r.machine, b.Versions(), build, size.seconds})
	if err != nil {
		return err
	}
	defer func() { _ = s.f.Close() }() // each cell was written whole
	r.store = s
	if kept > 0 {
		fmt.Printf("%d cells of an earlier run of the same builds are in %s; -fresh forgets them\n", kept, path)
	}
	ended := r.all(ctx, parts)
	whole := ended == nil && *only == "" && *name == "full"
	if err := r.publish(folder(*out, whole), *name); err != nil {
		return err
	}
	return ended
}

// folder says where the report goes: what is in docs/evidence is whole.
func folder(asked string, whole bool) string {
	switch {
	case asked != "":
		return asked
	case whole:
		return "docs/evidence"
	}
	return filepath.Join(".cache", "bench-peers")
}
