// Package telemetry shows what Poise measured to the outside: metrics and the
// access log.
package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"poise/internal/record"
)

// accessBuffer bounds what waits to be written. Lines beyond it are dropped
// and counted: a full disk must not slow a request.
const accessBuffer = 1 << 20

// AccessLog writes a line for every request, off the request path.
type AccessLog struct {
	encode  Encoder
	now     func() time.Time
	mu      sync.Mutex
	pending []byte
	spare   []byte
	wake    chan struct{}
	failing error // of the last write; only Run touches it
	torn    bool  // the last write ended within a line

	// OnChange, set before Run, is told once when writing begins to fail, and
	// with nil once it works again.
	OnChange func(error)

	Dropped record.Counter // lines that were not written
	Failed  record.Counter // writes
}

// Encoder appends the line of one request, with its line end.
type Encoder func(dst []byte, at time.Time, r *record.Request) []byte

// Formats are the encoders by the name that the configuration uses.
var formats = map[string]Encoder{"json": appendJSON, "combined": appendCombined, "logfmt": appendLogfmt}

// NewAccessLog returns a log in one of the formats json, combined and logfmt.
func NewAccessLog(format string, now func() time.Time) (*AccessLog, error) {
	encode, ok := formats[format]
	if !ok {
		return nil, fmt.Errorf("access log format %q is unknown; use json, combined or logfmt", format)
	}
	return &AccessLog{encode: encode, now: now, wake: make(chan struct{}, 1)}, nil
}

// Log queues the line of a request.
func (l *AccessLog) Log(r *record.Request) {
	at := l.now()
	l.mu.Lock()
	if len(l.pending) > accessBuffer {
		l.mu.Unlock()
		l.Dropped.Add(1)
		return
	}
	l.pending = l.encode(l.pending, at, r)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // the writer is awake already and will see this line
	}
}

// Run writes what is queued until stop is closed, and then the rest. It
// returns what came of the last write.
func (l *AccessLog) Run(w io.Writer, stop <-chan struct{}) error {
	for {
		select {
		case <-l.wake:
			l.write(w)
		case <-stop:
			l.write(w)
			return l.failing
		}
	}
}

// write writes what is queued. Lines that cannot be written are dropped: they
// would only keep later ones out.
func (l *AccessLog) write(w io.Writer) {
	l.mu.Lock()
	lines := l.pending
	l.pending = l.spare[:0]
	l.mu.Unlock()
	l.spare = lines[:0]
	if len(lines) == 0 {
		return
	}
	err := l.mend(w)
	n := 0
	if err == nil {
		n, err = w.Write(lines)
		l.torn = n > 0 && lines[n-1] != '\n'
	}
	if err != nil {
		l.Failed.Add(1)
		l.Dropped.Add(uint64(bytes.Count(lines[n:], newline)))
	}
	l.told(err)
}

var newline = []byte{'\n'}

// mend ends the line that a failed write left unfinished, so that the next
// one does not run into it.
func (l *AccessLog) mend(w io.Writer) error {
	if !l.torn {
		return nil
	}
	_, err := w.Write(newline)
	l.torn = err != nil
	return err
}

func (l *AccessLog) told(err error) {
	changed := (err == nil) != (l.failing == nil)
	l.failing = err
	if changed && l.OnChange != nil {
		l.OnChange(err)
	}
}
