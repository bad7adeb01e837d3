package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"poise/internal/decide"
	"poise/internal/decide/recording"
	"poise/internal/stats"
)

// replayRecording gives a recorded window to a new judge and shows every
// decision again, with the loss that was predicted for every candidate.
func replayRecording(w io.Writer, path string, policies []string) error {
	f, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return usageError{err}
	}
	r, damage := recording.Read(f)
	_ = f.Close() // it was read
	if damage != nil && (!errors.Is(damage, recording.ErrCorrupt) || r == nil || r.Evaluations() == 0) {
		return usageError{fmt.Errorf("%s: %w", path, damage)}
	}
	if damage != nil {
		fmt.Fprintf(w, "%s: %v; this is what could be read of it\n", path, damage)
	}
	var change func(*decide.Options)
	if len(policies) > 0 {
		change = func(o *decide.Options) { o.Candidates = policies }
	}
	n, differ := 0, 0
	var first time.Duration
	err = r.Replay(change, func(was, is decide.Decision) {
		if n == 0 {
			first = time.Duration(is.At)
		}
		n++
		fmt.Fprintf(w, "%6.0f s  %s\n", (time.Duration(is.At) - first).Seconds(), is.Text)
		if line := predicted(is.Candidates); line != "" {
			fmt.Fprintf(w, "          %s\n", line)
		}
		if was.Text != is.Text {
			differ++
			fmt.Fprintf(w, "          it was: %s\n", was.Text)
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case n == 0:
		return usageError{fmt.Errorf("%s holds no evaluation: record for longer than the engine's evaluate", path)}
	case differ == 0:
		fmt.Fprintf(w, "%d decisions, each as it was made\n", n)
	default:
		fmt.Fprintf(w, "%d decisions, %d of them other than they were made\n", n, differ)
	}
	return nil
}

// predicted lists the loss of every candidate, the least first.
func predicted(all []decide.Candidate) string {
	var parts []string
	for _, c := range all {
		parts = append(parts, c.Policy+" "+stats.Readable(c.Loss))
	}
	return strings.Join(parts, ", ")
}
