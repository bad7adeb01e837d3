package decide

import (
	"encoding/json"
	"fmt"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
	"poise/internal/twin"
)

// saveVersion changes when an older state no longer means the same.
const saveVersion = 1

// saved is a judge on paper.
type saved struct {
	Version int         `json:"version"`
	State   state       `json:"state"`
	Memory  twin.Memory `json:"memory"`
}

// Save returns what the judge knows, but for the records: what the state
// directory keeps.
func (j *Judge) Save() ([]byte, error) {
	return json.Marshal(saved{saveVersion, j.state, j.memory})
}

// Restore makes the judge what it was when data was saved. If shift is not 0
// the clock was another one: all that has a time is moved by it, so that a
// dwell or a ban goes on where it stood. What cannot be read changes nothing.
func (j *Judge) Restore(data []byte, shift time.Duration) error {
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("the state of the engine cannot be read: %w", err)
	}
	if s.Version != saveVersion {
		return fmt.Errorf("the state of the engine has version %d, this one reads %d; remove it to begin anew", s.Version, saveVersion)
	}
	if s.State.Bias == nil {
		s.State.Bias = map[string]bias{}
	}
	if s.State.Bans == nil {
		s.State.Bans = map[string]stats.Instant{}
	}
	if shift != 0 {
		s.State.move(shift)
		s.Memory.Move(shift)
	}
	j.state, j.memory = s.State, s.Memory
	if len(j.state.Rules) != len(j.o.Rules) {
		j.state.Rules = make([]stats.Instant, len(j.o.Rules))
	}
	return nil
}

// move shifts every time by d; a change that was under way is over, for the
// process that made it is.
func (s *state) move(d time.Duration) {
	at := func(t *stats.Instant) {
		if *t != 0 {
			*t = max(t.Add(d), 1)
		}
	}
	s.Trial, s.Watch, s.Cleared = nil, nil, false
	s.Width.Expected = nil
	s.Tally, s.Lost, s.Shed, s.Notes = tally{}, 0, 0, nil // of a window that nobody saw the end of
	for _, t := range []*stats.Instant{&s.Now, &s.Switched, &s.Since, &s.Pause, &s.Width.At} {
		at(t)
	}
	for i := range s.Rules {
		s.Rules[i] = 0
	}
	for p, b := range s.Bias {
		at(&b.At)
		s.Bias[p] = b
	}
	for p, until := range s.Bans {
		at(&until)
		s.Bans[p] = until
	}
}

// Records returns the records that the judge holds, oldest first: with Save,
// all that it knows.
func (j *Judge) Records() []lb.Record {
	return append(append([]lb.Record{}, j.records[j.next:]...), j.records[:j.next]...)
}

// Options returns what the judge goes by.
func (j *Judge) Options() Options { return j.o }
