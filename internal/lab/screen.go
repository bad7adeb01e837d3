package lab

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"poise/internal/load"
	"poise/internal/stats"
)

// The colours, as a terminal takes them.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

// screen is where the demo writes. On a terminal its last line may be live: it
// is taken away before the next is written.
type screen struct {
	colour, live bool

	mu      sync.Mutex
	out     io.Writer
	shown   bool              // a live line stands
	closed  bool              // nothing more happens
	workers map[string]string // names by address
}

// paint puts a text into a colour, where there are any.
func (s *screen) paint(colour, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// name tells the screen what the workers are called.
func (s *screen) name(c *crew) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = map[string]string{}
	for _, m := range c.members {
		s.workers[m.address] = m.name
	}
}

func (s *screen) print(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// wipe takes the live line away. The caller holds the lock.
func (s *screen) wipe() {
	if s.shown {
		_, _ = io.WriteString(s.out, "\r\x1b[K")
		s.shown = false
	}
}

func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.closed = true
}

// figures are one row's.
type figures struct {
	p50, p99 time.Duration
	failed   float64 // share
	shares   []float64
	victim   int // index of the worker with the fault, -1 for none
}

func figuresOf(s *load.Second, workers int) figures {
	f := figures{p50: s.P50, p99: s.P99, victim: -1}
	if s.Requests > 0 {
		f.failed = float64(s.Failures) / float64(s.Requests)
	}
	all := int64(0)
	for _, n := range s.Workers {
		all += n
	}
	for i := range workers {
		f.shares = append(f.shares, float64(s.Workers[fmt.Sprint(i+1)])/float64(max(all, 1)))
	}
	return f
}

func (b *board) figures(s *score) figures {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := s.latency.Snapshot()
	f := figures{p50: h.Quantile(0.5), p99: h.Quantile(0.99), failed: s.failed(), victim: -1}
	for i := range s.workers {
		name := fmt.Sprint(i + 1)
		f.shares = append(f.shares, s.share(name))
		if name == s.victim && s.label != s.condition {
			f.victim = i
		}
	}
	return f
}

// verdict is what became of an expectation.
type verdict uint8

const (
	unjudged verdict = iota
	seen
	missed
)

func verdictOf(s *score) verdict {
	if s.missing != "" {
		return missed
	}
	return seen
}

// heading is over the rows of a policy.
func (s *screen) heading(policy string, workers int) {
	var numbers strings.Builder
	for i := range workers {
		fmt.Fprintf(&numbers, "%5d", i+1)
	}
	s.print("\n%s%s", s.paint(bold, fmt.Sprintf("%-24s", policy)),
		s.paint(dim, fmt.Sprintf("%11s%12s%10s%10s", "p50", "p99", "failed", "worker")+numbers.String()))
}

// row is one stop or one second.
func (s *screen) row(label string, f figures, v verdict) {
	mark := map[verdict]string{unjudged: " ", seen: s.paint(green, "✓"), missed: s.paint(red, "✗")}[v]
	s.print("%s %-22s%s", mark, label, s.columns(f))
}

func (s *screen) columns(f figures) string {
	failed := fmt.Sprintf("%8.1f %%", 100*f.failed)
	if f.failed > mostFailed {
		failed = s.paint(red, failed)
	}
	p99 := fmt.Sprintf("%12s", stats.Readable(f.p99.Seconds()))
	if f.p99 > 100*time.Millisecond {
		p99 = s.paint(yellow, p99)
	}
	var shares strings.Builder
	for i, share := range f.shares {
		text := fmt.Sprintf("%4.0f%%", 100*share)
		if i == f.victim {
			text = s.paint(cyan, text)
		}
		shares.WriteString(text)
	}
	return fmt.Sprintf("%11s%s%s%10s%s", stats.Readable(f.p50.Seconds()), p99, failed, "", shares.String())
}

// second shows how the running stop does, on a terminal only: elsewhere the
// row at its end says it.
func (s *screen) second(label string, of *load.Second, workers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.live || s.closed {
		return
	}
	plain := screen{}
	line := fmt.Sprintf("· %-22s%s", label, plain.columns(figuresOf(of, workers)))
	s.wipe()
	_, _ = io.WriteString(s.out, "\r"+s.paint(dim, line))
	s.shown = true
}

// event is something that the balancer did.
func (s *screen) event(text string) { s.print("  %s", s.paint(dim, "· "+text)) }

// Log is a handler for the balancer's log. What it does about endpoints is
// told in the words of the demo; failed requests are counted and not listed;
// other trouble is shown as it is.
func (d *Demo) Log() slog.Handler { return &logged{demo: d} }

type logged struct{ demo *Demo }

func (l *logged) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *logged) WithGroup(string) slog.Handler                    { return l }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	s := l.demo.screen
	if s == nil {
		return nil
	}
	of := map[string]string{}
	r.Attrs(func(a slog.Attr) bool { of[a.Key] = a.Value.String(); return true })
	s.mu.Lock()
	name, over := s.workers[of["endpoint"]], s.closed
	s.mu.Unlock()
	switch {
	case r.Message == "request failed" || over:
	case r.Message == "state":
		if !l.demo.Quiet && name != "" {
			s.event(fmt.Sprintf("worker %s: %s, because %s", name, of["to"], of["reason"]))
		}
	case r.Message == "guard":
		if text := guarded(of); !l.demo.Quiet && name != "" && text != "" {
			s.event("worker " + name + ": " + text)
		}
	case r.Level >= slog.LevelWarn:
		var all []string
		r.Attrs(func(a slog.Attr) bool { all = append(all, a.String()); return true })
		s.print("%s: %s %s", strings.ToLower(r.Level.String()), r.Message, strings.Join(all, " "))
	}
	return nil
}

// guarded is what the guard did, in short; of what it considered, nothing.
func guarded(of map[string]string) string {
	evidence, _, _ := strings.Cut(of["evidence"], ";")
	switch of["action"] {
	case "eject":
		return "ejected for " + of["for"] + ", because " + evidence
	case "readmit":
		return "taken back, its trials went well"
	}
	return ""
}
