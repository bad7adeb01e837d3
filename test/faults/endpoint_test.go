//go:build faults

package faults

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"poise/test/fleet"
)

// oddEndpoint listens in this process and hands every connection, with the
// head of the request that came on it, to f. The body is unread.
func oddEndpoint(t *testing.T, f func(c *net.TCPConn, q *http.Request)) string {
	t.Helper()
	return rawEndpoint(t, func(c *net.TCPConn) {
		if q, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			f(c, q)
		}
	})
}

// rawEndpoint hands every connection to f, which need not read anything.
func rawEndpoint(t *testing.T, f func(c *net.TCPConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, ln, f)
	return ln.Addr().String()
}

// serve hands every connection of a listener to f, and ends them all with the
// test.
func serve(t *testing.T, ln net.Listener, f func(c *net.TCPConn)) {
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				f(c.(*net.TCPConn))
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}

// dial connects to the balancer, with an end for everything said on it.
func (r *rig) dial() *fleet.Client {
	r.t.Helper()
	c, err := fleet.Dial(r.Front)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// each runs f for n clients at once and waits for all.
func (r *rig) each(n int, f func(i int, c *fleet.Client)) *sync.WaitGroup {
	r.t.Helper()
	var all sync.WaitGroup
	for i := range n {
		c := r.dial()
		all.Go(func() {
			defer c.Close()
			f(i, c)
		})
	}
	return &all
}

// drip sends a text a byte at a time and stops at the first failure, or when
// stop is closed.
func drip(c io.Writer, text string, every time.Duration, stop <-chan struct{}) error {
	for i := range len(text) {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		case <-time.After(every):
		}
	}
	return nil
}

// expect checks how a request was refused: status and word.
func expect(t *testing.T, r *http.Response, err error, status int, word string) {
	t.Helper()
	if err != nil {
		t.Errorf("no answer: %v; want %d %s", err, status, word)
		return
	}
	if r.StatusCode != status || r.Header.Get("Poise-Error") != word {
		t.Errorf("got %d %q; want %d %q", r.StatusCode, r.Header.Get("Poise-Error"), status, word)
	}
}

// startHTTP is an endpoint that keeps its connections and has f answer.
func startHTTP(t *testing.T, f func(w *bufio.Writer, q *http.Request)) string {
	t.Helper()
	return rawEndpoint(t, func(c *net.TCPConn) {
		r, w := bufio.NewReader(c), bufio.NewWriter(c)
		for {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			f(w, q)
			if w.Flush() != nil {
				return
			}
		}
	})
}
