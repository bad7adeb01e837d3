package main

import (
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/listener"
	"poise/internal/worker"
)

// workerCommand runs a test worker.
func workerCommand() *cobra.Command {
	s := worker.Defaults()
	var listen, name string
	var seed uint64
	c := &cobra.Command{
		Use:   "worker --listen ADDR",
		Short: "Run a test worker: /health, /work, /echo, and faults on demand",
		Long: `Run a test worker. GET /work answers after a delay; several faults can be on at once,
and PUT /control (JSON, the flags' names with _ for -) changes them while it runs:

  curl -X PUT 127.0.0.1:9001/control -d '{"delay": "200ms", "errors": "10%"}'`,
		Args: cobra.NoArgs,
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:9001", "address to listen on")
	f.StringVar(&name, "name", "", "what X-Worker says; the address when not given")
	f.Var(&s.Delay, "delay", "mean service time of /work")
	f.StringVar(&s.Distribution, "distribution", s.Distribution, "constant, exponential or heavy (5 of 100 ten times as long)")
	f.Var(&s.Slowness, "slowness", "multiplies every service time, also that of X-Work-Us")
	f.IntVar(&s.Slots, "slots", 0, "requests served at once, the rest wait in order; 0 means no limit")
	f.Var(&s.Distance, "distance", "added to every answer outside of the slots, as a long way would")
	f.Var(&s.Errors, "errors", "share of requests answered 503 after 1 ms, as in 10%")
	f.StringVar(&s.Health, "health", s.Health, "what /health does: ok, fail or hang")
	f.Var(&s.Hang, "hang", "share of requests that are never answered")
	f.Var(&s.Reset, "reset", "share of requests whose connection is reset")
	f.Var(&s.CrashMidBody, "crash-mid-body", "share of requests whose answer is cut in the middle")
	f.IntVar(&s.Cache, "cache", 0, "keys (X-Key) that are remembered and then cost a tenth; 0 means none")
	f.IntVar(&s.Body, "body", s.Body, "bytes of an answer of /work")
	f.BoolVar(&s.Chunked, "chunked", false, "do not announce how long an answer of /work is")
	f.StringVar(&s.Report, "report", "", "field of an answer that says how many requests are here, whoever sent them, as in X-Inflight")
	f.Uint64Var(&seed, "seed", 0, "what the dice start from; 0 means the time")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := s.Validate(); err != nil {
			return usageError{err}
		}
		ln, err := net.Listen("tcp", listen)
		if err != nil {
			return listener.BindError(listen, err)
		}
		if name == "" {
			name = ln.Addr().String()
		}
		if seed == 0 {
			seed = uint64(time.Now().UnixNano())
		}
		fmt.Fprintf(c.ErrOrStderr(), "worker %s on %s\n", name, ln.Addr())
		return worker.New(name, s, seed).Run(c.Context(), ln)
	}
	return c
}
