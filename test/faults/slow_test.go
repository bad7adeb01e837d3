//go:build faults

package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"poise/test/fleet"
)

// slow is how many clients do it at once.
const slow = 200

// late bounds how long after its time a wait may end: two sweeps, and a busy
// machine.
const late = 1500 * time.Millisecond

// inTime checks that something that is bounded by patience took about that.
func inTime(t *testing.T, began time.Time) {
	t.Helper()
	if took := time.Since(began); took < patience-300*time.Millisecond || took > patience+late {
		t.Errorf("it took %v; want %v and at most %v more", took.Round(time.Millisecond), patience, late)
	}
}

func TestHeadsByteByByte(t *testing.T) {
	r := (&plan{}).start(t)
	r.endure(usual, func(during func() fleet.Usage) {
		all := r.each(slow, func(_ int, c *fleet.Client) {
			began, stop, stopped := time.Now(), make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				_ = drip(c, "GET /work HTTP/1.1\r\nHost: x\r\nX-Slow: "+strings.Repeat("x", 1000), 100*time.Millisecond, stop)
			}()
			a, _, err := c.Answer()
			expect(t, a, err, 408, "slow-head")
			inTime(t, began)
			close(stop)
			<-stopped
		})
		time.Sleep(patience / 2)
		if u := during(); u.Goroutines < r.before.Goroutines+slow {
			t.Errorf("only %d goroutines: the clients are not on it", u.Goroutines)
		}
		all.Wait()
	})
}

// A body may come as slowly as it likes while it comes; what counts is the
// longest wait for more of it. The endpoint is not blamed for the client.
func TestBodiesByteByByteThatStop(t *testing.T) {
	r := (&plan{}).start(t)
	r.endure(usual, func(during func() fleet.Usage) {
		all := r.each(slow, func(i int, c *fleet.Client) {
			head := "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
			if i%2 == 1 {
				head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n"
			}
			_, _ = io.WriteString(c, head)
			if err := drip(c, strings.Repeat("x", 25), 100*time.Millisecond, nil); err != nil {
				t.Errorf("a body that comes was stopped: %v", err)
				return
			}
			began := time.Now()
			a, _, err := c.Answer()
			expect(t, a, err, 408, "slow-body")
			inTime(t, began)
		})
		time.Sleep(2500 * time.Millisecond)
		during()
		all.Wait()
	})
	if n := r.Log.Count(0, "request failed"); n > 0 {
		t.Errorf("the log blames somebody else for slow clients %d times", n)
	}
}

