package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/lab"
	"poise/internal/load"
)

// execute runs one command as main does, but for where it writes.
func execute(ctx context.Context, c *cobra.Command, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetOut(&out)
	c.SetErr(&errs)
	c.SetArgs(args)
	err = c.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

func serveAfter(t *testing.T, d time.Duration) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, _ *http.Request) { time.Sleep(d); _, _ = io.WriteString(a, "ok") }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestLoadPrintsAReport(t *testing.T) {
	url := serveAfter(t, 0)
	out, lines, err := execute(t.Context(), loadCommand(), url, "--rate", "50", "--for", "1200ms")
	if err != nil && !errors.Is(err, errTooLate) {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out, "60 requests in ") || !strings.Contains(out, "latency in ms  mean") {
		t.Errorf("the report is\n%s", out)
	}
	if strings.Count(lines, "\n") != 1 || strings.Contains(lines, "\r") || !strings.HasPrefix(lines, "   1 s of 1.2s") {
		t.Errorf("elsewhere than on a terminal a second is a plain line; got %q", lines)
	}
}

func TestLoadThatLeavesLateFails(t *testing.T) {
	url := serveAfter(t, 50*time.Millisecond)
	out, lines, err := execute(t.Context(), loadCommand(), url, "--rate", "100", "--for", "500ms", "--connections", "1", "--json")
	if !errors.Is(err, errTooLate) {
		t.Errorf("%v; want %v", err, errTooLate)
	}
	var r load.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Requests != 50 || r.Late < 40 {
		t.Errorf("%v: %+v; want a report of 50 requests all the same, nearly all late", err, r)
	}
	if lines != "" {
		t.Errorf("--json prints lines as well: %q", lines)
	}
}

func TestLoadInterruptedPrintsWhatItMeasured(t *testing.T) {
	url := serveAfter(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	out, _, err := execute(ctx, loadCommand(), url, "--rate", "100", "--for", "1m", "--json")
	if err != nil && !errors.Is(err, errTooLate) {
		t.Fatal(err)
	}
	var r load.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Requests < 30 || r.Requests > 51 {
		t.Errorf("%v: %d requests; want about 50", err, r.Requests)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it ended after %v", took)
	}
}

func TestLoadRefusesWhatItCannotUse(t *testing.T) {
	for want, args := range map[string][]string{
		"say for how long":     {"http://127.0.0.1:1/"},
		"add --allow-remote":   {"http://192.0.2.1/", "--for", "1s"},
		"connections must":     {"http://127.0.0.1:1/", "--for", "1s", "--connections", "-1"},
		"the rate must be":     {"http://127.0.0.1:1/", "--for", "1s", "--rate", "-5"},
		"neither constant nor": {"http://127.0.0.1:1/", "--for", "1s", "--arrivals", "x"},
	} {
		_, _, err := execute(t.Context(), loadCommand(), args...)
		if _, usage := errors.AsType[usageError](err); !usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want a usage error with %q", args, err, want)
		}
	}
}

func TestDemoRefusesWhatItCannotUse(t *testing.T) {
	for want, args := range map[string][]string{
		"--workers must be":                {"--workers", "1"},
		"--rate must be":                   {"--rate", "0"},
		"--for must be":                    {"--for", "0s", "--no-tour"},
		"takes at least 1m0s":              {"--for", "10s"},
		"takes at least 12s":               {"--for", "10s", "--policies", "p2c"},
		`"maglev" is unknown to the tour`:  {"--policies", "p2c,maglev"},
		`"p2c" is unknown to the tour, or`: {"--policies", "p2c,p2c"},
	} {
		_, _, err := execute(t.Context(), demoCommand(), args...)
		if _, usage := errors.AsType[usageError](err); !usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want a usage error with %q", args, err, want)
		}
	}
}

func TestDemoNamesTheFlagOfATakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	for flag, other := range map[string]string{"--listen": "--admin", "--admin": "--listen"} {
		_, _, err := execute(t.Context(), demoCommand(), flag, taken, other, "127.0.0.1:0")
		want := fmt.Sprintf("%s is taken by another process; stop it, or choose another with %s, as in %s 127.0.0.1:", taken, flag, flag)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func TestDemoKnowsItsPolicies(t *testing.T) {
	for _, p := range lab.DefaultPolicies() {
		d := lab.Demo{Workers: 2, Rate: 1, For: time.Minute, Policies: []string{p}, Tour: true}
		if err := checkDemo(&d); err != nil {
			t.Error(err)
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if onTerminal(f) || onTerminal(&bytes.Buffer{}) || inColour(f) {
		t.Error("a file or a buffer was taken for a terminal")
	}
}
