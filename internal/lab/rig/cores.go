package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Layout says what runs on which cores, as lists that taskset understands.
type Layout struct {
	Workers   int    `json:"workers"` // cores of the proxy, and its workers or threads
	Proxy     string `json:"proxy"`
	Endpoints string `json:"endpoints"`
	Load      string `json:"load"`
	Shared    bool   `json:"shared"` // the proxy has its cores not to itself
}

// Layouts returns how a proxy on so many cores is measured on a machine of
// so many: the proxy takes the first, load and endpoints what is left, a core
// each where there are two, the last together where there is one. Where none
// is left they share all cores, and only what is used per request means
// anything.
func Layouts(workers, cores int) Layout {
	list := func(from, to int) string {
		if from == to {
			return strconv.Itoa(from)
		}
		return fmt.Sprintf("%d-%d", from, to)
	}
	l := Layout{Workers: workers, Proxy: list(0, workers-1)}
	last := cores - 1
	switch left := cores - workers; {
	case left <= 0:
		l.Workers, l.Shared = cores, true
		l.Proxy = list(0, last)
		l.Endpoints, l.Load = l.Proxy, l.Proxy
	case left == 1:
		l.Endpoints, l.Load = list(last, last), list(last, last)
	default:
		l.Endpoints, l.Load = list(workers, workers+left/2-1), list(workers+left/2, last)
	}
	return l
}

// Cores returns the layout on this machine.
func Cores(workers int) Layout { return Layouts(workers, runtime.NumCPU()) }

func (l Layout) String() string {
	s := fmt.Sprintf("proxy on core %s, endpoints on %s, load on %s", l.Proxy, l.Endpoints, l.Load)
	if l.Shared {
		s += ", shared"
	}
	return s
}

// Move moves this process, with all its threads, to the cores of the load: it
// holds idle connections and reads /proc while others are measured.
func (l Layout) Move() error {
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		id, _ := strconv.Atoi(filepath.Base(t))
		if err := pin(id, CoresOf(l.Load)); err != nil && !errors.Is(err, syscall.ESRCH) { // it ended meanwhile
			return fmt.Errorf("pin to %s: %w", l.Load, err)
		}
	}
	return nil
}

// CoresOf reads a list as taskset does, of the two forms that Layouts writes.
func CoresOf(list string) (all []int) {
	from, to, is := strings.Cut(list, "-")
	first, _ := strconv.Atoi(from)
	last := first
	if is {
		last, _ = strconv.Atoi(to)
	}
	for c := first; c <= last; c++ {
		all = append(all, c)
	}
	return all
}

// Ticks are what each core has done since the machine started, in ticks.
type Ticks map[int]struct{ all, idle, stolen, tasks float64 }

// ReadTicks reads /proc/stat.
func ReadTicks() (Ticks, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil, err
	}
	t := Ticks{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 9 || len(f[0]) < 4 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		core, _ := strconv.Atoi(f[0][3:])
		var v [8]float64 // user nice system idle iowait irq softirq steal
		sum := 0.0
		for i := range v {
			v[i], _ = strconv.ParseFloat(f[i+1], 64)
			sum += v[i]
		}
		c := t[core]
		c.all, c.idle, c.stolen, c.tasks = sum, v[3]+v[4], v[7], v[0]+v[1]+v[2]
		t[core] = c
	}
	return t, nil
}

// Shares are parts of the time between two readings.
type Shares struct {
	Busiest float64 // of the cores, how busy the busiest was
	Stolen  float64 // by the host, of all
	tasks   float64 // ticks that programs used, of all cores together
	all     float64 // ticks that passed, of all cores together
}

// Foreign is the share of the cores that programs used beside what is known.
func (s Shares) Foreign(known time.Duration) float64 {
	return (s.tasks - float64(known)/float64(tick)) / max(1, s.all)
}

// Union returns the cores of several lists.
func Union(lists ...string) (all []int) {
	for _, l := range lists {
		all = append(all, CoresOf(l)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Since is what some cores did since an earlier reading.
func (t Ticks) Since(before Ticks, cores []int) (s Shares) {
	stolen := 0.0
	for _, core := range cores {
		now, then := t[core], before[core]
		d := now.all - then.all
		if d <= 0 {
			continue
		}
		s.Busiest = max(s.Busiest, 1-(now.idle-then.idle)/d)
		s.all += d
		stolen += now.stolen - then.stolen
		s.tasks += now.tasks - then.tasks
	}
	if s.all > 0 {
		s.Stolen = stolen / s.all
	}
	return s
}

// Machine says what is measured on.
func Machine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	model := "unknown CPU"
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpu)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			model = strings.TrimSpace(v)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, Linux %s, %s", model, runtime.NumCPU(), strings.TrimSpace(string(kernel)), runtime.Version())
}
