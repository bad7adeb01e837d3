package arena

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"poise/bench/rig"
	"poise/internal/lab/cells"
)

// Cells is where cells are kept.
const Cells = ".cache/arena"

// The sizes: how long a run is, warming up included, and how many rounds there
// are. Quick gives no verdict: its runs are short, and several of them share the
// machine. Long is for the engine with its usual times.
const (
	Full  = "full"
	Quick = "quick"
	Trial = "trial" // quick, but long enough for the engine's word to be compared with what came
	Long  = "long"
)

var lengths = map[string]time.Duration{Full: 33 * time.Second, Quick: 15 * time.Second, Trial: 33 * time.Second, Long: 183 * time.Second}

// Rounds of a size.
var Rounds = map[string]int{Full: 6, Quick: 2, Trial: 1, Long: 1}

// A Key names one run. All runs of a scenario in a round have the same jobs.
type Key struct {
	Size     string `json:"size"`
	Scenario string `json:"scenario"`
	Subject  string `json:"subject"`
	Round    int    `json:"round"` // from 1; it is the seed of the jobs
}

func (k Key) String() string {
	return fmt.Sprintf("%s, %s, %s, round %d", k.Size, k.Scenario, k.Subject, k.Round)
}

// File implements cells.Key.
func (k Key) File() string {
	name := strings.NewReplacer(" ", "-", ",", "", "(", "", ")", "").Replace(k.Subject)
	return filepath.Join(k.Size, fmt.Sprintf("%s-%d-%s.json", k.Scenario, k.Round, name))
}

func (k Key) length() time.Duration { return lengths[k.Size] }

// cost is about how long a run takes, start and stop included.
func cost(k Key) time.Duration { return k.length() + 1500*time.Millisecond }

// A Runner takes the cells that are missing.
type Runner struct {
	*cells.Store[Key]
	Versions map[string]string
	bench    *rig.Bench
	fleet    string // the binary
	layout   rig.Layout
	builds   map[string]string // what tells builds apart, by proxy
	workers  string            // and of the fleet
}

// Open builds Poise and the workers, installs the others and reads the cells
// of earlier runs. Close removes what was built.
func Open(ctx context.Context, dir string) (*Runner, error) {
	b, err := rig.Open(ctx, "nginx", "haproxy", "caddy", "poise")
	if err != nil {
		return nil, err
	}
	r := &Runner{bench: b, layout: rig.Cores(runtime.NumCPU()), builds: b.Versions(), Versions: b.Versions()}
	r.layout.Workers = 1 // a worker or thread of a proxy that has them, on whichever core is free
	if err := r.prepare(ctx, dir); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Runner) prepare(ctx context.Context, dir string) (err error) {
	if r.fleet, err = rig.Build(ctx, r.bench.Dir, "./bench/fleet"); err != nil {
		return err
	}
	if r.workers, err = rig.Fingerprint(r.fleet); err != nil {
		return err
	}
	if r.builds[poise], err = rig.Fingerprint(r.bench.Poise); err != nil {
		return err
	}
	r.Versions["layout"] = r.layout.String()
	if r.Store, err = cells.Open(dir, r.identity(rig.Machine())); err != nil {
		return err
	}
	// A generator's precise sleep takes a processor of Go's from those who read
	// answers; there are more of them than cores.
	runtime.GOMAXPROCS(4 * runtime.NumCPU())
	return r.layout.Move()
}

// Close removes what was built.
func (r *Runner) Close() { r.bench.Close() }

// identity is a hash of what a cell of a key depends on: the machine, the
// proxy and its settings, the workers, the scenario and the length.
func (r *Runner) identity(machine string) func(Key) (string, error) {
	return func(k Key) (string, error) {
		sc, of := found(k.Scenario), subject(k.Subject)
		if sc == nil || of == nil || k.length() == 0 {
			return "", fmt.Errorf("no such run: %s", k)
		}
		what, err := json.Marshal([]any{machine, r.builds[of.Proxy], of.setup(sc), r.layout, r.workers, sc, k.length(), warm})
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(what)
		return hex.EncodeToString(sum[:8]), nil
	}
}

// weight is the share of the machine that a run of the quick size may be said
// to need: half more than it uses, so that two thirds are used at most. Other sizes
// have it to themselves.
func weight(k Key) float64 {
	if k.Size != Quick && k.Size != Trial {
		return 1
	}
	each := 330 * time.Microsecond // of CPU a request: load, worker and a proxy
	if subject(k.Subject).Proxy == "caddy" {
		each *= 2
	}
	return 1.5 * found(k.Scenario).Rate * each.Seconds() / float64(runtime.NumCPU())
}

// Take takes the cells that are missing.
func (r *Runner) Take(ctx context.Context, keys []Key, budget time.Duration) error {
	return r.Run(ctx, cells.Work[Key]{Keys: keys, Cost: cost, Take: cells.Each(r.take), Weight: weight, Budget: budget, Say: func(c *Cell, progress string) {
		fmt.Printf("[%s] %s: %s\n", progress, c.Key, line(c))
	}})
}

func line(c *Cell) string {
	v := c.Values
	text := fmt.Sprintf("p50 %.1f, p99 %.1f, p99.9 %.1f, mean %.1f ms, %.3f %% failed; busiest core %.0f %%, others %.0f %%, late %.2f %%, %.0f us of CPU each",
		v["p50"], v["p99"], v["p99.9"], v["mean"], v["failed"], v["busiest_core"], v["foreign"], v["late"], v["cpu_us"])
	switch {
	case c.Failed != "":
		return "FAILED: " + c.Failed
	case c.Void != "":
		return "VOID: " + c.Void + "; " + text
	}
	return text
}