// Slow bodies that do come to their end are served.
func TestBodiesByteByByteThatEnd(t *testing.T) {
	r := (&plan{}).start(t)
	r.endure(usual, func(during func() fleet.Usage) {
		all := r.each(50, func(_ int, c *fleet.Client) {
			_, _ = io.WriteString(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n")
			if err := drip(c, strings.Repeat("x", 30), 150*time.Millisecond, nil); err != nil {
				t.Error(err)
				return
			}
			a, body, err := c.Answer()
			if err != nil || a.StatusCode != 200 || !strings.Contains(body, `"body_bytes":30`) {
				t.Errorf("%v, %q", err, body)
			}
		})
		time.Sleep(patience)
		during()
		all.Wait()
	})
}

// Clients that ask for much and read nothing are cut off, and meanwhile cost
// little: what they do not take is not read from the endpoint either.
func TestClientsThatReadNothing(t *testing.T) {
	const clients, answer = 50, 2 << 20
	most := int64(clients * 256 << 10)
	r := (&plan{worker: []string{"--body", fmt.Sprint(answer)}}).start(t)
	s := usual
	s.rss = 24 << 20
	r.endure(s, func(during func() fleet.Usage) {
		began := time.Now()
		all := r.each(clients, func(_ int, c *fleet.Client) {
			_ = c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			_, _ = io.WriteString(c, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(patience + late)
			a, err := http.ReadResponse(c.R, nil)
			if err != nil {
				return // a reset: as good
			}
			if a.StatusCode != 200 {
				t.Errorf("the endpoint was too slow for this test: %s", a.Status)
			}
			n, err := io.Copy(io.Discard, a.Body)
			a.Body.Close()
			if err == nil {
				t.Errorf("an answer of which nothing was taken for %v looks whole: %d bytes", time.Since(began), n)
			}
		})
		time.Sleep(patience / 2)
		if u := during(); u.RSS > r.before.RSS+most {
			t.Errorf("clients that read nothing cost %d KiB; want at most %d KiB for %d of them", (u.RSS-r.before.RSS)>>10, most>>10, clients)
		}
		all.Wait()
	})
}

func TestEndpointsThatDripTheirHeads(t *testing.T) {
	odd := oddEndpoint(t, func(c *net.TCPConn, _ *http.Request) {
		_ = drip(c, "HTTP/1.1 200 OK\r\nX-Slow: "+strings.Repeat("x", 1000), 100*time.Millisecond, nil)
	})
	r := (&plan{odd: odd}).start(t)
	r.endure(usual, func(during func() fleet.Usage) {
		all := r.each(slow, func(_ int, c *fleet.Client) {
			began := time.Now()
			a, _, err := c.Ask("GET /odd HTTP/1.1\r\nHost: x\r\n\r\n")
			expect(t, a, err, 504, "endpoint-timeout")
			inTime(t, began)
		})
		time.Sleep(patience / 2)
		during()
		all.Wait()
	})
}

// What drips is passed on as it comes, unless it is so short that it is passed
// on whole or not at all; where it stops, the answer is cut.
func TestEndpointsThatDripTheirBodies(t *testing.T) {
	stop := make(chan struct{})
	odd := oddEndpoint(t, func(c *net.TCPConn, _ *http.Request) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
		_ = drip(c, strings.Repeat("x", 25), 100*time.Millisecond, nil)
		<-stop
	})
	defer close(stop)
	r := (&plan{odd: odd}).start(t)
	r.endure(usual, func(during func() fleet.Usage) {
		all := r.each(slow, func(_ int, c *fleet.Client) {
			_, _ = io.WriteString(c, "GET /odd HTTP/1.1\r\nHost: x\r\n\r\n")
			a, err := http.ReadResponse(c.R, nil)
			if err != nil {
				t.Error(err)
				return
			}
			began := time.Now()
			n, err := io.Copy(io.Discard, a.Body)
			a.Body.Close()
			if n != 25 || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %d bytes, %v; want the 25 that came, and to see that more is missing", n, err)
			}
			if took := time.Since(began); took < 2*patience || took > 2500*time.Millisecond+patience+late {
				t.Errorf("it took %v; want the 2.5 s that it came, and %v", took, patience)
			}
		})
		time.Sleep(patience)
		during()
		all.Wait()
	})
}

// Clients that take an answer a little at a time get all of it, and their
// slowness is not held against the endpoint.
func TestClientsThatReadSlowly(t *testing.T) {
	const clients, answer = 20, 4 << 20
	r := (&plan{worker: []string{"--body", fmt.Sprint(answer)}}).start(t)
	s := usual
	s.rss = 24 << 20
	r.endure(s, func(during func() fleet.Usage) {
		all := r.each(clients, func(_ int, c *fleet.Client) {
			_ = c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
			_, _ = io.WriteString(c, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
			a, err := http.ReadResponse(c.R, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Body.Close()
			n, err := int64(0), error(nil)
			for err == nil {
				var m int64
				m, err = io.CopyN(io.Discard, a.Body, 256<<10)
				n += m
				time.Sleep(200 * time.Millisecond)
			}
			if n != answer || !errors.Is(err, io.EOF) {
				t.Errorf("got %d of %d bytes: %v", n, answer, err)
			}
		})
		time.Sleep(patience / 2)
		during()
		all.Wait()
	})
}
