// Package watch follows a running Poise and shows it: in a terminal as the
// live view of package top, elsewhere as lines.
package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"poise/internal/admin"
	"poise/internal/top"
)

// API is how the running Poise is reached.
type API struct {
	// Call makes a call and decodes its answer into v.
	Call func(ctx context.Context, method, path string, body, v any) error
	// Stream hands every event of the stream to got, beginning behind the one
	// with the id last, or with the next for "". It returns when ctx is done,
	// the stream ends or got fails.
	Stream func(ctx context.Context, last string, got func(Event) error) error
}

// Event is one of the stream.
type Event struct {
	ID, Kind string
	Data     []byte // JSON
}

// How the stream is followed.
const (
	silent    = 5 * time.Second // without an event, of which there is one a second: the connection is dead
	recent    = 200             // decisions that are asked for
	firstWait = 500 * time.Millisecond
	mostWait  = 10 * time.Second
)

var errSilent = fmt.Errorf("nothing has come for %v", silent)

func noCluster(name string) error {
	return fmt.Errorf("there is no cluster %s; `poise status` lists them", name)
}

// wait is the pause before the next try, after so many that failed, at
// least one.
func wait(failed int) time.Duration {
	if failed > 5 {
		return mostWait
	}
	return min(firstWait<<(failed-1), mostWait)
}

// feed tells send what the API says.
type feed struct {
	api  API
	send func(any)
	last string // id of the latest event
}

// run follows the API until ctx is done, and connects again whenever that
// breaks off.
func (f *feed) run(ctx context.Context) {
	for failed := 1; ; failed++ {
		err := f.follow(ctx, func() { failed = 1 }) // breaking off is the first failure
		if ctx.Err() != nil {
			return
		}
		pause := wait(failed)
		f.send(top.Lost{Since: time.Now(), Again: time.Now().Add(pause), Why: oneLine(err)})
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// oneLine is an error in words that fit into a line.
func oneLine(err error) string {
	if err == nil {
		return "the stream has ended"
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// follow reads the stream once. It calls alive at the first event. A
// connection that has gone silent is given up: its other end may be gone
// without a word.
func (f *feed) follow(ctx context.Context, alive func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(silent, func() { cancel(errSilent) })
	defer watchdog.Stop()
	first := true
	err := f.api.Stream(ctx, f.last, func(e Event) error {
		watchdog.Reset(silent)
		f.last = e.ID
		if first {
			first = false
			alive()
			if err := f.catchUp(ctx); err != nil {
				return err
			}
		}
		return f.pass(&e)
	})
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return cause
	}
	return err
}

// catchUp asks for the decisions that were made before the stream began.
func (f *feed) catchUp(ctx context.Context) error {
	var d admin.Decisions
	if err := f.api.Call(ctx, "GET", fmt.Sprintf("/api/v1/decisions?limit=%d", recent), nil, &d); err != nil {
		return err
	}
	f.send(top.Journal(d.Decisions))
	return nil
}

// pass tells what an event says. Kinds that are not known are of a later
// Poise.
func (f *feed) pass(e *Event) error {
	switch e.Kind {
	case "state":
		var v admin.Status
		if err := json.Unmarshal(e.Data, &v); err != nil {
			return fmt.Errorf("a state that cannot be read: %w", err)
		}
		f.send(top.State(v))
	case "decision":
		var d admin.Decision
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return fmt.Errorf("a decision that cannot be read: %w", err)
		}
		f.send(top.Journal{d})
	}
	return nil
}
