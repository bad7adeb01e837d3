package recording

import (
	"bytes"
	"encoding/json"
	"fmt"

	"poise/internal/decide"
)

// Replay gives everything to a new judge and calls each with what was decided
// then and what is decided now. Options are those of the recording, changed by
// change, which may be nil.
func (r *Recording) Replay(change func(*decide.Options), each func(was, is decide.Decision)) error {
	o := r.Options
	if change != nil {
		change(&o)
	}
	j := decide.New(o)
	if err := j.Restore(r.state, 0); err != nil {
		return err
	}
	for i := range r.events {
		if err := r.events[i].give(j, each); err != nil {
			return fmt.Errorf("event %d of the recording: %w", i+1, err)
		}
	}
	return nil
}

func (e *event) give(j *decide.Judge, each func(was, is decide.Decision)) error {
	switch e.kind {
	case kindHeld:
		j.Hold(e.records)
	case kindRecords:
		j.Observe(e.records)
	case kindEvaluate:
		var x evaluated
		if err := json.Unmarshal(e.data, &x); err != nil {
			return err
		}
		v, err := x.View.live()
		if err != nil {
			return err
		}
		each(x.Decision, j.Evaluate(v))
	case kindStep:
		var p view
		if err := json.Unmarshal(e.data, &p); err != nil {
			return err
		}
		v, err := p.live()
		if err != nil {
			return err
		}
		j.Step(v)
	case kindOperator:
		var op operator
		if err := json.Unmarshal(e.data, &op); err != nil {
			return err
		}
		j.Operator(op.Policy, op.Pinned)
	case kindMode:
		var m decide.Mode
		if err := json.Unmarshal(e.data, &m); err != nil {
			return err
		}
		j.SetMode(m)
	}
	return nil
}

// Verify replays and returns how many decisions were made again, and an error
// that names the first that differs in any bit.
func (r *Recording) Verify() (n int, err error) {
	replayed := r.Replay(nil, func(was, is decide.Decision) {
		n++
		a, _ := json.Marshal(was)
		b, _ := json.Marshal(is)
		if !bytes.Equal(a, b) && err == nil {
			at := 0
			for at < min(len(a), len(b)) && a[at] == b[at] {
				at++
			}
			from := max(at-80, 0)
			err = fmt.Errorf("decision %d differs:\nwas …%s\nis  …%s", n, a[from:min(at+80, len(a))], b[from:min(at+80, len(b))])
		}
	})
	if replayed != nil {
		return n, replayed
	}
	return n, err
}
