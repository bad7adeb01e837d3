package load

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"testing"
	"time"
)

// fail is what the stub does to the n-th request, in turns of ten.
func fail(n int, c net.Conn) bool {
	switch n % 10 {
	case 4:
		return say(c, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
	case 5: // reset before the answer
		_ = c.(*net.TCPConn).SetLinger(0)
		return false
	case 6: // closed without a word
		return false
	case 7:
		say(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!")
		return false
	case 8:
		say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf!\r\n")
		return false
	case 9:
		say(c, "HTTP/9 what\r\n\r\n")
		return false
	case 0: // silence, until the client is gone
		_, _ = io.Copy(io.Discard, c)
		return false
	}
	return say(c, ok)
}

func TestEveryFailureIsCountedAsWhatItIs(t *testing.T) {
	t.Parallel()
	s := &stub{answer: fail}
	r, err := Run(context.Background(), Options{URL: s.listen(t), Rate: 400, For: 500 * time.Millisecond, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"5xx": 20, "reset": 40, "cut": 40, "malformed": 20, "timeout": 20, "connect": 0}
	if !maps.Equal(r.Faults, want) {
		t.Errorf("faults: %v; want %v", r.Faults, want)
	}
	if r.Requests != 200 || r.Failures != 140 || r.Statuses["200"] != 100 || r.Statuses["503"] != 20 || r.Workers["s"] != 60 {
		t.Errorf("%d requests, %d failed, statuses %v, workers %v; want 200, 140, 200: 100 (40 of them cut), 503: 20, s: 60", r.Requests, r.Failures, r.Statuses, r.Workers)
	}
}

func TestNobodyListeningIsConnect(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + ln.Addr().String()
	ln.Close()
	r, err := Run(context.Background(), Options{URL: url, Rate: 200, For: 250 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 50 || r.Faults["connect"] != 50 || r.Failures != 50 {
		t.Errorf("%d requests, faults %v; want 50, all connect", r.Requests, r.Faults)
	}
}

func TestAConnectionThatWasClosedForIdlenessIsNoFailure(t *testing.T) {
	t.Parallel()
	s := &stub{answer: func(_ int, c net.Conn) bool { say(c, ok); time.Sleep(100 * time.Millisecond); return false }}
	r, err := Run(context.Background(), Options{URL: s.listen(t), Rate: 0.8, For: 2600 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 3 || r.Failures != 0 {
		t.Errorf("%d requests, faults %v; want 3, none", r.Requests, r.Faults)
	}
}

// arrivals are counted where they arrive.
type arrivals struct {
	mu          sync.Mutex
	n           int
	first, last time.Time
}

func (a *arrivals) see() {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n == 0 {
		a.first = now
	}
	a.n++
	a.last = now
}

func (a *arrivals) counted() (n int, rate float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n, float64(a.n-1) / a.last.Sub(a.first).Seconds()
}

func TestTheRateIsHeldWithinOnePercent(t *testing.T) {
	// Other work on the machine can only disturb a round; a generator that
	// keeps a wrong rate keeps it in every one. Where requests are late the
	// machine is too busy for the rate, and the next round asks for half.
	const rounds = 6
	for _, rate := range []float64{100, 1000, 5000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			var seen []string
			for range rounds {
				a := &arrivals{}
				s := &stub{answer: func(_ int, c net.Conn) bool { a.see(); return say(c, ok) }}
				r, err := Run(context.Background(), Options{URL: s.listen(t), Rate: rate, For: 2 * time.Second, Connections: 500})
				if err != nil {
					t.Fatal(err)
				}
				n, got := a.counted()
				if r.Requests != int64(2*rate) || int64(n) != r.Requests || r.Failures > 0 {
					t.Fatalf("%d sent, %d arrived, faults %v; want %v of both and no failure", r.Requests, n, r.Faults, 2*rate)
				}
				seen = append(seen, fmt.Sprintf("%.2f/s of %v with %d late", got, rate, r.Late))
				if got > rate*0.99 && got < rate*1.01 {
					t.Log(seen)
					return
				}
				if r.Late*10 > r.Requests && rate > 1000 {
					rate /= 2
				}
			}
			t.Errorf("in %d rounds: %q; want one within 1 %% of its rate", rounds, seen)
		})
	}
}
