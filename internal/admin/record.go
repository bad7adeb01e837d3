package admin

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"poise/internal/cluster"
)

// The time that a recording may last.
const (
	usualRecording = time.Minute
	mostRecording  = time.Hour
)

// record streams what the engine's judge of a cluster is given. A recording
// that breaks off ends the connection, so that it is not taken for whole.
func (a *API) record(w http.ResponseWriter, r *http.Request, c *cluster.Cluster) {
	if !onlyQuery(w, r, "for") {
		return
	}
	lasts := usualRecording
	if text := r.URL.Query().Get("for"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil || lasts <= 0 || lasts > mostRecording {
			problem(w, http.StatusBadRequest, fmt.Sprintf("for must be a time up to %s, as in 60s, not %s", mostRecording, clip(text)))
			return
		}
	}
	s := &flushed{w: w, control: http.NewResponseController(w)}
	switch err := a.options.Balancer.Record(r.Context(), c.Name(), lasts, s); {
	case err == nil:
	case !s.begun:
		problem(w, http.StatusConflict, err.Error())
	default:
		panic(http.ErrAbortHandler)
	}
}

// flushed hands on what is written at once.
type flushed struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

var _ io.Writer = (*flushed)(nil)

// Write implements io.Writer.
func (f *flushed) Write(p []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.w.Header().Set("Content-Type", "application/octet-stream")
	}
	_ = f.control.SetWriteDeadline(time.Now().Add(streamTime))
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.control.Flush()
}
