package rig

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// scrape sums the series of /metrics whose line begins so.
func (r *Running) scrape(prefixes ...string) (sums []float64, err error) {
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	resp, err := c.Get("http://" + r.Admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	sums = make([]float64, len(prefixes))
	found := make([]bool, len(prefixes))
	lines := bufio.NewScanner(resp.Body)
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

// Mallocs reads how often the Go program behind r has allocated.
func (r *Running) Mallocs() (float64, error) {
	v, err := r.scrape("go_memstats_mallocs_total ")
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
