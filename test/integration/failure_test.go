//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// answering is an endpoint that reads one request head and says what it is
// told to.
func answering(t *testing.T, answer string) string {
	return rawEndpoint(t, func(c net.Conn) {
		q, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		_, _ = io.WriteString(c, answer)
	})
}

func TestBrokenAnswersAreNeverMadeToLookWhole(t *testing.T) {
	cut := map[string]string{
		"short body":        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
		"cut chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this",
		"no last chunk":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nthis\r\n",
		"wrong chunk size":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nthis\r\nzz\r\n",
		"chunk without end": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nthisX\n0\r\n\r\n",
	}
	for _, f := range fronts {
		for name, answer := range cut {
			t.Run(f.name+"/"+name, func(t *testing.T) {
				s := newRig().start(t, f, []string{answering(t, answer)})
				r, err := s.client.Get(s.url)
				if err != nil {
					return // as good: nothing was passed on
				}
				defer r.Body.Close()
				if r.StatusCode == 502 && r.Header.Get("Poise-Error") == "answer-cut" {
					return // it is short, so that it broke off before any of it was passed on
				}
				if b, err := io.ReadAll(r.Body); err == nil {
					t.Errorf("the client got %d %q as if it were whole", r.StatusCode, b)
				}
			})
		}
	}
}

func TestBadHeadsAre502(t *testing.T) {
	bad := map[string]string{
		"no HTTP":               "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"two framings":          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
		"folded field":          "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
		"space before colon":    "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
		"101 without a request": "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	}
	for _, f := range fronts {
		for name, answer := range bad {
			t.Run(f.name+"/"+name, func(t *testing.T) {
				s := newRig().start(t, f, []string{answering(t, answer)})
				expect(t, s, 502, "bad-answer")
			})
		}
	}
}

// expect makes a POST, which nothing repeats, and checks how it is refused.
func expect(t *testing.T, s *side, status int, word string) {
	t.Helper()
	r, err := s.client.Post(s.url, "text/plain", bytes.NewReader([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	if r.StatusCode != status || r.Header.Get("Poise-Error") != word {
		t.Errorf("got %d %q %q; want %d %q", r.StatusCode, r.Header.Get("Poise-Error"), body, status, word)
	}
	if bytes.Count(body, []byte("\n")) != 1 || len(body) < 10 {
		t.Errorf("body %q; want one line that says why", body)
	}
}

func TestUnreachableEndpointIs502(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			expect(t, newRig().start(t, f, []string{address}), 502, "endpoint-unreachable")
		})
	}
}

func TestSilentEndpointIs504(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			address := rawEndpoint(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
			r := newRig()
			r.upstream.Timeouts.Head = 200 * time.Millisecond
			expect(t, r.start(t, f, []string{address}), 504, "endpoint-timeout")
		})
	}
}

func TestRequestThatWasReadIsNotSentAgain(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			var seen atomic.Int32
			reads := func(c net.Conn) {
				q, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, q.Body)
				seen.Add(1)
				_ = c.(*net.TCPConn).SetLinger(0)
			}
			s := newRig().start(t, f, []string{rawEndpoint(t, reads), rawEndpoint(t, reads)})
			expect(t, s, 502, "endpoint-reset")
			if n := seen.Load(); n != 1 {
				t.Errorf("a POST was recorded %d times; want once", n)
			}
		})
	}
}

func TestIdempotentRequestIsTriedElsewhere(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			resets := rawEndpoint(t, func(c net.Conn) {
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_ = c.(*net.TCPConn).SetLinger(0)
			})
			unwell := startEndpoint(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
			well := startEndpoint(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well") }))
			for name, bad := range map[string]string{"reset": resets, "503": unwell} {
				s := newRig().start(t, f, []string{bad, well})
				for range 20 {
					if status, body := s.get(t, "/"); status != 200 || body != "well" {
						t.Fatalf("%s: got %d %q; want the other endpoint's answer", name, status, body)
					}
				}
			}
		})
	}
}

func TestRetriesStopAtTheBudget(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			var attempts atomic.Int32
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { attempts.Add(1); w.WriteHeader(503) })
			s := newRig().start(t, f, []string{startEndpoint(t, h), startEndpoint(t, h)})
			const requests = 1000
			for range requests {
				if status, _ := s.get(t, "/"); status != 503 {
					t.Fatalf("got %d; want the endpoint's own 503", status)
				}
			}
			extra := int(attempts.Load()) - requests
			if extra < 100 || extra > 100+requests*3/10 {
				t.Errorf("%d retries for %d requests; want the reserve of 100, a fifth, and a little for the time it took", extra, requests)
			}
		})
	}
}

func TestStaleConnectionsAreNotUsed(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			// An endpoint that closes after each answer without saying so, and
			// one that sends bytes nobody asked for.
			closes := rawEndpoint(t, func(c net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			})
			talks := rawEndpoint(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				for {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					time.Sleep(5 * time.Millisecond)
					_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\n\r\nstale")
				}
			})
			for name, address := range map[string]string{"closes": closes, "talks": talks} {
				s := newRig().start(t, f, []string{address})
				for range 5 {
					r, err := s.client.Post(s.url, "text/plain", bytes.NewReader([]byte("x")))
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					b, _ := io.ReadAll(r.Body)
					r.Body.Close()
					if r.StatusCode != 200 || string(b) != "ok" {
						t.Fatalf("%s: got %d %q", name, r.StatusCode, b)
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
}
