package worker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Worker serves /health, /work, /echo and /control.
type Worker struct {
	name  string
	gate  gate
	count counts
	here  atomic.Int64 // requests of /work that wait or are worked on

	mu       sync.Mutex
	settings Settings
	changed  chan struct{} // closed when the settings change
	dice     *rand.Rand
	cache    cache
}

// New returns a worker; seed decides what its dice roll.
func New(name string, s Settings, seed uint64) *Worker {
	w := &Worker{name: name, settings: s, changed: make(chan struct{}), dice: rand.New(rand.NewPCG(seed, seed))}
	w.gate.slots = s.Slots
	return w
}

// Set changes the settings. What hangs is looked at again.
func (w *Worker) Set(s Settings) {
	w.mu.Lock()
	w.settings = s
	close(w.changed)
	w.changed = make(chan struct{})
	w.mu.Unlock()
	w.gate.resize(s.Slots)
}

// Settings returns the settings in force.
func (w *Worker) Settings() Settings {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settings
}

// Run serves on ln until ctx is done; requests under way are then cut.
func (w *Worker) Run(ctx context.Context, ln net.Listener) error {
	server := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(stopped); _ = server.Close() })
	err := server.Serve(ln)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// ServeHTTP implements http.Handler.
func (w *Worker) ServeHTTP(a http.ResponseWriter, r *http.Request) {
	a.Header()["X-Worker"] = []string{w.name}
	switch r.URL.Path {
	case "/work":
		w.work(a, r)
	case "/health":
		w.health(a, r)
	case "/echo":
		w.echo(a, r)
	case "/control":
		w.control(a, r)
	case "/counts":
		w.showCounts(a, r)
	default:
		http.NotFound(a, r)
	}
}

// fate is what becomes of one request.
type fate uint8

const (
	answered fate = iota
	failed
	hung
	reset
	cut
)

// draw decides what becomes of one request, and counts it.
func (w *Worker) draw() (f fate, s Settings) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s = w.settings
	f = w.fate(&s)
	w.count[f].Add(1)
	return f, s
}

// fate rolls the dice, which belong to the lock.
func (w *Worker) fate(s *Settings) fate {
	roll := w.dice.Float64()
	for _, o := range []struct {
		share Share
		fate  fate
	}{{s.Hang, hung}, {s.Reset, reset}, {s.Errors, failed}, {s.CrashMidBody, cut}} {
		if roll < float64(o.share) {
			return o.fate
		}
		roll -= float64(o.share)
	}
	return answered
}

// mostWork bounds what X-Work-Us may ask for.
const mostWork = time.Minute

// serviceTime is drawn, or what X-Work-Us says, so that the same job can be
// given to several workers; a slow worker takes longer for either. A key that
// is remembered costs a tenth. It is asked for when the work begins: what
// waited while the worker was slow is quick when the worker is again.
func (w *Worker) serviceTime(r *http.Request) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.settings
	d := float64(s.Delay)
	if us, err := strconv.ParseInt(r.Header.Get("X-Work-Us"), 10, 64); err == nil && us >= 0 {
		d = float64(min(time.Duration(us)*time.Microsecond, mostWork))
	} else {
		switch s.Distribution {
		case "exponential":
			d *= w.dice.ExpFloat64()
		case "heavy": // 95 of 100 about half as long, 5 ten times: the mean stays
			if w.dice.Float64() < 0.05 {
				d *= 10.25
			} else {
				d *= (1 - 0.05*10.25) / 0.95
			}
		}
	}
	d *= float64(s.Slowness)
	if s.Cache > 0 && w.cache.hit(r.Header.Get("X-Key"), s.Cache) {
		d /= 10
	}
	return time.Duration(math.Round(d))
}

