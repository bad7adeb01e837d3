package conformance

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"poise/test/conformance/strict"
)

// Endpoint records what is forwarded, judges it, and answers as the case says.
type Endpoint struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu     sync.Mutex
	now    *Case
	record *Record
	conns  map[*net.TCPConn]struct{}
}

// Record is what reached an endpoint during a case.
type Record struct {
	mu       sync.Mutex
	Requests []*strict.Message // whole ones
	Faults   []string          // why a message is illegal or ambiguous
	Broken   []string          // messages that never became whole
	Raw      strings.Builder   // all bytes, clipped

	Pipelined bool // a request came before the one in front of it was answered
	Reused    bool // a request came behind an answer that was the last on its connection
}

// NewEndpoint listens on loopback.
func NewEndpoint() (*Endpoint, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &Endpoint{listener: l, conns: map[*net.TCPConn]struct{}{}}
	e.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.serving.Go(func() { e.serve(c.(*net.TCPConn)) })
		}
	})
	return e, nil
}

// Address is where it listens.
func (e *Endpoint) Address() string { return e.listener.Addr().String() }

// Close ends it.
func (e *Endpoint) Close() {
	e.listener.Close()
	e.finish(0)
	e.serving.Wait()
}

// begin starts a case.
func (e *Endpoint) begin(c *Case) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now, e.record = c, &Record{}
}

// finish ends the case: what is on its way is still read, then every
// connection ends, so that no case leaves anything to the next.
func (e *Endpoint) finish(wait time.Duration) *Record {
	e.mu.Lock()
	r := e.record
	e.now = nil
	for c := range e.conns {
		_ = c.SetReadDeadline(time.Now().Add(wait))
	}
	e.mu.Unlock()
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		e.mu.Lock()
		n := len(e.conns)
		e.mu.Unlock()
		if n == 0 {
			break
		}
	}
	return r
}

func (e *Endpoint) serve(nc *net.TCPConn) {
	e.mu.Lock()
	c, r := e.now, e.record
	e.conns[nc] = struct{}{}
	e.mu.Unlock()
	defer func() {
		nc.Close()
		e.mu.Lock()
		delete(e.conns, nc)
		e.mu.Unlock()
	}()
	if c == nil {
		return
	}
	x := &exchange{c: c, r: r, nc: nc}
	x.run()
}

// exchange is a connection to the endpoint.
type exchange struct {
	c        *Case
	r        *Record
	nc       *net.TCPConn
	have     []byte
	answered bool // on the head of what comes now
	last     bool // an answer said that the connection ends with it
}

func (x *exchange) run() {
	buf := make([]byte, 64<<10)
	for {
		n, err := x.nc.Read(buf)
		x.r.note(buf[:n])
		x.have = append(x.have, buf[:n]...)
		if !x.messages() {
			return
		}
		if err != nil {
			if len(x.have) > 0 {
				x.r.broken(x.have)
			}
			return
		}
	}
}

// messages takes the requests off what is there. False means that the
// connection is over.
func (x *exchange) messages() bool {
	for len(x.have) > 0 {
		m, n, err := strict.Request(x.have)
		switch {
		case errors.Is(err, strict.ErrMore):
			if m != nil && x.c.OnHead && !x.answered {
				x.answered = true
				return x.answer(m)
			}
			return true
		case err != nil:
			x.r.fault(err.Error())
			_, _ = io.WriteString(x.nc, plain("seen with a fault", "Connection: close\r\n"))
			return false
		}
		x.have = x.have[n:]
		x.r.whole(m, len(x.have) > 0, x.last)
		if x.answered {
			x.answered = false
			continue
		}
		if !x.answer(m) {
			return false
		}
	}
	return true
}

func plain(body, fields string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(body), fields, body)
}

// answer reports whether the connection goes on.
func (x *exchange) answer(m *strict.Message) bool {
	if x.c.Answer == nil || strings.Contains(m.Target, "/follow") {
		body := "seen " + m.Method + " " + m.Target
		full := plain(body, "")
		if m.Method == "HEAD" {
			full = strings.TrimSuffix(full, body)
		}
		_, err := io.WriteString(x.nc, full)
		return err == nil
	}
	x.last = x.c.Closes
	for _, s := range x.c.Answer {
		time.Sleep(s.Pause)
		if _, err := io.WriteString(x.nc, s.Bytes); err != nil {
			return false
		}
		switch s.End {
		case HalfClose:
			return false
		case Reset:
			_ = x.nc.SetLinger(0)
			return false
		}
	}
	if x.c.Tunnel {
		_, _ = x.nc.Write(x.have)
		x.have = nil
		_, _ = io.Copy(x.nc, x.nc)
		return false
	}
	return true
}

const mostRaw = 4 << 10

func (r *Record) note(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Raw.Write(b[:min(len(b), max(0, mostRaw-r.Raw.Len()))])
}

func (r *Record) whole(m *strict.Message, more, late bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Pipelined, r.Reused = r.Pipelined || more, r.Reused || late
	r.Requests = append(r.Requests, m)
}

func (r *Record) fault(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Faults = append(r.Faults, text)
}

func (r *Record) broken(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Broken = append(r.Broken, string(b[:min(len(b), 200)]))
}
