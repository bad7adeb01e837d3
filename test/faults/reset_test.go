//go:build faults

package faults

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"poise/test/fleet"
)

// rounds is how often every stage is gone through.
const rounds = 60

func TestClientsThatResetAtEveryStage(t *testing.T) {
	odd := rawEndpoint(t, echoTunnel)
	stages := []struct {
		name, says string
		takes      int64 // bytes of the answer, before the reset
	}{
		{"before the head", "", 0},
		{"in the head", "GET /work HTTP/1.1\r\nHos", 0},
		{"before the answer", "GET /work HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{"in a body of known length", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nxxx", 0},
		{"in a chunk", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nxxx", 0},
		{"in the answer", "GET /work HTTP/1.1\r\nHost: x\r\n\r\n", 100},
		{"in a tunnel", "GET /odd HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello", 50},
	}
	for _, stage := range stages {
		t.Run(stage.name, func(t *testing.T) {
			r := (&plan{odd: odd, worker: []string{"--body", "4000000"}}).start(t)
			r.endure(usual, func(during func() fleet.Usage) {
				all := r.each(rounds, func(_ int, c *fleet.Client) {
					_, _ = io.WriteString(c, stage.says)
					time.Sleep(5 * time.Millisecond)
					if _, err := io.CopyN(io.Discard, c, stage.takes); err != nil {
						t.Errorf("before the reset: %v", err)
					}
					c.Reset()
				})
				all.Wait()
				during()
			})
		})
	}
}

// echoTunnel grants an upgrade and sends back what comes.
func echoTunnel(c *net.TCPConn) {
	head := make([]byte, 4096)
	if _, err := c.Read(head); err != nil {
		return
	}
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
	_, _ = io.Copy(c, c)
}

func TestEndpointsThatResetAtEveryStage(t *testing.T) {
	request := "GET /odd HTTP/1.1\r\nHost: x\r\n\r\n"
	upload := "POST /odd HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000)
	tunnel := "GET /odd HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
	for _, stage := range []struct {
		name, asks, says string
		reads            bool
		status           int // 0: whatever comes must be seen to be cut
	}{
		{"before the head", request, "", true, 502},
		{"before it read anything", request, "", false, 502},
		{"in the head", request, "HTTP/1.1 200 OK\r\nConten", true, 502},
		{"in an upload", upload, "", true, 502},
		{"in an answer that Poise waits for whole", request, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxxx", true, 502},
		{"in an answer larger than that", request, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nxxx", true, 0},
		{"in a chunk", request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nxxx", true, 0},
		{"in a tunnel", tunnel, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nxxx", true, 101},
	} {
		t.Run(stage.name, func(t *testing.T) {
			odd := rawEndpoint(t, func(c *net.TCPConn) {
				if stage.reads {
					_, _ = c.Read(make([]byte, 4096))
				}
				_, _ = io.WriteString(c, stage.says)
				time.Sleep(5 * time.Millisecond)
				_ = c.SetLinger(0)
			})
			r := (&plan{odd: odd}).start(t)
			r.endure(usual, func(during func() fleet.Usage) {
				all := r.each(rounds, func(_ int, c *fleet.Client) {
					began := time.Now()
					if stage.status == 101 {
						_, _ = io.WriteString(c, stage.asks)
						if a, err := http.ReadResponse(c.R, nil); err != nil || a.StatusCode != 101 {
							t.Errorf("no tunnel: %v", err)
						}
						_, _ = io.Copy(io.Discard, c.R)
					} else {
						a, _, err := c.Ask(stage.asks)
						switch {
						case stage.status == 0 && err == nil:
							t.Errorf("an answer that was cut looks whole: %d", a.StatusCode)
						case stage.status != 0 && (err != nil || a.StatusCode != stage.status):
							t.Errorf("got %v, %v; want %d", a, err, stage.status)
						}
					}
					if took := time.Since(began); took > patience {
						t.Errorf("the end took %v to come through", took)
					}
				})
				all.Wait()
				during()
			})
		})
	}
}
