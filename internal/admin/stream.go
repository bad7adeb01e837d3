package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The stream keeps so many events for those that come back, serves so many
// listeners, and lets each be so far behind before it is sent away.
const (
	streamKept      = 120
	streamListeners = 64
	streamBehind    = 16
)

// stream is the events of /api/v1/stream (server-sent events).
type stream struct {
	mu        sync.Mutex
	next      uint64
	kept      []event
	listeners map[chan event]struct{}
	closed    bool
}

type event struct {
	id   uint64
	kind string
	data []byte
}

func newStream() *stream {
	return &stream{next: 1, listeners: map[chan event]struct{}{}}
}

// publish sends an event to every listener. Nothing is made when there is
// none and none was lately: a quiet Poise does no work for the stream.
func (s *stream) publish(kind string, describe func() any) {
	s.mu.Lock()
	idle := len(s.listeners) == 0
	s.mu.Unlock()
	if idle && kind == "state" {
		return
	}
	data, err := json.Marshal(describe())
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := event{id: s.next, kind: kind, data: data}
	s.next++
	if s.kept = append(s.kept, e); len(s.kept) > streamKept {
		s.kept = s.kept[1:]
	}
	for l := range s.listeners {
		select {
		case l <- e:
		default: // too slow: it reconnects and resumes
			delete(s.listeners, l)
			close(l)
		}
	}
}

// join returns a channel of events, beginning behind the one called last, or
// nil when there are listeners enough.
func (s *stream) join(last uint64) chan event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.listeners) >= streamListeners {
		return nil
	}
	l := make(chan event, streamKept+streamBehind)
	if last > 0 {
		for _, e := range s.kept {
			if e.id > last {
				l <- e
			}
		}
	}
	s.listeners[l] = struct{}{}
	return l
}

func (s *stream) part(l chan event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.listeners[l]; ok {
		delete(s.listeners, l)
		close(l)
	}
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for l := range s.listeners {
		delete(s.listeners, l)
		close(l)
	}
}

func (a *API) serveStream(w http.ResponseWriter, r *http.Request) {
	last, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64)
	events := a.stream.join(last)
	if events == nil {
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "too many listeners on the stream")
		return
	}
	defer a.stream.part(events)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	_, _ = io.WriteString(w, "retry: 2000\n\n") // what fails shows in the flush
	for {
		_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			_, _ = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.id, e.kind, e.data)
		}
	}
}
