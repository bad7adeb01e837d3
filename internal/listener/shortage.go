package listener

import (
	"log/slog"
	"time"
)

// While accepts fail the log says so every tellEvery, and once when none has
// failed for calm. Where clients come and go at the limit, accepts fail and
// pass in turns, many times a second.
const (
	tellEvery = 10 * time.Second
	calm      = 2 * time.Second
)

// shortage tells of accepts that fail.
type shortage struct {
	log                *slog.Logger
	began, told, again time.Time // began is zero while there is none
	count              int       // of failures since it began
}

func (s *shortage) failed(err error, now time.Time) {
	if s.began.IsZero() {
		s.began, s.told, s.count = now, time.Time{}, 0
	}
	s.count++
	s.again = now
	if now.Sub(s.told) < tellEvery {
		return
	}
	s.told = now
	s.log.Warn("accept failed; new clients wait, and it is tried again", "error", err, "times", s.count)
}

// passed is told of every accept that worked; now is asked only when some
// failed before.
func (s *shortage) passed(now func() time.Time) {
	if s.began.IsZero() {
		return
	}
	if at := now(); at.Sub(s.again) >= calm {
		s.log.Info("clients are accepted again", "after", at.Sub(s.began).Round(time.Millisecond), "failed", s.count)
		s.began = time.Time{}
	}
}
