package rig

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// token is what the calls of a proxy's admin address want that show its inside.
const token = "bench-of-poise-and-others" //nolint:gosec // of a process that lives for one measurement, on loopback

// scrape sums the series of /metrics whose line begins so.
func (r *Running) scrape(prefixes ...string) (sums []float64, err error) {
	return r.sum("/metrics", prefixes...)
}

// Page reads a page of the proxy's admin address.
func (r *Running) Page(page string) ([]byte, error) {
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	request, err := http.NewRequest(http.MethodGet, "http://"+r.Admin+page, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s%s: %s", r.Name, page, resp.Status)
	}
	return text, err
}

// sum adds up the last words of the lines of a page that begin so.
func (r *Running) sum(page string, prefixes ...string) (sums []float64, err error) {
	text, err := r.Page(page)
	if err != nil {
		return nil, err
	}
	sums = make([]float64, len(prefixes))
	found := make([]bool, len(prefixes))
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		for i, p := range prefixes {
			if !strings.HasPrefix(lines.Text(), p) {
				continue
			}
			f := strings.Fields(lines.Text())
			v, err := strconv.ParseFloat(f[len(f)-1], 64)
			if err != nil {
				return nil, err
			}
			sums[i] += v
			found[i] = true
		}
	}
	for i, p := range prefixes {
		if !found[i] {
			return nil, fmt.Errorf("%s exports no %s", r.Name, strings.TrimSpace(p))
		}
	}
	return sums, lines.Err()
}

// Mallocs reads how often the Go program behind r has allocated. A profile
// stops the program and counts to the last one; the metrics of Go count a span
// at a time, which is some thousand late.
func (r *Running) Mallocs() (float64, error) {
	v, err := r.sum("/debug/pprof/allocs?debug=1", "# Mallocs = ")
	if err != nil {
		return 0, err
	}
	return v[0], nil
}

// Overhead reads what Poise says about itself: seconds that it kept requests,
// and how many. Both only grow.
func (r *Running) Overhead() (seconds, requests float64, err error) {
	v, err := r.scrape("poise_overhead_seconds_sum{", "poise_overhead_seconds_count{")
	if err != nil {
		return 0, 0, err
	}
	return v[0], v[1], nil
}
