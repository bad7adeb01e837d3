package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// reader reads server-sent events as a client does.
type reader struct {
	t      *testing.T
	answer *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func listen(t *testing.T, r *rig, last string) *reader {
	t.Helper()
	server := httptest.NewServer(r.Handler(false))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	q, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		q.Header.Set("Last-Event-ID", last)
	}
	answer, err := server.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d of type %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	f := &reader{t, answer, bufio.NewScanner(answer.Body), cancel}
	f.lines.Buffer(nil, 1<<20)
	if !f.lines.Scan() || f.lines.Text() != "retry: 2000" {
		t.Fatalf("it begins with %q", f.lines.Text())
	}
	f.lines.Scan()
	return f
}

// next returns the next event, "" for each when the stream ended.
func (f *reader) next() (id uint64, kind, data string) {
	f.t.Helper()
	for f.lines.Scan() && f.lines.Text() != "" {
		name, value, _ := strings.Cut(f.lines.Text(), ": ")
		switch name {
		case "id":
			id, _ = strconv.ParseUint(value, 10, 64)
		case "event":
			kind = value
		case "data":
			data = value
		default:
			f.t.Errorf("a line %q", f.lines.Text())
		}
	}
	return id, kind, data
}

func (f *reader) wants(first, last uint64) {
	f.t.Helper()
	for want := first; want <= last; want++ {
		if id, kind, data := f.next(); id != want || kind != "decision" || data != strconv.FormatUint(want, 10) {
			f.t.Fatalf("event %d, %q with %q; want %d", id, kind, data, want)
		}
	}
}

// say publishes events that hold their own number.
func (s *stream) say(n int) {
	for range n {
		s.publish("decision", s.next)
	}
}

func TestStreamTellsEventsInOrder(t *testing.T) {
	r := newRig()
	r.stream = newStream(100)
	r.stream.say(3) // nobody who comes without a number hears of these
	f := listen(t, r, "")
	r.stream.say(5)
	f.wants(103, 107)
}

func TestStreamResumesBehindTheLastEvent(t *testing.T) {
	for _, tt := range []struct {
		name, last  string
		before      int
		first, upTo uint64
	}{
		{"behind the one that was seen", "104", 10, 105, 111},
		{"at the next one when all were seen", "109", 10, 110, 111},
		{"at the oldest kept when it was away for long", "105", 300, 100 + 300 - streamKept, 401},
		{"at all of this run for a number of an earlier run", "7", 10, 100, 111},
		{"at the next one for a number that is none", "x", 10, 110, 111},
		{"at the next one for a negative number", "-1", 10, 110, 111},
		{"at the next one for a number of the future", "999", 10, 110, 111},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig()
			r.stream = newStream(100)
			r.stream.say(tt.before)
			f := listen(t, r, tt.last)
			r.stream.say(2)
			f.wants(tt.first, tt.upTo)
		})
	}
}

func TestStreamNumbersGrowOverARestart(t *testing.T) {
	before := newRig().stream.next
	if now := uint64(time.Now().UnixMilli()); before > now || before < now-60_000 {
		t.Errorf("the first number is %d; it is %d ms now", before, now)
	}
}

func TestStreamKeepsSoManyBytes(t *testing.T) {
	s := newStream(1)
	for range 20 {
		s.publish("state", strings.Repeat("x", 1<<20))
	}
	if len(s.kept) == 0 || len(s.kept) > 8 || s.bytes > streamBytes || s.kept[len(s.kept)-1].id != 20 {
		t.Errorf("%d events of %d bytes are kept", len(s.kept), s.bytes)
	}
	total := 0
	for _, e := range s.kept {
		total += len(e.data)
	}
	if total != s.bytes {
		t.Errorf("%d bytes are counted and %d are kept", s.bytes, total)
	}
}

func TestStreamSendsAwayWhoFallsBehind(t *testing.T) {
	s := newStream(1)
	slow, err := s.join(0)
	if err != nil {
		t.Fatal(err)
	}
	s.say(streamKept + streamBehind + 1)
	n := 0
	for range slow {
		n++
	}
	if n != streamKept+streamBehind || s.heard() {
		t.Errorf("it had %d events before it was cut off; a listener is left: %t", n, s.heard())
	}
	s.part(slow) // what its handler then does
}

func TestStreamHasSoManyListeners(t *testing.T) {
	r := newRig()
	var all []chan event
	for range streamListeners {
		l, err := r.stream.join(0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	w := r.ask("GET", "/api/v1/stream", "")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(problemOf(t, w).Detail, "64 listeners") {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	r.stream.part(all[0])
	if _, err := r.stream.join(0); err != nil {
		t.Errorf("one has left, and: %v", err)
	}
}

func TestStreamForgetsAListenerThatLeft(t *testing.T) {
	r := newRig()
	f := listen(t, r, "")
	if !r.stream.heard() {
		t.Fatal("nobody listens")
	}
	f.cancel()
	for deadline := time.Now().Add(5 * time.Second); r.stream.heard(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("5 s after it left it still counts")
		}
	}
}

func TestStreamEndsWithTheProcess(t *testing.T) {
	r := newRig()
	f := listen(t, r, "")
	r.stream.say(1)
	r.stream.close()
	if _, kind, _ := f.next(); kind != "decision" {
		t.Error("what was said before the end did not come")
	}
	if _, kind, _ := f.next(); kind != "" || f.lines.Err() != nil {
		t.Errorf("after the end came %q, %v", kind, f.lines.Err())
	}
	if w := r.ask("GET", "/api/v1/stream", ""); w.Code != 503 || !strings.Contains(problemOf(t, w).Detail, "stopping") {
		t.Errorf("a listener that comes too late: status %d, %s", w.Code, w.Body)
	}
}

func TestRunTellsTheStateOnceASecondWhileSomebodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		time.Sleep(10*time.Second + time.Millisecond)
		if len(r.stream.kept) != 0 {
			t.Errorf("%d states were made for nobody", len(r.stream.kept))
		}
		l, err := r.stream.join(0)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if len(l) != 3 {
			t.Errorf("%d states in 3 s", len(l))
		}
		e := <-l
		var v Status
		if err := json.Unmarshal(e.data, &v); err != nil || len(v.Clusters) != 2 || e.kind != "state" {
			t.Errorf("event %s with %s, %v", e.kind, e.data, err)
		}
		cancel()
		<-done
		for range l { // ends, because Run has closed it
		}
	})
}
