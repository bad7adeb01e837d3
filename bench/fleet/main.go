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
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
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
	if err := run(ctx, strings.Split(*listen, ","), *settings); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addresses []string, text string) error {
	var settings []json.RawMessage
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		return fmt.Errorf("the settings: %w", err)
	}
	if len(settings) != len(addresses) {
		return fmt.Errorf("%d settings for %d addresses", len(settings), len(addresses))
	}
	failed := make(chan error, len(addresses))
	for i, a := range addresses {
		s := worker.Defaults()
		if err := json.Unmarshal(settings[i], &s); err != nil {
			return fmt.Errorf("settings of %d: %w", i, err)
		}
		if err := s.Validate(); err != nil {
			return fmt.Errorf("settings of %d: %w", i, err)
		}
		ln, err := net.Listen("tcp", a)
		if err != nil {
			return err
		}
		go func() { failed <- worker.New(strconv.Itoa(i), s, uint64(i+1)).Run(ctx, ln) }()
	}
	for range addresses {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}
