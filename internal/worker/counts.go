package worker

import (
	"net/http"
	"sync/atomic"
)

// counts are the requests of /work that came, by what became of them. A
// balancer's attempts are counted here, where they arrive.
type counts [cut + 1]atomic.Int64

// fateNames are the members of /counts.
var fateNames = [cut + 1]string{answered: "answered", failed: "errors", hung: "hang", reset: "reset", cut: "crash_mid_body"}

// Counts returns how many requests of /work have come so far, by their fate.
func (w *Worker) Counts() map[string]int64 {
	all := map[string]int64{}
	for f, name := range fateNames {
		all[name] = w.count[f].Load()
	}
	return all
}

// showCounts answers /counts, to this machine only.
func (w *Worker) showCounts(a http.ResponseWriter, r *http.Request) {
	if local(a, r) {
		writeJSON(a, http.StatusOK, w.Counts())
	}
}
