package rig

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	requestsDone = regexp.MustCompile(`([0-9]+) requests in`)
	wentWrong    = regexp.MustCompile(`(?m)^\s*(Socket errors:|Non-2xx).*$`)
)

// Wrk loads an address with 64 keep-alive connections and returns how many
// requests were answered. One failure is an error: a proxy that fails fast is
// cheap.
func Wrk(ctx context.Context, address string, d time.Duration) (float64, error) {
	out, err := exec.CommandContext(ctx, "taskset", "-c", LoadCore, "wrk", "-t1", "-c64", "-d"+strconv.Itoa(int(d.Seconds())), "http://"+address+"/").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if bad := wentWrong.Find(out); bad != nil {
		return 0, fmt.Errorf("wrk against %s: %s", address, strings.TrimSpace(string(bad)))
	}
	m := requestsDone.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("wrk printed no requests: %s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// Mallocs reads how often the Go program behind r has allocated.
func (r *Running) Mallocs() (float64, error) {
	resp, err := http.Get("http://" + r.Admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "go_memstats_mallocs_total "); ok {
			return strconv.ParseFloat(v, 64)
		}
	}
	return 0, fmt.Errorf("%s exports no go_memstats_mallocs_total", r.Name)
}

// discard has one request answered and drops the answer.
func discard(c net.Conn, br *bufio.Reader) error {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// Idle opens n connections, has one answer on each, and leaves them idle
// until close is called.
func Idle(address string, n int) (closeAll func(), err error) {
	var all []net.Conn
	closeAll = func() {
		for _, c := range all {
			c.Close()
		}
	}
	for range n {
		c, err := net.Dial("tcp", address)
		if err != nil {
			closeAll()
			return nil, err
		}
		all = append(all, c)
		if err := discard(c, bufio.NewReaderSize(c, 512)); err != nil {
			closeAll()
			return nil, err
		}
	}
	return closeAll, nil
}
