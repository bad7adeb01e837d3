package listener

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkRequest has one request answered at a time, on a connection whose
// goroutine waits for it and on one that is parked; in both the client has
// said nothing for a while. us/answer is what the client waits, cpu-us/answer
// what both sides and the parking use.
func BenchmarkRequest(b *testing.B) {
	for name, park := range map[string]bool{"waiting": false, "parked": true} {
		b.Run(name, func(b *testing.B) { benchmarkRequest(b, park) })
	}
}

func benchmarkRequest(b *testing.B, park bool) {
	l, err := Listen(Options{Address: "127.0.0.1:0"}, ready(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	l.parking.after = time.Hour
	go l.Run()
	defer l.Shutdown(b.Context())
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	r := bufio.NewReader(nc)
	var c *conn
	for c == nil {
		l.each(func(x *conn) { c = x })
	}
	var waited time.Duration
	used := cpu()
	for b.Loop() {
		for !c.reading.idle() {
			runtime.Gosched()
		}
		if park && c.reading.ask(1<<40, 0) {
			_ = c.nc.SetReadDeadline(past)
			for c.reading.phase() != parked {
				runtime.Gosched()
			}
		}
		time.Sleep(100 * time.Microsecond)
		began := time.Now()
		if _, err := io.WriteString(nc, request); err != nil {
			b.Fatal(err)
		}
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		waited += time.Since(began)
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	b.ReportMetric(float64((cpu()-used).Nanoseconds())/1e3/float64(b.N), "cpu-us/answer")
	b.ReportMetric(float64(waited.Nanoseconds())/1e3/float64(b.N), "us/answer")
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// accepted returns a connection over loopback, and ends it with b.
func accepted(b *testing.B) *net.TCPConn {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	dialed, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { dialed.Close(); nc.Close() })
	return nc.(*net.TCPConn)
}

// BenchmarkTimeouts is what it costs to bound the phases of a request (its
// head, its answer, the wait for the next): a word that a sweep looks at, and
// a timer each.
func BenchmarkTimeouts(b *testing.B) {
	b.Run("word", func(b *testing.B) {
		var c phaseClock
		for b.Loop() {
			for _, p := range [...]phase{serving, writing, waiting} {
				c.enter(p, 12345)
			}
		}
	})
	b.Run("timer", func(b *testing.B) {
		nc := accepted(b)
		for b.Loop() {
			now := time.Now()
			_ = nc.SetReadDeadline(time.Time{})
			_ = nc.SetWriteDeadline(now.Add(time.Minute))
			_ = nc.SetReadDeadline(now.Add(time.Minute))
		}
	})
}

// BenchmarkInherited is what a new connection is spared by what it inherits.
func BenchmarkInherited(b *testing.B) {
	raw, err := accepted(b).SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := inherited("", "", raw); err != nil {
			b.Fatal(err)
		}
	}
}