func (w *Worker) work(a http.ResponseWriter, r *http.Request) {
	w.here.Add(1)
	defer w.here.Add(-1)
	f, s := w.draw()
	if f == hung {
		w.hang(r.Context(), func(s *Settings) bool { return s.Hang > 0 })
		f = answered
	}
	if f == reset {
		drop(a)
		return
	}
	sleep(r.Context(), time.Duration(s.Distance))
	if err := w.gate.enter(r.Context()); err != nil {
		http.Error(a, "too many requests wait", http.StatusServiceUnavailable)
		return
	}
	service := w.serviceTime(r)
	if f == failed {
		service = min(service, time.Millisecond)
	}
	sleep(r.Context(), service)
	if s.Report != "" {
		a.Header().Set(s.Report, strconv.FormatInt(w.here.Load(), 10))
	}
	w.gate.leave()
	switch f {
	case failed:
		http.Error(a, "failed on demand", http.StatusServiceUnavailable)
	case cut:
		crash(a, max(s.Body, 2), s.Chunked)
	default:
		announce(a, s.Body, s.Chunked)
		fill(a, s.Body)
	}
}

// announce says how long the answer is. A chunked one that is flushed before
// its end says nothing.
func announce(a http.ResponseWriter, size int, chunked bool) {
	if chunked {
		_ = http.NewResponseController(a).Flush()
		return
	}
	a.Header()["Content-Length"] = []string{strconv.Itoa(size)}
}

var dots = bytes.Repeat([]byte("."), 32<<10)

// fill writes a body of so many bytes, as far as it is wanted.
func fill(a io.Writer, size int) {
	for size > 0 {
		n, err := a.Write(dots[:min(size, len(dots))])
		if err != nil {
			return
		}
		size -= n
	}
}

// hang waits until the settings no longer ask for it, or the client leaves.
func (w *Worker) hang(ctx context.Context, still func(*Settings) bool) {
	for {
		w.mu.Lock()
		goOn, changed := still(&w.settings), w.changed
		w.mu.Unlock()
		if !goOn {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// drop resets the connection without an answer.
func drop(a http.ResponseWriter) {
	c, _, err := http.NewResponseController(a).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// crash sends half of the answer.
func crash(a http.ResponseWriter, size int, chunked bool) {
	announce(a, size, chunked)
	fill(a, size/2)
	_ = http.NewResponseController(a).Flush()
	panic(http.ErrAbortHandler)
}

func (w *Worker) health(a http.ResponseWriter, r *http.Request) {
	switch w.Settings().Health {
	case "hang":
		w.hang(r.Context(), func(s *Settings) bool { return s.Health == "hang" })
	case "fail":
		writeJSON(a, http.StatusServiceUnavailable, map[string]string{"status": "failing on demand"})
		return
	}
	writeJSON(a, http.StatusOK, map[string]string{"status": "ok", "worker": w.name})
}

// echo tells what came; with ?raw=1 it streams the body back.
func (w *Worker) echo(a http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("raw") != "" {
		_ = http.NewResponseController(a).EnableFullDuplex()
		_, _ = io.Copy(a, r.Body)
		return
	}
	digest := sha256.New()
	n, err := io.Copy(digest, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	writeJSON(a, http.StatusOK, map[string]any{
		"worker": w.name, "method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "host": r.Host, "proto": r.Proto,
		"headers": r.Header, "trailers": r.Trailer, "body_bytes": n, "body_sha256": hex.EncodeToString(digest.Sum(nil)),
	})
}

// control shows or changes the settings, for this machine only.
func (w *Worker) control(a http.ResponseWriter, r *http.Request) {
	if !local(a, r) {
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodPut:
		next, err := w.Settings().changed(r.Body)
		if err != nil {
			problem(a, http.StatusBadRequest, err.Error())
			return
		}
		w.Set(next)
	default:
		a.Header().Set("Allow", "GET, PUT")
		problem(a, http.StatusMethodNotAllowed, "use GET or PUT")
		return
	}
	writeJSON(a, http.StatusOK, w.Settings())
}

// local reports whether r comes from this machine, and refuses it otherwise.
func local(a http.ResponseWriter, r *http.Request) bool {
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !peer.Addr().Unmap().IsLoopback() {
		problem(a, http.StatusForbidden, r.URL.Path+" answers to this machine only")
		return false
	}
	return true
}

func problem(a http.ResponseWriter, status int, detail string) {
	a.Header().Set("Content-Type", "application/problem+json")
	a.WriteHeader(status)
	_ = json.NewEncoder(a).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}

func writeJSON(a http.ResponseWriter, status int, v any) {
	a.Header().Set("Content-Type", "application/json")
	a.WriteHeader(status)
	_ = json.NewEncoder(a).Encode(v)
}
