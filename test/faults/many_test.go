//go:build faults

package faults

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"poise/test/fleet"
)

const (
	wanted   = 30_000 // connections
	aHolder  = 7_500  // of them in one client process, which has the same limit as poise
	ownFiles = 200    // descriptors that poise needs for itself
	holdsVar = "POISE_FAULTS_HOLD"
)

// TestThirtyThousandConnections holds as many as descriptors allow, from
// several addresses and processes. Each asks once when it comes and once more
// when all are there.
func TestThirtyThousandConnections(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	count := min(wanted, int(limit.Max)-ownFiles)
	r := (&plan{limits: ", connections: 40000"}).start(t)
	round := func(s slack) (height, after fleet.Usage) {
		r.endure(s, func(during func() fleet.Usage) {
			var holders []*holder
			for i := 0; i*aHolder < count; i++ {
				holders = append(holders, hold(t, r.Front, fmt.Sprintf("127.0.0.%d", 10+i), min(aHolder, count-i*aHolder)))
			}
			for _, h := range holders {
				h.says("held")
			}
			height = during()
			if height.Files < count {
				t.Errorf("poise holds %d descriptors for %d connections", height.Files, count)
			}
			for _, h := range holders {
				h.asks()
			}
			for _, h := range holders {
				h.says("asked")
				h.end()
			}
		})
		return height, r.usage(r.Live)
	}
	// The runtime keeps its record of as many goroutines as ever were at once,
	// and a map its buckets: some 500 bytes for each connection of the height,
	// which a second round must find there and not add to.
	first := slack{goroutines: 2, files: 2, heap: int64(count) * 640, rss: int64(count) * 2 << 10, within: 20 * time.Second}
	height, left := round(first)
	each := float64(height.RSS-r.before.RSS) / float64(count)
	again := usual
	again.within = 20 * time.Second
	_, still := round(again)
	results.note(fmt.Sprintf("ran %d connections at once; RSS rose by %.1f KiB for each; after one round RSS is %.1f MiB, after two %.1f",
		count, each/1024, float64(left.RSS)/(1<<20), float64(still.RSS)/(1<<20)))
	if count < wanted {
		line := fmt.Sprintf("NOT-RUN %d: hard limit is %d; ran %d", wanted, limit.Max, count)
		fmt.Fprintln(os.Stderr, line)
		results.note(line)
	}
}

// holder is a client process that holds connections.
type holder struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Reader
	in    *os.File
}

func hold(t *testing.T, front, source string, n int) *holder {
	t.Helper()
	h := &holder{t: t, cmd: exec.Command("/proc/self/exe")}
	h.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d", holdsVar, front, source, n))
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	h.cmd.Stdin, h.cmd.Stderr = r, os.Stderr
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	h.in, h.lines = w, bufio.NewReader(out)
	t.Cleanup(h.end)
	return h
}

func (h *holder) says(word string) {
	h.t.Helper()
	if line, err := h.lines.ReadString('\n'); strings.TrimSpace(line) != word {
		h.t.Errorf("a holder of connections says %q, %v; want %q", line, err, word)
	}
}

func (h *holder) asks() { _, _ = h.in.WriteString("ask\n") }

func (h *holder) end() {
	_ = h.in.Close()
	_ = h.cmd.Wait()
}

// holding is the holder's side: it reports whether this process is one.
func holding() bool {
	job := os.Getenv(holdsVar)
	if job == "" {
		return false
	}
	var front, source string
	var n int
	if _, err := fmt.Sscan(job, &front, &source, &n); err != nil {
		fmt.Println(err)
		return true
	}
	var all []*fleet.Client
	ask := func(c *fleet.Client) error {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		a, _, err := c.Ask("GET /health HTTP/1.1\r\nHost: many\r\n\r\n")
		if err == nil && a.StatusCode != 200 {
			err = fmt.Errorf("%s", a.Status)
		}
		return err
	}
	for range n {
		c, err := fleet.DialFrom(source, front)
		if err == nil {
			err = ask(c)
		}
		if err != nil {
			fmt.Println(len(all), err)
			return true
		}
		all = append(all, c)
	}
	fmt.Println("held")
	stdin := bufio.NewReader(os.Stdin)
	if _, err := stdin.ReadString('\n'); err != nil {
		return true
	}
	for _, c := range all {
		if err := ask(c); err != nil {
			fmt.Println(err)
			return true
		}
	}
	fmt.Println("asked")
	_, _ = stdin.ReadString('\n')
	return true
}
