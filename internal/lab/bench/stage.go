package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"

	"poise/internal/lab/rig"
	"poise/internal/scenario"
)

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9]+[0-9A-Za-z.+~-]*`)

// stage is what one run happens on: workers behind a proxy.
type stage struct {
	sc      *scenario.Scenario
	fleet   *rig.Process
	workers []string // their addresses
	proxy   *rig.Process
	address string // that the load goes to
	admin   string // of Poise
	dir     string
}

// setup is what the template of a configuration is filled with.
type setup struct {
	Listen, Port, Admin string
	Endpoints           []string
	Weights             []int
	Dir                 string // for its files
	Policy              string
	Workers             int // cores
	Judge, Mode         string
	Evaluate, Dwell     time.Duration
	Keyed, Guard        bool
	Retries             int
}

// open starts everything. close must be called whatever it returns.
func (r *Runner) open(ctx context.Context, of *Subject, sc *scenario.Scenario) (*stage, error) {
	s := &stage{sc: sc}
	var err error
	if s.dir, err = os.MkdirTemp("", "poise-bench-"); err != nil {
		return s, err
	}
	if err := s.startWorkers(ctx, r); err != nil {
		return s, err
	}
	if of.Address != "" {
		s.address = of.Address
		return s, nil
	}
	return s, s.startProxy(ctx, r, of)
}

func (s *stage) startWorkers(ctx context.Context, r *Runner) (err error) {
	if s.workers, err = r.addresses(len(s.sc.Endpoints)); err != nil {
		return err
	}
	var settings []json.RawMessage
	for i := range s.sc.Endpoints {
		settings = append(settings, workerSettings(s.sc, &s.sc.Endpoints[i].Settings))
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	if s.fleet, err = rig.Start("", r.options.Poise, "bench", "workers", "--listen", strings.Join(s.workers, ","), "--settings", string(text)); err != nil {
		return err
	}
	for _, a := range s.workers {
		if err := s.fleet.Ready(ctx, a); err != nil {
			return fmt.Errorf("test workers: %w", err)
		}
	}
	return nil
}

// addresses of so many workers.
func (r *Runner) addresses(n int) (all []string, err error) {
	for i := range n {
		a := ""
		if r.options.WorkersAt == "" {
			a, err = rig.FreeAddress()
		} else {
			host, port, _ := net.SplitHostPort(r.options.WorkersAt)
			first, bad := strconv.Atoi(port)
			a, err = net.JoinHostPort(host, strconv.Itoa(first+i)), bad
		}
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// startProxy writes its configuration and starts it.
func (s *stage) startProxy(ctx context.Context, r *Runner, of *Subject) (err error) {
	if s.address, err = rig.FreeAddress(); err != nil {
		return err
	}
	if s.admin, err = rig.FreeAddress(); err != nil {
		return err
	}
	_, keyed := s.sc.Requests()
	at := &setup{
		Listen: s.address, Port: s.address[strings.LastIndexByte(s.address, ':')+1:], Admin: s.admin, Endpoints: s.workers, Dir: s.dir,
		Policy: of.Policy, Workers: runtime.NumCPU(), Judge: of.Judge, Mode: of.Mode, Evaluate: r.options.Evaluate, Dwell: r.options.Dwell,
		Keyed: keyed, Guard: s.sc.Guard, Retries: s.sc.Retries,
	}
	for i := range s.sc.Endpoints {
		at.Weights = append(at.Weights, s.sc.Endpoints[i].Weight)
	}
	t, err := template.New(of.Name).Option("missingkey=error").Parse(of.Conf)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, at); err != nil {
		return err
	}
	file := filepath.Join(s.dir, of.Program+map[bool]string{true: ".yaml", false: ".conf"}[of.Program == "traefik"])
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return err
	}
	name, arguments := r.options.Poise, []string{"serve", "-c", file}
	if of.Program != poise {
		p, err := programOf(of.Program)
		if err != nil {
			return err
		}
		name, arguments = p.name, p.arguments(file, at)
		if of.Program == "caddy" { // it keeps what it last ran with; let that be here and not in the user's home
			name, arguments = "env", append([]string{"XDG_CONFIG_HOME=" + s.dir, "XDG_DATA_HOME=" + s.dir, p.name}, arguments...)
		}
	}
	if s.proxy, err = rig.Start("", name, arguments...); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%s is not installed", name)
		}
		return err
	}
	return s.proxy.Ready(ctx, s.address)
}

const poise = "poise"

func (s *stage) close() {
	if s.proxy != nil {
		s.proxy.Stop()
	}
	if s.fleet != nil {
		s.fleet.Stop()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// used is the CPU that the proxy has used, 0 of one that somebody else runs.
func (s *stage) used() time.Duration {
	if s.proxy == nil {
		return 0
	}
	u, err := s.proxy.Usage()
	if err != nil {
		return 0
	}
	return u.CPU
}

var controls = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Control tells a worker how to behave.
func Control(ctx context.Context, address, settings string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+address+"/control", strings.NewReader(settings))
	if err != nil {
		return err
	}
	resp, err := controls.Do(q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("worker %s: %s", address, said)
	}
	return nil
}
