// Package telemetry shows what Poise measured to the outside: metrics and the
// access log.
package telemetry

import (
	"errors"
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

	Dropped record.Counter // lines
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

// Run writes what is queued until stop is closed, and then the rest.
func (l *AccessLog) Run(w io.Writer, stop <-chan struct{}) error {
	var failed error
	for {
		select {
		case <-l.wake:
			failed = l.write(w)
		case <-stop:
			return errors.Join(failed, l.write(w))
		}
	}
}

func (l *AccessLog) write(w io.Writer) error {
	l.mu.Lock()
	lines := l.pending
	l.pending = l.spare[:0]
	l.mu.Unlock()
	l.spare = lines[:0]
	if len(lines) == 0 {
		return nil
	}
	_, err := w.Write(lines)
	if err != nil {
		l.Failed.Add(1)
	}
	return err
}
