// Command fleet runs many test workers in one process, which costs a machine
// of two cores less than a process each.
//
//	fleet -listen 127.0.0.1:9001,127.0.0.1:9002 -settings '[{"slots": 4}, {"slots": 8}]'
//
// The settings are a JSON array of the workers' settings, as PUT /control takes
// them; each worker is named by its place, from 0.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"poise/internal/worker"
)

func main() {
	listen := flag.String("listen", "", "addresses, separated by commas")
	settings := flag.String("settings", "[]", "a JSON array, an object a worker")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := worker.Fleet(ctx, strings.Split(*listen, ","), *settings); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}
