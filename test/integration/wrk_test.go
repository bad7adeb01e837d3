//go:build integration

package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"poise/internal/load"
	running "poise/test/fleet"
)

// wrkBinary finds wrk, and installs it when it is missing and may be.
func wrkBinary(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("wrk"); err == nil {
		return path
	}
	out, err := exec.Command("apt-get", "install", "-y", "-q", "wrk").CombinedOutput()
	path, lookErr := exec.LookPath("wrk")
	if err != nil || lookErr != nil {
		fmt.Fprintf(os.Stderr, "NOT-RUN: %s: wrk is missing and apt-get could not install it: %v\n%s\n", t.Name(), err, out)
		t.Skip("NOT-RUN: install wrk, then run this again")
	}
	return path
}

// seen is what a generator says of one round.
type seen struct{ rate, mean, p50 float64 } // a second, seconds

// percentiles makes wrk print its raw figures in microseconds, which its own
// table rounds to two digits behind the point of a millisecond.
const percentiles = `function done(s, l, r)
  io.write(string.format("poise %d %d %f %f errors %d\n", s.requests, s.duration, l.mean, l:percentile(50),
    s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout))
end`

var percentilesLine = regexp.MustCompile(`poise (\d+) (\d+) ([\d.]+) ([\d.]+) errors (\d+)`)

// lasts is how long a round is; wrk takes whole seconds.
const lasts = time.Second

func wrkRound(t *testing.T, wrk, script, url string, connections int) seen {
	t.Helper()
	out, err := exec.Command(wrk, "-t1", "-c"+strconv.Itoa(connections), "-d"+lasts.String(), "--latency", "-s", script, url).CombinedOutput()
	if err != nil {
		t.Fatalf("wrk: %v\n%s", err, out)
	}
	m := percentilesLine.FindSubmatch(out)
	if m == nil || string(m[5]) != "0" {
		t.Fatalf("wrk printed no figures, or had errors:\n%s", out)
	}
	n := func(i int) float64 { v, _ := strconv.ParseFloat(string(m[i]), 64); return v }
	return seen{rate: n(1) / n(2) * 1e6, mean: n(3) / 1e6, p50: n(4) / 1e6}
}

func loadRound(t *testing.T, poise, url string, rate float64, d time.Duration) (of seen, late bool) {
	t.Helper()
	out, err := exec.Command(poise, "load", url, "--json", "--for", d.String(), "--rate", strconv.FormatFloat(rate, 'f', -1, 64)).Output()
	var r load.Report
	if parseErr := json.Unmarshal(out, &r); parseErr != nil {
		t.Fatalf("poise load: %v, %v\n%s", err, parseErr, out)
	}
	if err != nil && !r.TooLate() {
		t.Fatalf("poise load: %v", err)
	}
	if r.Failures > 0 {
		t.Fatalf("%d of %d requests failed: %v", r.Failures, r.Requests, r.Faults)
	}
	return seen{rate: r.PerSecond, mean: r.Latency.Mean, p50: r.Latency.P50}, r.TooLate()
}

// TestLoadAgreesWithWrk compares the two where they measure the same thing.
// wrk is closed: each of its connections asks again when it has an answer, so
// it never queues behind itself, and over a worker without slots its latency
// is the service time and the way there. An open load at the rate that wrk
// reached has the same number under way by Little's law, and spread evenly
// meets the same worker. The worker's 10 ms dominate both.
func TestLoadAgreesWithWrk(t *testing.T) {
	wrk := wrkBinary(t)
	script := filepath.Join(t.TempDir(), "percentiles.lua")
	if err := os.WriteFile(script, []byte(percentiles), 0o600); err != nil {
		t.Fatal(err)
	}
	poise := buildPoise(t)
	url := "http://" + startWorker(t, poise) + "/work"
	const (
		connections = 4
		rounds      = 5
		attempts    = 30
		most        = 0.03
		leastRate   = 0.9 * connections / 0.010 // a second, for a worker of 10 ms
	)
	var p50, mean []float64 // poise load's by wrk's, a round
	for range attempts {    // interleaved, so that what else the machine does meets both
		w := wrkRound(t, wrk, script, url, connections)
		l, late := loadRound(t, poise, url, w.rate, lasts)
		t.Logf("wrk %.1f/s mean %.3f ms p50 %.3f ms; poise load %.1f/s mean %.3f ms p50 %.3f ms",
			w.rate, 1000*w.mean, 1000*w.p50, l.rate, 1000*l.mean, 1000*l.p50)
		// What says by itself that the machine was too busy is left out: requests
		// that left late, and connections that waited for wrk.
		if late || w.rate < leastRate {
			t.Logf("left out: over 1 %% left late: %v; wrk under %.0f/s: %v", late, leastRate, w.rate < leastRate)
			continue
		}
		p50, mean = append(p50, l.p50/w.p50), append(mean, l.mean/w.mean)
		if len(p50) == rounds {
			break
		}
	}
	if len(p50) < rounds {
		t.Fatalf("only %d of %d rounds were undisturbed; want %d: run it on a machine less busy", len(p50), attempts, rounds)
	}
	for name, ratios := range map[string][]float64{"p50": p50, "mean": mean} {
		apart := median(ratios) - 1
		t.Logf("%s: poise load is %+.2f %% from wrk", name, 100*apart)
		if math.Abs(apart) > most {
			t.Errorf("%s of poise load is %+.2f %% from wrk's; want within %.0f %%", name, 100*apart, 100*most)
		}
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// buildPoise builds the binary that the tests run.
func buildPoise(t *testing.T) string {
	t.Helper()
	path, err := running.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// startWorker runs a test worker of constant 10 ms and returns its address.
func startWorker(t *testing.T, poise string) string {
	t.Helper()
	c := exec.Command(poise, "worker", "--listen", "127.0.0.1:0")
	says, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("poise worker: %v", err)
		}
	})
	line, err := bufio.NewReader(says).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(strings.TrimSpace(line), " on ")
	return address
}
