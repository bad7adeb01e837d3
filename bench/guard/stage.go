package guard

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"poise/bench/rig"
)

// stage is what one run happens on: workers behind a proxy.
type stage struct {
	r         *Runner
	key       Key
	dir       string
	addresses []string
	workers   []*rig.Process
	subject   *subject
	client    *http.Client
}

// open starts everything. close must be called whatever it returns.
func (r *Runner) open(ctx context.Context, k Key) (*stage, error) {
	s := &stage{
		r: r, key: k, workers: make([]*rig.Process, workers),
		client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	var err error
	if s.dir, err = os.MkdirTemp(r.Dir, k.Figure+"-"); err != nil {
		return s, err
	}
	for range workers {
		a, err := rig.FreeAddress()
		if err != nil {
			return s, err
		}
		s.addresses = append(s.addresses, a)
	}
	if err := s.startWorkers(ctx, workers); err != nil {
		return s, err
	}
	s.subject, err = r.start(ctx, k, s.addresses, s.dir)
	return s, err
}

func (s *stage) close() {
	if s.subject != nil {
		s.subject.Stop()
	}
	s.stopWorkers(workers)
	_ = os.RemoveAll(s.dir)
}

// startWorkers starts the first n, all at once.
func (s *stage) startWorkers(ctx context.Context, n int) error {
	for i := range n {
		args := []string{
			"worker", "--listen", s.addresses[i], "--name", strconv.Itoa(i), "--slots", strconv.Itoa(slots),
			"--delay", "20ms", "--distribution", "exponential", "--seed", strconv.Itoa(100*s.key.Seed + i + 1),
		}
		if scenario(s.key.Figure).Large {
			args = append(args, "--chunked", "--body", strconv.Itoa(large))
		} else {
			args = append(args, "--body", "1024")
		}
		p, err := rig.Start(s.r.Layout.Endpoints, s.r.Poise, args...)
		if err != nil {
			return err
		}
		s.workers[i] = p
	}
	for i := range n {
		if err := s.workers[i].Ready(ctx, s.addresses[i]); err != nil {
			return err
		}
	}
	return nil
}

// stopWorkers ends the first n, all at once.
func (s *stage) stopWorkers(n int) {
	var all sync.WaitGroup
	for i, p := range s.workers[:n] {
		if p != nil {
			all.Go(p.Stop)
		}
		s.workers[i] = nil
	}
	all.Wait()
}

// begin brings a fault about.
func (s *stage) begin(f Fault) error {
	if f.Kill {
		s.stopWorkers(f.Workers)
		return nil
	}
	return s.control(f.Workers, f.Control)
}

const healthy = `{"delay": "20ms", "errors": 0, "hang": 0, "reset": 0, "crash_mid_body": 0, "health": "ok"}`

// end makes it well again.
func (s *stage) end(ctx context.Context, f Fault) error {
	if f.Kill {
		return s.startWorkers(ctx, f.Workers)
	}
	return s.control(f.Workers, healthy)
}

// control tells the first n workers how to behave.
func (s *stage) control(n int, settings string) error {
	for _, a := range s.addresses[:n] {
		q, err := http.NewRequest(http.MethodPut, "http://"+a+"/control", strings.NewReader(settings))
		if err != nil {
			return err
		}
		resp, err := s.client.Do(q)
		if err != nil {
			return err
		}
		said, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("worker %s: %s", a, said)
		}
	}
	return nil
}

// look takes a reading. Counters of workers that are down, or were since the
// last reading, are not there.
func (s *stage) look(began time.Time, f Fault) (reading, error) {
	v := reading{attempts: math.NaN(), ejected: math.NaN(), arrived: math.NaN(), cut: math.NaN()}
	u, err := s.subject.Usage()
	if err != nil {
		return v, err
	}
	v.at, v.cpu, v.rss = time.Since(began), u.CPU.Seconds(), u.RSS
	if own(s.key.Arm) {
		if v.attempts, v.ejected, err = s.metrics(); err != nil {
			return v, err
		}
	}
	if !f.Kill {
		v.arrived, v.cut, err = s.counts()
	}
	return v, err
}

// metrics reads what Poise counts: attempts, and ejections that were made.
func (s *stage) metrics() (attempts, ejected float64, err error) {
	resp, err := s.client.Get("http://" + s.subject.Admin + "/metrics")
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	return sums(resp.Body)
}

// sums adds up the series of attempts and of enforced ejections. A build that
// has no such family of ejections has none to count, not zero of them.
func sums(text io.Reader) (attempts, ejected float64, err error) {
	declared := false
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		declared = declared || strings.HasPrefix(line, "# TYPE poise_ejections")
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			continue
		}
		v, _ := strconv.ParseFloat(line[at+1:], 64)
		switch {
		case strings.HasPrefix(line, "poise_attempts_total{"):
			attempts += v
		case strings.HasPrefix(line, "poise_ejections_total{"):
			declared = true
			if strings.Contains(line, `enforced="true"`) {
				ejected += v
			}
		}
	}
	if !declared {
		ejected = math.NaN()
	}
	return attempts, ejected, lines.Err()
}

// counts reads what the workers count.
func (s *stage) counts() (arrived, cut float64, err error) {
	for _, a := range s.addresses {
		resp, err := s.client.Get("http://" + a + "/counts")
		if err != nil {
			return 0, 0, err
		}
		var by map[string]float64
		err = json.NewDecoder(resp.Body).Decode(&by)
		resp.Body.Close()
		if err != nil {
			return 0, 0, err
		}
		for _, n := range by {
			arrived += n
		}
		cut += by["crash_mid_body"]
	}
	return arrived, cut, nil
}
