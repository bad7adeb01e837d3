package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Load says what is sent, and by whom.
type Load struct {
	Path        string // "" means /
	Header      []string
	Post        int // bytes of a body; 0 means a GET
	Connections int // of a closed loop; 0 means 64
	Idle        int // connections beside them that say nothing, in an open loop
	Seconds     int
	Rate        float64 // requests a second of an open loop; 0 means a closed one
	Large       float64 // bytes of an answer so large that the ones under way at the end of a closed loop count by their bytes
}

// Answers are what a load got.
type Answers struct {
	Requests             float64
	Seconds              float64
	Mean, P50, P99, P999 float64       // us
	generator            time.Duration // CPU that it used
	Void                 string        // why they say nothing about the proxy
}

// Generators are the programs that send it: wrk the closed loops, and the open
// ones `poise load`, which counts latency from when a request was due.
type Generators struct {
	Dir   string // for scripts
	Poise string // the binary
}

// Send sends a load to an address. One failed request is an error: a proxy
// that fails fast is cheap.
func (g Generators) Send(ctx context.Context, cores, address string, l Load) (Answers, error) {
	if l.Path == "" {
		l.Path = "/"
	}
	if l.Connections == 0 {
		l.Connections = 64
	}
	if l.Rate > 0 {
		return g.open(ctx, cores, address, l)
	}
	return g.closed(ctx, cores, address, l)
}

// wrkScript prints what wrk found as JSON. It defines no function that is
// called for a request.
const wrkScript = `wrk.method = "%s"
wrk.body = %s
done = function(s, l, r)
  io.write(string.format('\n@{"requests":%%d,"bytes":%%d,"us":%%d,"mean":%%f,"p50":%%d,"p99":%%d,"p999":%%d,"failed":%%d}\n',
    s.requests, s.bytes, s.duration, l.mean, l:percentile(50), l:percentile(99), l:percentile(99.9),
    s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout))
end
`

func (g Generators) closed(ctx context.Context, cores, address string, l Load) (Answers, error) {
	method, body := "GET", "nil"
	if l.Post > 0 {
		method, body = "POST", fmt.Sprintf("string.rep('x', %d)", l.Post)
	}
	script := filepath.Join(g.Dir, fmt.Sprintf("wrk-%d.lua", l.Post))
	if err := os.WriteFile(script, fmt.Appendf(nil, wrkScript, method, body), 0o644); err != nil {
		return Answers{}, err
	}
	args := []string{"-c", cores, "wrk", "-t1", "-c" + strconv.Itoa(l.Connections), "-d" + strconv.Itoa(l.Seconds), "--timeout", "10s", "-s", script}
	for _, h := range l.Header {
		args = append(args, "-H", h)
	}
	c := exec.CommandContext(ctx, "taskset", append(args, "http://"+address+l.Path)...)
	out, err := c.CombinedOutput()
	if err != nil {
		return Answers{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	_, text, printed := bytes.Cut(out, []byte("\n@"))
	var f struct{ Requests, Bytes, US, Mean, P50, P99, P999, Failed float64 }
	if !printed {
		return Answers{}, fmt.Errorf("wrk printed no summary: %s", out)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return Answers{}, fmt.Errorf("wrk printed %s: %w", text, err)
	}
	if f.Failed > 0 || f.Requests == 0 {
		return Answers{}, fmt.Errorf("wrk against %s%s: %.0f requests, and %.0f failed", address, l.Path, f.Requests, f.Failed)
	}
	if l.Large > 0 {
		f.Requests = max(f.Requests, f.Bytes/l.Large)
	}
	return Answers{Requests: f.Requests, Seconds: f.US / 1e6, Mean: f.Mean, P50: f.P50, P99: f.P99, P999: f.P999, generator: cpuOf(c.ProcessState)}, nil
}

func (g Generators) open(ctx context.Context, cores, address string, l Load) (Answers, error) {
	if l.Idle > 0 {
		closeAll, err := Idle(address, l.Idle)
		if err != nil {
			return Answers{}, err
		}
		defer closeAll()
	}
	args := []string{"-c", cores, g.Poise, "load", "http://" + address + l.Path, "--json", "--quiet",
		"--rate", fmt.Sprintf("%.3f", l.Rate), "--for", strconv.Itoa(l.Seconds) + "s", "--connections", "1000"}
	for _, h := range l.Header {
		args = append(args, "--header", h)
	}
	if l.Post > 0 {
		args = append(args, "--method", "POST", "--body", strconv.Itoa(l.Post))
	}
	c := exec.CommandContext(ctx, "taskset", args...)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	var report struct {
		Requests, Failures, Late, Seconds float64
		Latency                           struct{ Mean, P50, P99, P999 float64 }
		generator                         time.Duration // CPU that it used
	}
	if bad := json.Unmarshal(out, &report); bad != nil {
		return Answers{}, fmt.Errorf("poise load: %w: %s", errors.Join(err, bad), stderr.String())
	}
	if report.Failures > 0 || report.Requests == 0 {
		return Answers{}, fmt.Errorf("poise load against %s%s: %.0f requests, and %.0f failed", address, l.Path, report.Requests, report.Failures)
	}
	t := report.Latency
	a := Answers{Requests: report.Requests, Seconds: report.Seconds, Mean: 1e6 * t.Mean, P50: 1e6 * t.P50, P99: 1e6 * t.P99, P999: 1e6 * t.P999, generator: cpuOf(c.ProcessState)}
	if late := report.Late / report.Requests; late > 0.01 {
		a.Void = fmt.Sprintf("%.0f %% of the requests left late", 100*late)
	}
	return a, nil
}

func cpuOf(p *os.ProcessState) time.Duration { return p.UserTime() + p.SystemTime() }
