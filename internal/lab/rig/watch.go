package rig

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Watched is what all cores did while they were watched.
type Watched struct {
	Busiest float64 // how busy the busiest core was over its busiest stretch
	Stolen  float64 // the share of all cores that the host kept back
	Foreign float64 // the share of all cores that programs used which this one has not started
}

// Bounds beyond which a run says nothing about what it measured.
const (
	MostBusy    = 0.85 // of a core
	mostStolen  = 0.05
	mostLate    = 0.01
	mostForeign = 0.05
)

// Void says why a run is none: late is the share of its requests that left
// late.
func (w Watched) Void(late float64) string {
	switch {
	case w.Busiest > MostBusy:
		return fmt.Sprintf("a core was busy for %.0f %% of %d s", 100*w.Busiest, Stretch)
	case w.Stolen > mostStolen:
		return fmt.Sprintf("the host kept %.0f %% of the cores", 100*w.Stolen)
	case late > mostLate:
		return fmt.Sprintf("%.1f %% of the requests left late", 100*late)
	case w.Foreign > mostForeign:
		return fmt.Sprintf("other programs used %.0f %% of the cores", 100*w.Foreign)
	}
	return ""
}

// Stretch is over how many seconds a core must be busy to count as such.
const Stretch = 5

// used is the CPU of this process, or of those that it has waited for.
func used(who int) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// UsedByAll is the CPU of this process and of all that it has started, those
// that still run included: it only grows. One that ends between the two readings
// would be in neither, so that both are then taken again.
func UsedByAll() time.Duration {
	for {
		ended := used(syscall.RUSAGE_CHILDREN)
		running := usedByRunning()
		if used(syscall.RUSAGE_CHILDREN) == ended {
			return used(syscall.RUSAGE_SELF) + ended + running
		}
	}
}

// usedByRunning is the CPU of what this process has started and not waited for.
func usedByRunning() (sum time.Duration) {
	all, err := Stats()
	if err != nil {
		return 0
	}
	self, groups := strconv.Itoa(os.Getpid()), map[string]bool{}
	for _, s := range all {
		if s.parent() == self {
			groups[s.group()] = true
		}
	}
	for _, s := range all {
		if groups[s.group()] {
			sum += s.cpu()
		}
	}
	return sum
}

// Watch looks at all cores once a second until stop is called.
func Watch() (stop func() Watched, err error) {
	known := UsedByAll()
	first, err := ReadTicks()
	if err != nil {
		return nil, err
	}
	end, seen := make(chan struct{}), make(chan []Ticks)
	go func() {
		all := []Ticks{first}
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for {
			select {
			case <-end:
				if t, err := ReadTicks(); err == nil {
					all = append(all, t)
				}
				seen <- all
				return
			case <-second.C:
				if t, err := ReadTicks(); err == nil {
					all = append(all, t)
				}
			}
		}
	}()
	return func() Watched {
		close(end)
		all := <-seen
		w := watchedOf(all, Stretch)
		w.Foreign = wholeOf(all).Foreign(UsedByAll() - known)
		return w
	}, nil
}

func watchedOf(all []Ticks, stretch int) (w Watched) {
	var cores []int
	for c := range all[0] {
		cores = append(cores, c)
	}
	slices.Sort(cores)
	for i := range all {
		if j := max(0, i-stretch); i-j == stretch || i == len(all)-1 {
			w.Busiest = max(w.Busiest, all[i].Since(all[j], cores).Busiest)
		}
	}
	w.Stolen = wholeOf(all).Stolen
	return w
}

func wholeOf(all []Ticks) Shares {
	return all[len(all)-1].Since(all[0], slices.Collect(maps.Keys(all[0])))
}
