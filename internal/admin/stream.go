package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The stream keeps so many events, of so many bytes, for those that come back,
// serves so many listeners, and lets each be so far behind before it is sent
// away.
const (
	streamKept      = 120
	streamBytes     = 8 << 20
	streamListeners = 64
	streamBehind    = 16
)

// streamTime is how long one event may take to be written.
const streamTime = 10 * time.Second

var (
	errStreamFull = fmt.Errorf("the stream has %d listeners already, which is the most", streamListeners)
	errStreamOver = errors.New("poise is stopping")
)

// stream is the events of /api/v1/stream (server-sent events).
type stream struct {
	mu        sync.Mutex
	next      uint64
	kept      []event
	bytes     int // of kept
	listeners map[chan event]struct{}
	closed    bool
}

type event struct {
	id   uint64
	kind string
	data []byte
}

func newStream(first uint64) *stream {
	return &stream{next: first, listeners: map[chan event]struct{}{}}
}

// heard reports whether anybody listens: without, states are not worth making.
func (s *stream) heard() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.listeners) > 0
}

// publish sends an event to every listener.
func (s *stream) publish(kind string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		return // our own types always can be
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := event{id: s.next, kind: kind, data: data}
	s.next++
	s.keep(e)
	for l := range s.listeners {
		select {
		case l <- e:
		default: // too slow: it reconnects and resumes
			delete(s.listeners, l)
			close(l)
		}
	}
}

func (s *stream) keep(e event) {
	s.kept = append(s.kept, e)
	s.bytes += len(e.data)
	for len(s.kept) > streamKept || s.bytes > streamBytes {
		s.bytes -= len(s.kept[0].data)
		s.kept[0] = event{} // the array behind the slice lives on
		s.kept = s.kept[1:]
	}
}

// join returns a channel of events, beginning behind the one called last; 0
// means with the next. It is closed when the listener falls behind or the
// stream ends.
func (s *stream) join(last uint64) (chan event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errStreamOver
	case len(s.listeners) >= streamListeners:
		return nil, errStreamFull
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
	return l, nil
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
	last, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64) // of another's making: begin with the next
	events, err := a.stream.join(last)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	defer a.stream.part(events)
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	text := "retry: 2000\n\n"
	for {
		_ = control.SetWriteDeadline(time.Now().Add(streamTime))
		if _, err := fmt.Fprint(w, text); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			text = fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.id, e.kind, e.data)
		}
	}
}
