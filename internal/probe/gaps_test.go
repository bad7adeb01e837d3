package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// saying is an endpoint that answers a request with a text.
func saying(t *testing.T, text string) string {
	return listen(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, text)
		}
	})
}

func TestHTTPCheckReadsTheFinalAnswerOnly(t *testing.T) {
	ok := Statuses{{200, 299}}
	for _, test := range []struct{ name, answer, want string }{
		{"early hints come first", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
		{"hints and then a failure", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "status 500"},
		{"hints and no more", "HTTP/1.1 100 Continue\r\n\r\n", "closed the connection without an answer"},
		{"a switch that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101"},
		{"a body that never ends is not read", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", ""},
		{"no HTTP", "SSH-2.0-x\r\n\r\n", "malformed HTTP"},
		{"a head beyond the bound", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", mostAnswer) + "\r\n\r\n", "closed the connection"},
	} {
		err := HTTP("/", ok)(within(t), saying(t, test.answer))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", test.name, err, test.want)
		}
	}
}

func TestCloseEndsACheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r told
		p := New(Options{Interval: time.Second, Timeout: time.Hour, Thresholds: Thresholds{1, 1, 1}, Reporter: &r,
			Check: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }})
		p.Set([]string{"a", "b"})
		synctest.Wait()
		began := time.Now()
		p.Set([]string{"b"}) // ends the check of a
		p.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close took %v; the check would have taken an hour", took)
		}
		if got := r.list(); len(got) != 0 {
			t.Errorf("told %q of checks that were ended", got)
		}
		p.Set([]string{"c"}) // too late: nothing starts any more
		if n := len(p.Counts()); n != 1 {
			t.Errorf("%d targets", n)
		}
	})
}

func TestDecidedWaitsForEveryFirstVerdictOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r told
		p := New(Options{Interval: time.Second, Timeout: time.Minute, Thresholds: Thresholds{1, 1, 3}, Reporter: &r,
			Check: func(ctx context.Context, address string) error {
				if address == "slow" {
					time.Sleep(10 * time.Second)
				}
				return nil
			}})
		defer p.Close()
		p.Set([]string{"fast", "slow"})
		began := time.Now()
		short, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		p.Decided(short)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("given up after %v; want 5s", took)
		}
		p.Decided(context.Background())
		if took := time.Since(began); took != 32*time.Second {
			t.Errorf("decided after %v; want three checks of 10 s with a second in between", took)
		}
	})
}
