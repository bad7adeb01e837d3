package fleet

import (
	"fmt"
	"os"
	"strings"
)

// Usage is what a balancer holds at a time.
type Usage struct {
	RSS        int64 `json:"rss_bytes"`  // resident memory, as the kernel counts it
	Heap       int64 `json:"heap_bytes"` // what the heap holds; after a collection it is what is alive
	Goroutines int   `json:"goroutines"`
	Files      int   `json:"descriptors"`
}

// String is one line for people.
func (u Usage) String() string {
	const mib = 1 << 20
	return fmt.Sprintf("RSS %5.1f MiB, heap %5.1f MiB, %d goroutines, %d descriptors",
		float64(u.RSS)/mib, float64(u.Heap)/mib, u.Goroutines, u.Files)
}

// Usage reads what the balancer holds now. The call that asks is in it: its
// descriptor and its goroutines are the same in every reading.
func (b *Balancer) Usage() (Usage, error) { return b.usage("/debug/pprof/heap?debug=1") }

// Live is Usage after garbage was collected, twice: what pools keep for use
// again survives one collection.
func (b *Balancer) Live() (Usage, error) {
	const collected = "/debug/pprof/heap?debug=1&gc=1"
	if _, err := b.Get(collected); err != nil {
		return Usage{}, err
	}
	return b.usage(collected)
}

func (b *Balancer) usage(heap string) (u Usage, err error) {
	text, err := b.Get(heap)
	if err != nil {
		return u, err
	}
	if u.Heap, err = number(text, "# HeapAlloc = "); err != nil {
		return u, err
	}
	if text, err = b.Get("/debug/pprof/goroutine?debug=1"); err != nil {
		return u, err
	}
	goroutines, err := number(text, "goroutine profile: total ")
	if err != nil {
		return u, err
	}
	u.Goroutines = int(goroutines)
	if u.RSS, err = RSS(b.PID()); err != nil {
		return u, err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.PID()))
	u.Files = len(open)
	return u, err
}

// RSS returns the resident memory of a process, in bytes.
func RSS(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	kib, err := number(string(status), "VmRSS:")
	return kib << 10, err
}

// number reads the number that stands behind a word.
func number(text, word string) (n int64, err error) {
	_, behind, found := strings.Cut(text, word)
	if !found {
		return 0, fmt.Errorf("there is no %q in what was read", word)
	}
	_, err = fmt.Sscan(behind, &n)
	return n, err
}
