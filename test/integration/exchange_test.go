//go:build integration

package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAnswerComesThroughUnchanged(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-OddCase"] = []string{"one", "two"}
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s", r.Method, r.URL)
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		r, err := s.client.Get(s.url + "/a/b?c=d")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		if r.StatusCode != http.StatusTeapot || string(b) != "GET /a/b?c=d" {
			t.Errorf("got %d %q", r.StatusCode, b)
		}
		if got := r.Header.Values("X-Oddcase"); len(got) != 2 || got[0] != "one" || got[1] != "two" {
			t.Errorf("X-OddCase = %q; want both values in order", got)
		}
	})
}

// echo answers with a digest of what it got.
func echo(w http.ResponseWriter, r *http.Request) {
	digest := sha256.New()
	n, err := io.Copy(digest, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintf(w, "%d %x %s", n, digest.Sum(nil), r.Trailer.Get("X-Checksum"))
}

func TestBodiesOfEverySizeArriveWhole(t *testing.T) {
	over(t, newRig, []http.Handler{http.HandlerFunc(echo)}, func(t *testing.T, s *side) {
		for _, size := range []int{0, 1, 100, 4000, 4096, 5000, 16 << 10, 65 << 10, 1 << 20, 10 << 20} {
			body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			want := fmt.Sprintf("%d %x ", size, sha256.Sum256(body))
			for kind, reader := range map[string]io.Reader{
				"known length": bytes.NewReader(body),
				"chunked":      struct{ io.Reader }{bytes.NewReader(body)},
			} {
				r, err := s.client.Post(s.url, "text/plain", reader)
				if err != nil {
					t.Fatalf("%s of %d bytes: %v", kind, size, err)
				}
				got, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || string(got) != want {
					t.Errorf("%s of %d bytes: %q, %v; want %q", kind, size, got, err, want)
				}
			}
		}
	})
}

func TestLargeAnswersArriveWhole(t *testing.T) {
	body := bytes.Repeat([]byte("the quick brown fox. "), 500_000)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		_, _ = w.Write(body)
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		for _, path := range []string{"/length", "/chunked"} {
			if _, got := s.get(t, path); got != string(body) {
				t.Errorf("%s: %d bytes came; want %d", path, len(got), len(body))
			}
		}
	})
}

func TestTrailersPassBothWays(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Trailer", "X-Answer")
		fmt.Fprint(w, "body")
		w.Header().Set("X-Answer", "got "+r.Trailer.Get("X-Question"))
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		q, _ := http.NewRequest("POST", s.url, struct{ io.Reader }{strings.NewReader("question")})
		q.Trailer = http.Header{"X-Question": {"why"}}
		q.Header.Set("TE", "trailers")
		r, err := s.client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Fatal(err)
		}
		if got := r.Trailer.Get("X-Answer"); got != "got why" {
			t.Errorf("trailer X-Answer = %q; want %q", got, "got why")
		}
	})
}

func TestAnswersWithoutABody(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("Content-Length", "1000")
			if r.Method != "HEAD" {
				_, _ = w.Write(make([]byte, 1000))
			}
		}
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		for range 3 { // a wrong end of one would spoil the next on its connection
			r, err := s.client.Head(s.url + "/head")
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.ContentLength != 1000 {
				t.Errorf("HEAD: Content-Length %d; want 1000", r.ContentLength)
			}
			for path, status := range map[string]int{"/204": 204, "/304": 304, "/200": 200} {
				if got, _ := s.get(t, path); got != status {
					t.Errorf("GET %s = %d; want %d", path, got, status)
				}
			}
		}
	})
}

func TestInterimAnswersArePassedOn(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		var hints atomic.Int32
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
				if code == 103 && header.Get("Link") != "" {
					hints.Add(1)
				}
				return nil
			},
		})
		q, _ := http.NewRequestWithContext(ctx, "GET", s.url, nil)
		r, err := s.client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != 200 || hints.Load() != 1 {
			t.Errorf("status %d after %d hints; want 200 after 1", r.StatusCode, hints.Load())
		}
	})
}

func TestEarlyAnswerReachesTheClientDuringItsUpload(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			address := rawEndpoint(t, func(c net.Conn) {
				_, _ = io.ReadFull(c, make([]byte, 1024))
				_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbig\n")
				_ = c.(*net.TCPConn).CloseWrite()
				_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
				_, _ = io.Copy(io.Discard, io.LimitReader(c, 64<<10))
			})
			s := newRig().start(t, f, []string{address})
			began := time.Now()
			r, err := s.client.Post(s.url, "text/plain", bytes.NewReader(make([]byte, 10<<20)))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			body, _ := io.ReadAll(r.Body)
			if r.StatusCode != 413 || string(body) != "big\n" {
				t.Errorf("got %d %q; want the endpoint's 413", r.StatusCode, body)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %v; want within a second", took)
			}
		})
	}
}

func TestClientThatLeavesCancelsItsAttempt(t *testing.T) {
	began, left := make(chan struct{}, 2), make(chan struct{}, 2)
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		ctx, cancel := context.WithCancel(context.Background())
		q, _ := http.NewRequestWithContext(ctx, "GET", s.url, nil)
		failed := make(chan error, 1)
		go func() {
			r, err := s.client.Do(q)
			if err == nil {
				r.Body.Close()
			}
			failed <- err
		}()
		<-began
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Fatalf("client got %v", err)
		}
		select {
		case <-left:
		case <-time.After(3 * time.Second):
			t.Fatal("the endpoint still works for a client that left")
		}
	})
}

func TestEventsAreNotHeldBack(t *testing.T) {
	next := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			fmt.Fprint(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		r, err := s.client.Get(s.url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		event := make([]byte, len("data: x\n\n"))
		for i := range 3 {
			if _, err := io.ReadFull(r.Body, event); err != nil { // blocks for ever if it is held
				t.Fatalf("event %d: %v", i, err)
			}
			next <- struct{}{}
		}
	})
}

func TestBothDirectionsFlowAtOnce(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		b := make([]byte, 1)
		for {
			if _, err := r.Body.Read(b); err != nil {
				return
			}
			_, _ = w.Write(bytes.ToUpper(b))
			_ = control.Flush()
		}
	})
	over(t, newRig, []http.Handler{h}, func(t *testing.T, s *side) {
		reader, writer := io.Pipe()
		q, _ := http.NewRequest("POST", s.url, reader)
		go func() { _, _ = writer.Write([]byte("a")) }()
		r, err := s.client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		got := make([]byte, 1)
		for i, want := range []string{"A", "B", "C"} {
			if i > 0 {
				_, _ = writer.Write([]byte(strings.ToLower(want)))
			}
			if _, err := io.ReadFull(r.Body, got); err != nil || string(got) != want {
				t.Fatalf("got %q, %v; want %q while the upload still runs", got, err, want)
			}
		}
		_ = writer.Close()
		if rest, err := io.ReadAll(r.Body); err != nil || len(rest) > 0 {
			t.Errorf("after the end: %q, %v", rest, err)
		}
	})
}
