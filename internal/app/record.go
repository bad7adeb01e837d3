package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"poise/internal/decide"
	"poise/internal/decide/recording"
	"poise/internal/engine"
	"poise/internal/lb"
)

// Record implements admin.Balancer: it writes what the judge of a cluster is
// given from now on. The engine never waits for whoever reads.
func (a *App) Record(ctx context.Context, cluster string, lasts time.Duration, to io.Writer) error {
	queue := &recordQueue{pieces: make(chan []byte, recordPieces), failed: make(chan error, 1)}
	untap, err := a.engine.Tap(cluster, func(j engine.Judge) engine.Judge { return newRecorder(j, queue) })
	if err != nil {
		return err
	}
	defer untap()
	over := time.NewTimer(lasts)
	defer over.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-queue.failed:
			return err
		case <-over.C:
			untap()
			return queue.rest(to)
		case p := <-queue.pieces:
			if _, err := to.Write(p); err != nil {
				return err
			}
		}
	}
}

// recordPieces is how far the reader may be behind, in frames: some seconds.
const recordPieces = 4096

var errBehind = errors.New("the recording broke off: it was not read as fast as it was made")

// recordQueue is between the engine and the reader.
type recordQueue struct {
	pieces chan []byte
	failed chan error
}

// Write implements io.Writer without ever waiting.
func (q *recordQueue) Write(p []byte) (int, error) {
	select {
	case q.pieces <- append([]byte(nil), p...):
		return len(p), nil
	default:
		q.fail(errBehind)
		return 0, errBehind
	}
}

func (q *recordQueue) fail(err error) {
	select {
	case q.failed <- err:
	default:
	}
}

// rest writes what is there already.
func (q *recordQueue) rest(to io.Writer) error {
	for {
		select {
		case p := <-q.pieces:
			if _, err := to.Write(p); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// recorder writes down what it hands to a judge.
type recorder struct {
	engine.Judge
	to   *recording.Writer
	mode decide.Mode
}

func newRecorder(j engine.Judge, queue *recordQueue) engine.Judge {
	judge, ok := j.(*decide.Judge)
	if !ok {
		queue.fail(fmt.Errorf("a judge of the kind %T cannot be recorded", j))
		return j
	}
	w, err := recording.NewWriter(queue, judge)
	if err != nil {
		queue.fail(err)
		return j
	}
	return &recorder{Judge: j, to: w, mode: judge.Mode()}
}

// Observe implements engine.Judge.
func (r *recorder) Observe(records []lb.Record) {
	r.to.Records(records)
	r.Judge.Observe(records)
}

// Evaluate implements engine.Judge.
func (r *recorder) Evaluate(v *decide.View) decide.Decision {
	before := recording.Take(v)
	d := r.Judge.Evaluate(v)
	r.to.Evaluated(before, d)
	return d
}

// Step implements engine.Judge.
func (r *recorder) Step(v *decide.View) decide.Step {
	r.to.Stepped(v)
	return r.Judge.Step(v)
}

// SetMode implements engine.Judge.
func (r *recorder) SetMode(m decide.Mode) {
	if m != r.mode {
		r.mode = m
		r.to.Mode(m)
	}
	r.Judge.SetMode(m)
}
