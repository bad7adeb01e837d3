package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

func TestWorkerRefusesWhatItCannotUse(t *testing.T) {
	for want, args := range map[string][]string{
		"is none of constant":   {"--distribution", "normal"},
		"is none of ok, fail":   {"--health", "maybe"},
		"slots: must be":        {"--slots", "-1"},
		"is no share":           {"--errors", "120%"},
		"is no duration":        {"--delay", "10"},
		"add up to 150%":        {"--errors", "70%", "--hang", "80%"},
		"unknown flag":          {"--crash"},
		"unknown command \"x\"": {"x"},
	} {
		root := rootCommand()
		_, _, err := execute(t.Context(), root, append([]string{"worker", "--listen", "127.0.0.1:0"}, args...)...)
		if _, usage := errors.AsType[usageError](err); !usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want a usage error with %q", args, err, want)
		}
	}
}

func TestWorkerSaysWhereItIsAndWhatIsTaken(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, line, err := execute(ctx, workerCommand(), "--listen", "127.0.0.1:0", "--name", "a")
	if err != nil || !strings.HasPrefix(line, "worker a on 127.0.0.1:") {
		t.Errorf("%q, %v", line, err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, _, err := execute(t.Context(), workerCommand(), "--listen", ln.Addr().String()); err == nil || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("%v; want an error that says what to do", err)
	}
}
